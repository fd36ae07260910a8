/** The page of metrics: what it holds, and how a browser shows it. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, folderOf, parsed } from './support/cli.mjs';
import { DAY, dated, START, someEvents } from './support/dated-events.mjs';
import { runEvent, violation } from './support/events.mjs';
import { folder } from './support/folder.mjs';

describe('metrics --html', () => {
  /** The page without its script. */
  const drawn = (text) => text.replace(/<script>[\s\S]*?<\/script>/, '');
  const page = async (path, ...args) => {
    const file = join(folder(), 'page.html');
    const result = await cli(['metrics', '--html', file, '--dir', path, ...args]);
    return { ...result, file, text: existsSync(file) ? readFileSync(file, 'utf8') : '' };
  };

  test('writes one page that needs nothing else', async () => {
    const { code, out, err, text, file } = await page(folderOf(someEvents(500, 40)));
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toBe(`Written to ${file}.\n`);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(text).not.toMatch(/<link|<img|@import|url\(|https?:|src=|href=| on\w+=| style=/i);
    // Its one script and one style are those of its policy, by their hashes.
    const policy =
      /content="(default-src 'none'; script-src 'sha256-([^']+)'; style-src 'sha256-([^']+)'; [^"]*)"/.exec(
        text.replaceAll('&#39;', "'"),
      );
    const hash = (content) => createHash('sha256').update(content).digest('base64');
    expect([...text.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, content]) => hash(content))).toEqual([
      policy[2],
    ]);
    expect([...text.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, content]) => hash(content))).toEqual([
      policy[3],
    ]);
    expect(text).toContain('prefers-color-scheme: dark');
    expect(text.match(/<svg class="shapes"/g)).toHaveLength(6);
    expect(drawn(text)).not.toMatch(/NaN|Infinity|\[object/);
    for (const label of [
      'Violations per 10 events',
      'Events per day',
      'Rules that cost most',
      'no-eval',
      '2026-02-09',
    ])
      expect(text).toContain(label);
  });

  test('what events say cannot break out of it', async () => {
    const evil = `</td><script>alert(1)</script>"'&\u001b\u202e\ud800`;
    const events = [
      dated({
        intent: evil,
        violations: [violation(evil)],
        reworkLines: 1,
        sessionId: evil,
        guidanceHash: evil,
      }),
    ];
    const { text } = await page(folderOf(events));
    expect(text.match(/<script/g)).toHaveLength(1);
    expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&amp;\\u001b\\u202e\\ud800");
    const filtered = await page(folderOf(events), '--task', '<script>', '--session', '"<b>', '--intent', '&');
    expect(filtered.text).toContain('task &lt;script&gt; · session &quot;&lt;b&gt; · kind of work &amp;');
  });

  test('is whole for a log that is empty, of one event, of one day, without violations, of ten years', async () => {
    for (const events of [
      [],
      [dated()],
      someEvents(50, 1),
      [dated(), dated({ timestamp: START - 3650 * DAY })],
      [dated({ violations: [violation('r')], reworkLines: 0 })],
      [{}, runEvent({ timestamp: 'never' })],
    ]) {
      const { code, text } = await page(folderOf(events));
      expect(code).toBe(0);
      expect(text).toMatch(/<\/html>\n$/);
      expect(drawn(text)).not.toMatch(/NaN|Infinity/);
    }
  });

  test('of one day has no trends, and of nothing says why', async () => {
    const one = (await page(folderOf(someEvents(50, 1)))).text;
    expect(one).toContain('<p>2026-01-01 (UTC) · 50 events</p>');
    expect(one).toContain('A bar or dot for each day.');
    expect(one).toContain('Two whole weeks are needed');
    expect(one).not.toMatch(/class="mean"|class="week"/);
    const many = (await page(folderOf(someEvents(500, 40)))).text;
    expect(many).toContain('<p>2026-01-01 to 2026-02-09 (UTC) · 500 events</p>');
    expect(many).toMatch(/class="mean".*line: mean of 7 days|line: mean of 7 days.*class="mean"/s);
    // A verdict in words and by its shape, with the two weeks it is about.
    expect(many).toMatch(
      /Outcomes accepted<\/h3>.*?<span aria-hidden="true">[▲▼≈] <\/span>(?:better|worse|within the noise)<\/span><br>week \d+/s,
    );
    for (const [events, args, text] of [
      [[], [], 'Nothing was recorded here yet.'],
      [someEvents(5, 1), ['--task', 'x'], 'No event matches.'],
      [[runEvent({ timestamp: 'soon' })], [], 'No event has a time that can be drawn.'],
    ])
      expect((await page(folderOf(events), ...args)).text).toContain(
        `<section class="card empty"><p>${text}`,
      );
  });

  test('marks the days on which the guidance changed', async () => {
    const events = someEvents(100, 30).map((event, i) => ({
      ...event,
      guidanceHash: i < 50 ? 'one' : 'two',
    }));
    const { text } = await page(folderOf(events));
    expect(text.match(/class="mark" d="M50 0V100"/g)).toHaveLength(6);
    expect(text).toContain('<b>G2</b> two');
    expect((await page(folderOf(someEvents(100, 30)))).text).not.toContain('class="mark"');
  });

  test('with --json tells both', async () => {
    const result = await page(folderOf(someEvents(10, 2)), '--json');
    expect(parsed(result)[0].metrics.taskCount).toBe(10);
    expect(result.text).toContain('</html>');
  });
});

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--hide-scrollbars'],
];

