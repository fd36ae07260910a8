/** metrics, as tables, as JSON and as a page. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, cliInTerminal, folderOf, noTerminal, parsed } from './support/cli.mjs';
import { runEvent, violation } from './support/events.mjs';
import { folder } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';
import { Random } from './support/random.mjs';

const require = createRequire(import.meta.url);
const { stretches, Tallies } = require('../lib/cli/tallies.js');
const { width } = require('../lib/cli/table.js');

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);

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
    for (const line of out.split('\n')) expect(width(line), line).toBeLessThanOrEqual(60);
    expect(out).toMatch(/^Day \(UTC\) +Events +Violations\/10 +Corrected +Rework\/event *$/m);
    expect(out).toMatch(/^a-rule-with… +1 .* [▁▂▃▄▅▆▇█]{10,}$/m);
  });

  test('a long time is drawn in fewer bars', async () => {
    const path = folderOf([runEvent({ timestamp: 0 }), runEvent({ timestamp: 100 * DAY })]);
    const { out } = await cli(['metrics', '--dir', path]);
    expect(out).toContain('A bar for 3 days');
    const tallies = new Tallies();
    for (const timestamp of [-8.64e15, 0, 8.64e15]) tallies.add(runEvent({ timestamp }));
    expect(stretches(tallies, 92).list).toHaveLength(92);
  });

  test('events of irregular shape are left out and told; so are times that are none', async () => {
    const odd = [{}, { violations: [null], reworkLines: 1 }, runEvent({ reworkLines: 'many' })];
    const undated = [runEvent({ timestamp: 'soon' }), runEvent({ timestamp: 1e300 })];
    const result = await cli(['metrics', '--json', '--dir', folderOf([...odd, ...undated, runEvent()])]);
    expect(parsed(result)[0]).toMatchObject({ metrics: { taskCount: 3 }, irregular: 3, undated: 2 });
    expect(result.err).toContain('3 events of irregular shape left out.');
    expect(result.err).toContain('2 events without a time');
  });
});

describe('metrics --html', () => {
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
    expect(text).not.toMatch(/<script|<link|<img|@import|url\(|https?:|src=|href=| on\w+=/i);
    expect(text).toContain("default-src 'none'");
    expect(text).toContain('prefers-color-scheme: dark');
    expect(text.match(/<svg/g).length).toBeGreaterThan(12);
    expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
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
    const events = [runEvent({ intent: evil, violations: [violation(evil)], reworkLines: 1 })];
    const { text } = await page(folderOf(events));
    expect(text).not.toContain('<script');
    expect(text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;\\u001b\\u202e\\ud800');
    const filtered = await page(folderOf(events), '--task', '<script>', '--session', '"<b>', '--intent', '&');
    expect(filtered.text).toContain('task &#60;script&#62; · session &#34;&#60;b&#62; · kind of work &#38;');
  });

  test('is whole for a log that is empty, of one event, of one day, without violations, of a thousand years', async () => {
    for (const events of [
      [],
      [runEvent()],
      someEvents(50, 1),
      [runEvent({ timestamp: 0 }), runEvent({ timestamp: 365_000 * DAY })],
      [runEvent({ violations: [violation('r')], reworkLines: 0 })],
      [{}, runEvent({ timestamp: 'never' })],
    ]) {
      const { code, text } = await page(folderOf(events));
      expect(code).toBe(0);
      expect(text).toMatch(/<\/html>\n$/);
      expect(text).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test('of one day has no trends, and of nothing says why', async () => {
    const one = (await page(folderOf(someEvents(50, 1)))).text;
    expect(one).toContain('<p>2026-01-01 (UTC) ·');
    expect(one).toContain('A dot for each day</p>');
    expect(one).not.toMatch(/<svg class="spark"|class="trend"|week on week/);
    const many = (await page(folderOf(someEvents(500, 40)))).text;
    expect(many).toContain('<p>2026-01-01 to 2026-02-09 (UTC) ·');
    expect(many).toMatch(/<svg class="spark".*class="trend"/s);
    // Shares are compared in points.
    expect(many).toMatch(/Outcomes accepted<\/span>.*?[▲▼] \d+ points?<\/span> week on week/s);
    for (const [events, args, text] of [
      [[], [], 'Nothing was recorded here yet.'],
      [someEvents(5, 1), ['--task', 'x'], 'No event matches.'],
      [[runEvent({ timestamp: 'soon' })], [], 'No event has a time.'],
    ])
      expect((await page(folderOf(events), ...args)).text).toContain(`<div class="card empty">${text}`);
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

  test.each([
    ['wide', 1240, 1700],
    ['narrow', 500, 2600],
  ])('the page is drawn as wide as the window, light and dark: %s', async (_, width, height) => {
    const place = folder();
    const file = join(place, 'page.html');
    await cli(['metrics', '--html', file, '--dir', folderOf(someEvents(500, 40))]);
    const pictures = [];
    for (const [scheme, flag] of [
      ['light', '--blink-settings=preferredColorScheme=1'],
      ['dark', '--blink-settings=preferredColorScheme=0'],
    ]) {
      const picture = join(place, `${scheme}.png`);
      await browse(file, flag, `--window-size=${width},${height}`, `--screenshot=${picture}`);
      pictures.push(readFileSync(picture));
    }
    for (const picture of pictures) {
      expect(picture.subarray(1, 4).toString()).toBe('PNG');
      expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([width, height]);
      // A page that failed to draw is a few kilobytes of one colour.
      expect(picture.length).toBeGreaterThan(40_000);
    }
    expect(pictures[0].equals(pictures[1])).toBe(false);
  });

  test('its charts are in the document', async () => {
    const file = join(folder(), 'page.html');
    await cli(['metrics', '--html', file, '--dir', folderOf(someEvents(500, 40))]);
    const dom = await browse(file, '--dump-dom');
    expect(dom.match(/<svg /g)).toHaveLength(readFileSync(file, 'utf8').match(/<svg /g).length);
    expect(dom.match(/role="img"/g)).toHaveLength(4);
  });
});
