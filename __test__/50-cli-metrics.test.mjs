/** metrics, as tables, as JSON and as a page. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, cliInTerminal, folderOf, noTerminal, parsed } from './support/cli.mjs';
import { runEvent, violation } from './support/events.mjs';
import { folder } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';
import { Random } from './support/random.mjs';

/** Columns of a text without wide characters. */
const width = (text) => [...text].length;
const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);

/** An event of a day on which it can have happened. */
const dated = (fields) => runEvent({ timestamp: START, ...fields });

function someEvents(count, days) {
  const random = new Random(7);
  const rules = ['no-eval', 'tests-first', 'small-diffs'];
  return Array.from({ length: count }, (_, i) =>
    runEvent({
      timestamp: START + Math.floor((i / count) * days * DAY),
      intent: ['bug-fix', 'feature', 'docs'][i % 3],
      violations: rules
        .filter((_, k) => random.int(k + 2) === 0)
        .map((rule) => violation(rule, random.chance(0.5))),
      reworkLines: random.int(40),
      outcomeAccepted: [true, false, null][random.int(3)],
      testResults: { ran: i % 2 === 0, passed: 9, failed: i % 5 === 0 ? 1 : 0, skipped: 0 },
      sessionId: `s${i % 2}`,
    }),
  );
}

describe('metrics', () => {
  test('are those of the ledger', async () => {
    const path = folderOf(someEvents(500, 40));
    const ledger = ours.createPersistentLedger({ storagePath: path, compactIntervalMs: 0 });
    await ledger.init();
    const [found] = parsed(await cli(['metrics', '--json', '--dir', path]));
    expect(found.metrics).toEqual(ledger.computeMetrics());
    expect(found.ranking.map(({ corrected, ...rank }) => rank)).toEqual(ledger.rankViolations());
    const day = (n) => ledger.getEventsInRange(START + n * DAY, START + (n + 1) * DAY - 1);
    expect(found.days).toHaveLength(40);
    for (const [n, { day: name, events, violationRate, reworkLines }] of found.days.entries()) {
      const { taskCount, ...metrics } = ledger.computeMetrics(day(n));
      expect({ name, events, violationRate, reworkLines }).toEqual({
        name: new Date(START + n * DAY).toISOString().slice(0, 10),
        events: taskCount,
        violationRate: metrics.violationRate,
        reworkLines: metrics.reworkLines,
      });
    }
    await ledger.destroy();
  });

  test('of an empty log are those of an empty ledger', async () => {
    const path = folderOf([]);
    const [found] = parsed(await cli(['metrics', '--json', '--dir', path]));
    expect(found.metrics).toEqual(ours.createLedger().computeMetrics());
    expect(found).toMatchObject({ days: [], ranking: [], intents: [] });
    expect((await cli(['metrics', '--dir', path])).out).toMatch(/^ +All/);
  });

  test('take the conditions of query', async () => {
    const path = folderOf(someEvents(500, 40));
    const count = async (...args) =>
      parsed(await cli(['metrics', '--json', '--dir', path, ...args]))[0].metrics.taskCount;
    expect(await count('--intent', 'docs')).toBe(166);
    expect(await count('--session', 's1')).toBe(250);
    expect(await count('--since', '2026-01-01', '--until', '2026-01-04')).toBe(50);
  });

  test('tables tell totals, days and rules, with sparklines', async () => {
    const { code, out, err } = await cli(['metrics', '--dir', folderOf(someEvents(500, 40))]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Violations per 10 events +[\d.]+ {2}[▁▂▃▄▅▆▇█]{40}$/m);
    expect(out).toMatch(/^2026-02-09 +\d+ /m);
    expect(out).toContain('9 earlier days');
    expect(out).not.toContain('2026-01-09');
    expect(out).toMatch(/^no-eval +\d+ +[\d.]+ +[\d.,]+ +\d+ % {2}[▁▂▃▄▅▆▇█]{40}$/m);
  });

  test.skipIf(noTerminal)('fit into a narrow terminal', async () => {
    const long = runEvent({ timestamp: START, violations: [violation('a-rule-with-quite-a-long-name')] });
    const path = folderOf([...someEvents(500, 40), long]);
    const { out } = await cliInTerminal(['metrics', '--no-color', '--dir', path], { columns: 60 });
    const note = /^\d columns? not shown: the terminal is narrow; --json has all\.$/m;
    expect(out).toMatch(note);
    for (const line of out.replace(note, '').split('\n')) expect(width(line), line).toBeLessThanOrEqual(60);
    expect(out).toMatch(/^Day \(UTC\) +Events +Violations\/10 +Corrected +Rework\/event *$/m);
    expect(out).toMatch(/^a-rule-with… +1 .* [▁▂▃▄▅▆▇█]{10,}$/m);
  });

  test('a long time is drawn in fewer bars', async () => {
    const path = folderOf([dated(), dated({ timestamp: START + 100 * DAY })]);
    const { out } = await cli(['metrics', '--dir', path]);
    expect(out).toContain('A bar for 3 days');
  });

  test('events of irregular shape are left out and reported; so are times that are none', async () => {
    const odd = [{}, { violations: [null], reworkLines: 1 }, runEvent({ reworkLines: 'many' })];
    const undated = [runEvent({ timestamp: 'soon' }), runEvent({ timestamp: null })];
    const result = await cli(['metrics', '--json', '--dir', folderOf([...odd, ...undated, dated()])]);
    expect(parsed(result)[0]).toMatchObject({ metrics: { taskCount: 3 }, irregular: 3, undated: 2 });
    expect(result.err).toContain('3 events of irregular shape left out.');
    expect(result.err).toContain('2 events without a time');
  });
});