/** What is asked of the page in the browser; the answer becomes the document's title. */
function inspect() {
  const found = { cut: [], contrast: [], requests: performance.getEntriesByType('resource').length };
  const { width } = document.documentElement.getBoundingClientRect();
  found.sideways = document.documentElement.scrollWidth > width;
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
    return 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/rgba\(.*, 0\)|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const element of document.querySelectorAll(
    'h1, h2, h3, p, small, td, th, th button, span, figcaption, label, b',
  )) {
    const at = element.getBoundingClientRect();
    if (at.width === 0 || element.textContent.trim() === '') continue;
    if (ratio(getComputedStyle(element).color, ground(element)) < 4.5)
      found.contrast.push(element.outerHTML.slice(0, 80));
  }
  for (const element of document.querySelectorAll('.y span, .x span, .value, h3, figcaption')) {
    const at = element.getBoundingClientRect();
    if (at.left < 0 || at.right > width + 0.5) found.cut.push(element.textContent);
  }
  for (const [selector, property] of [
    ['.bar', 'fill'],
    ['.dot', 'stroke'],
    ['.mean', 'stroke'],
    ['.mark', 'stroke'],
  ]) {
    const element = document.querySelector(selector);
    if (element && ratio(getComputedStyle(element)[property], ground(element)) < 3)
      found.contrast.push(selector);
  }
  const press = (element, key) => element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  const tip = document.getElementById('tip');
  const chart = document.querySelector('.shapes');
  if (chart) {
    press(chart, 'ArrowRight');
    found.first = tip.textContent;
    press(chart, 'End');
    found.last = tip.textContent;
    const at = tip.getBoundingClientRect();
    found.tipInside = at.left >= 0 && at.right <= innerWidth;
    press(chart, 'Escape');
    found.hidden = tip.hidden;
    const hit = chart.querySelectorAll('.hit')[1];
    hit?.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerType: 'touch' }));
    found.touched = tip.textContent;
  }
  const rules = [...document.querySelectorAll('.data')].find((card) =>
    card.querySelector('h3').textContent.startsWith('Rules'),
  );
  const times = rules?.querySelectorAll('th button')[1];
  if (times) {
    const column = () => [...rules.querySelectorAll('tbody tr')].map((row) => Number(row.cells[1].dataset.v));
    times.click();
    found.down = column();
    times.click();
    found.up = column();
    const filter = rules.querySelector('input');
    if (filter) {
      filter.value = 'NO-such';
      filter.dispatchEvent(new Event('input', { bubbles: true }));
      found.filtered = [...rules.querySelectorAll('tbody tr')].filter((row) => !row.hidden).length;
    }
  }
  document.title = JSON.stringify(found);
}

