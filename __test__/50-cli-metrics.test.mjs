/** metrics and compare, as tables and as JSON. */
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, folderOf, noTerminal, parsed } from './support/cli.mjs';
import { DAY, dated, START, someEvents } from './support/dated-events.mjs';
import { runEvent, violation } from './support/events.mjs';
import { ours } from './support/implementations.mjs';

/** Columns of a text without wide characters. */
const width = (text) => [...text].length;

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