describe('metrics, and times', () => {
  test('times that cannot be are on no day, counted and reported', async () => {
    const times = [START / 1000, 8.64e15, 1e300, 0, Date.now() + 2 * DAY];
    const path = folderOf([dated(), ...times.map((timestamp) => runEvent({ timestamp }))]);
    const result = await cli(['metrics', '--json', path]);
    const [found] = parsed(result);
    expect(found).toMatchObject({ metrics: { taskCount: 6 }, implausible: 5, undated: 0 });
    expect(found.days.map(({ day }) => day)).toEqual(['2026-01-01']);
    expect(result.err).toContain('5 events have times that cannot be');
    const verify = await cli(['verify', '--json', path]);
    expect(verify.code).toBe(1);
    expect(parsed(verify)[0]).toMatchObject({ findings: ['implausible-times'], implausibleTimes: 5 });
    expect((await cli(['verify', path])).out).toContain('it looks like seconds');
  });

  test('days are local, or of UTC if the call says so; the one that is not over is marked', async () => {
    const path = folderOf([
      dated({ timestamp: START + 20 * 3_600_000 }),
      runEvent({ timestamp: Date.now() }),
    ]);
    const days = async (...args) =>
      parsed(await cli(['metrics', '--json', path, ...args], { env: { TZ: 'Asia/Tokyo' } }))[0].days;
    expect((await days())[0]).toMatchObject({ day: '2026-01-02', partial: false });
    expect((await days('--utc'))[0]).toMatchObject({ day: '2026-01-01', partial: false });
    expect((await days()).at(-1).partial).toBe(true);
    expect((await cli(['metrics', path])).out).toContain('* not over yet');
  });
});