describe.skipIf(!chromium)(`in a browser${chromium ? '' : ' (skipped: there is no chromium)'}`, () => {
  /** Runs the browser on a page and gives what it printed. */
  async function browse(file, ...flags) {
    const profile = mkdtempSync(join(tmpdir(), 'guidance-ledger-browser-'));
    onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
    const child = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`, ...flags, `file://${file}`]);
    onTestFinished(() => void child.kill('SIGKILL'));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    return out;
  }

  const SCHEMES = [
    ['light', '--blink-settings=preferredColorScheme=1'],
    ['dark', '--blink-settings=preferredColorScheme=0'],
  ];

  /** The page with one more script, which asks it; the policy gets its hash. */
  async function inspected(path, width, scheme) {
    const place = folder();
    const file = join(place, 'page.html');
    await cli(['metrics', '--html', file, path]);
    const script = `(${inspect})()`;
    const hash = createHash('sha256').update(script).digest('base64');
    const text = readFileSync(file, 'utf8')
      .replace(/(script-src )/, `$1&#39;sha256-${hash}&#39; `.replaceAll('&#39;', "'"))
      .replace('</body>', `<script>${script}</script></body>`);
    writeFileSync(file, text);
    const dom = await browse(file, scheme, `--window-size=${width},1000`, '--dump-dom');
    const title = /<title>(.*?)<\/title>/
      .exec(dom)[1]
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
    return JSON.parse(title);
  }

  const LONG = 'a-rule-with-a-name-that-is-longer-than-any-table-has-room-for'.repeat(3);
  const logs = {
    nothing: () => [],
    'one event': () => [dated({ violations: [violation(LONG)] })],
    'forty days': () =>
      someEvents(500, 40).map((event, i) => ({ ...event, guidanceHash: i < 250 ? 'one' : 'two' })),
    'two years, 300 rules, long names': () =>
      Array.from({ length: 5000 }, (_, i) =>
        dated({
          timestamp: START - Math.floor((i / 5000) * 730 * DAY),
          violations: [violation(`${i % 9 ? '' : LONG}rule-${i % 300}`)],
          reworkLines: i % 50_000,
          sessionId: `${LONG}${i % 50}`,
          guidanceHash: `guidance-${Math.floor(i / 500)}`,
          outcomeAccepted: i % 3 === 0,
        }),
      ),
  };

  test.each(Object.keys(logs))(
    'of %s no label is cut at any width, and contrast is enough, light and dark',
    async (name) => {
      const path = folderOf(logs[name]());
      // Colours know nothing of the width, and lengths nothing of the colours.
      for (const [at, width] of [390, 768, 1280, 1600].entries()) {
        const [scheme, flag] = SCHEMES[at % 2];
        const found = await inspected(path, width, flag);
        expect({ width, scheme, ...found }).toMatchObject({
          cut: [],
          contrast: [],
          requests: 0,
          sideways: false,
        });
      }
    },
    240_000,
  );

  test('keys, a tap and the heads of tables work', async () => {
    const found = await inspected(folderOf(logs['forty days']()), 390, SCHEMES[0][1]);
    expect(found.first).toMatch(/^2026-01-01: \d+ events$/);
    expect(found.last).toMatch(/^2026-02-09: \d+ events$/);
    expect(found).toMatchObject({ tipInside: true, hidden: true });
    expect(found.touched).toMatch(/^2026-01-02: \d+ events$/);
    expect(found.down).toHaveLength(3);
    expect(found.down).toEqual([...found.down].sort((a, b) => b - a));
    expect(found.up).toEqual([...found.down].reverse());
    const many = await inspected(folderOf(logs['two years, 300 rules, long names']()), 768, SCHEMES[1][1]);
    expect(many.filtered).toBe(0);
    expect(many.down.length).toBeGreaterThanOrEqual(300);
  });

  test.each([390, 768, 1280, 1600])('is drawn %i pixels wide, light and dark', async (width) => {
    const place = folder();
    const file = join(place, 'page.html');
    await cli(['metrics', '--html', file, folderOf(logs['forty days']())]);
    const pictures = [];
    for (const [scheme, flag] of SCHEMES) {
      const picture = join(place, `${scheme}.png`);
      await browse(file, flag, `--window-size=${width},1700`, `--screenshot=${picture}`);
      pictures.push(readFileSync(picture));
    }
    for (const picture of pictures) {
      expect(picture.subarray(1, 4).toString()).toBe('PNG');
      expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([width, 1700]);
      // A page that failed to draw is a few kilobytes of one colour.
      expect(picture.length).toBeGreaterThan(40_000);
    }
    expect(pictures[0].equals(pictures[1])).toBe(false);
  });
});