describe('metrics --by', () => {
  const path = () =>
    folderOf(
      Array.from({ length: 60 }, (_, i) =>
        dated({
          timestamp: START + i * DAY,
          guidanceHash: i < 30 ? 'old-hash' : 'new-hash',
          sessionId: `s${i % 3}`,
          agentType: ['Explore', 'Plan'][i % 2],
          toolsUsed: i % 2 ? ['Edit', 'Bash', 'Edit'] : ['Read'],
          intent: ['bug-fix', 'docs'][i % 2],
          violations: i < 30 || i % 10 === 0 ? [violation('R-1', i % 2 === 0)] : [],
          reworkLines: i < 30 ? 10 : 2,
          outcomeAccepted: i % 3 ? i >= 30 : null,
          testResults: { ran: true, passed: 9, failed: 1, skipped: 0 },
        }),
      ),
    );
  const by = async (name) => parsed(await cli(['metrics', '--by', name, '--json', path()]))[0];

  test('guidance: the rates of each, in order of time, with intervals', async () => {
    const { by: name, groups } = await by('guidance');
    expect(name).toBe('guidance');
    expect(groups.map(({ key }) => key)).toEqual(['old-hash', 'new-hash']);
    expect(groups[0]).toMatchObject({
      events: 30,
      violationsPer10: 10,
      correctedRate: 0.5,
      reworkPerEvent: 10,
      acceptedRate: 0,
      testsPassedRate: 0.9,
      from: START,
      to: START + 29 * DAY,
    });
    expect(groups[1]).toMatchObject({ events: 30, violationsPer10: 1, reworkPerEvent: 2, acceptedRate: 1 });
    for (const { interval, violationsPer10 } of groups) {
      expect(interval.violationsPer10[0]).toBeLessThanOrEqual(violationsPer10);
      expect(interval.violationsPer10[1]).toBeGreaterThanOrEqual(violationsPer10);
      expect(interval.acceptedRate[1] - interval.acceptedRate[0]).toBeGreaterThan(0.05);
    }
  });

  test.each([
    ['session', { s0: 20, s1: 20, s2: 20 }],
    ['agent', { Explore: 30, Plan: 30 }],
    ['tool', { Read: 30, Edit: 30, Bash: 30 }],
    ['intent', { 'bug-fix': 30, docs: 30 }],
    ['rule', { 'R-1': 33 }],
  ])('%s: the events of each', async (name, expected) => {
    const { groups } = await by(name);
    expect(Object.fromEntries(groups.map(({ key, events }) => [key, events]))).toEqual(expected);
  });

  test('day: each day; and as a table, with how far off a rate may be', async () => {
    expect((await by('day')).groups).toHaveLength(60);
    const { out } = await cli(['metrics', '--by', 'guidance', path()]);
    expect(out).toMatch(
      /^Guidance +Events +Violations\/10 +Corrected +Rework\/event +Accepted +Tests passed$/m,
    );
    expect(out).toMatch(/^new-hash +30 +1\.00 ±1\.1\d/m);
  });

  test('an event without a session is in no group of sessions', async () => {
    const [found] = parsed(await cli(['metrics', '--by', 'session', '--json', folderOf([dated()])]));
    expect(found.groups).toEqual([]);
    expect((await cli(['metrics', '--by', 'session', folderOf([dated()])])).out).toBe('No event says.\n');
  });

  test('compare says what is better, and what is noise', async () => {
    const store = path();
    const [found] = parsed(await cli(['compare', 'old', 'new', '--json', '--dir', store]));
    expect(found.before).toMatchObject({ key: 'old', events: 30, violationsPer10: 10 });
    expect(found.after).toMatchObject({ key: 'new', events: 30, violationsPer10: 1 });
    expect(found.change.violationsPer10).toMatchObject({ difference: -9, verdict: 'better' });
    expect(found.change.acceptedRate).toMatchObject({ difference: 1, verdict: 'better' });
    expect(found.change.testsPassedRate).toMatchObject({ difference: 0, verdict: 'within the noise' });
    const { out } = await cli(['compare', 'new', 'old', '--dir', store]);
    expect(out).toMatch(/^Violations per 10 events +1\.00 +10\.0 +\+9\.00 .*✗ worse$/m);
    const day = new Date(START + 30 * DAY).toISOString().slice(0, 10);
    const [times] = parsed(await cli(['compare', '--before', day, '--json', '--dir', store]));
    expect([times.before.events, times.after.events]).toEqual([30, 30]);
    const [gap] = parsed(
      await cli(['compare', '--before', '2026-01-11', '--after', '2026-01-21', '--json', '--dir', store]),
    );
    expect([gap.before.events, gap.after.events]).toEqual([10, 40]);
    const few = folderOf([dated({ guidanceHash: 'a' }), dated({ guidanceHash: 'b' })]);
    const [little] = parsed(await cli(['compare', 'a', 'b', '--json', '--dir', few]));
    expect(little.change.violationsPer10.verdict).toBe('too few events to tell');
  });

  test('compare of hashes that are not there, or not enough, says so', async () => {
    const store = folderOf([
      dated({ guidanceHash: 'aa1' }),
      dated({ guidanceHash: 'aa2' }),
      dated({ guidanceHash: 'b' }),
    ]);
    const none = await cli(['compare', 'x', 'b', '--dir', store]);
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toContain('no event has guidance x\nTry: guidance-ledger metrics --by guidance');
    expect((await cli(['compare', 'aa', 'b', '--dir', store])).err).toContain(
      'several hashes begin with aa: aa1, aa2',
    );
    expect((await cli(['compare', '--before', '1d', '--after', '2d', '--dir', store])).code).toBe(2);
  });
});

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
    'of %s no label is cut, and contrast is enough, at every width, light and dark',
    async (name) => {
      const path = folderOf(logs[name]());
      for (const width of [390, 768, 1280, 1600])
        for (const [scheme, flag] of SCHEMES) {
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
