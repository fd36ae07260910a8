/** stats and query. */
import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, folderOf, noTerminal, parsed } from './support/cli.mjs';
import { paths } from './support/disk.mjs';
import { at, runEvent, violation } from './support/events.mjs';
import { ours } from './support/implementations.mjs';

const HOUR = 3_600_000;

describe('stats', () => {
  test('tells what the log holds', async () => {
    const path = folderOf([]);
    const store = ours.createEventStore(path);
    for (const event of at(Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 3)))
      await store.append(event);
    await store.flush();
    appendFileSync(paths(path).rejected, 'one\ntwo\n');
    const { code, out } = await cli(['stats', '--dir', path]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^Folder +\/.*\nEvents +3\nSize +[\d.]+ KB\nOldest +2026-01-01T00:00:00Z \(.* ago\)\nNewest +2026-01-03T/,
    );
    expect(out).toMatch(/Lines +all are events\nIndex +agrees\nSet aside +2 lines, 8 B\n$/);
    expect(parsed(await cli(['stats', '--json', '--dir', path]))).toEqual([
      {
        folder: path,
        exists: true,
        ...(await store.getStats()),
        malformedLines: 0,
        index: { eventCount: 3, drift: false },
        rejected: { lines: 2, bytes: 8 },
      },
    ]);
  });

  test.each([[''], ['\n \n']])('of a log without a line says so: %j', async (text) => {
    expect((await cli(['stats', '--dir', folderOf([], text)])).out).toMatch(/\nLines +none\nIndex +none\n/);
  });

  test('never believes index.json, and tells when it is wrong', async () => {
    const path = folderOf(at(1, 2));
    const stats = async () => parsed(await cli(['stats', '--json', '--dir', path]))[0];
    expect(await stats()).toMatchObject({ eventCount: 2, index: null });
    writeFileSync(paths(path).index, '{"eventCount":7}');
    expect(await stats()).toMatchObject({ eventCount: 2, index: { eventCount: 7, drift: true } });
    expect((await cli(['stats', '--dir', path])).out).toContain('says 7');
    writeFileSync(paths(path).index, '{"eventCount"');
    expect(await stats()).toMatchObject({ eventCount: 2, index: { eventCount: null, drift: true } });
  });
});

describe('query', () => {
  const now = Date.now();
  const events = [
    runEvent({
      eventId: 'a',
      timestamp: now - 5 * HOUR,
      taskId: 't1',
      intent: 'bug-fix',
      sessionId: 's1',
      toolsUsed: ['Read', 'Edit'],
      filesTouched: ['src/a.ts'],
      outcomeAccepted: true,
    }),
    runEvent({
      eventId: 'b',
      timestamp: now - 90 * 60_000,
      taskId: 't2',
      intent: 'feature',
      sessionId: 's1',
      filesTouched: ['crates/deep/b.rs'],
      agentId: 'agent-7',
      agentType: 'Explore',
    }),
    runEvent({
      eventId: 'c',
      timestamp: now - 30 * 60_000,
      taskId: 't1',
      intent: 'feature',
      sessionId: 's2',
      violations: [violation('R-1')],
      diffSummary: { linesAdded: 7, linesRemoved: 0, filesChanged: 1 },
    }),
    runEvent({
      eventId: 'd',
      timestamp: Date.UTC(2020, 0, 2, 12),
      taskId: 't3',
      guidanceHash: 'other',
      mode: 'plan',
    }),
  ];

  test.each([
    [[], 'abcd'],
    [['--since', '2h'], 'bc'],
    [['--since', '6h', '--until', '1h'], 'ab'],
    [['--since', '2020-01-02', '--until', '2020-01-02'], 'd'],
    [['--until', '2020-01-01'], ''],
    [['--until', '1577966400'], 'd'],
    [['--until', '1577966400000'], 'd'],
    [['--until', '1577966399999'], ''],
    [['--task', 't1'], 'ac'],
    [['--session', 's1'], 'ab'],
    [['--intent', 'feature'], 'bcd'],
    [['--intent', 'feature', '--task', 't1', '--session', 's2', '--since', '1h'], 'c'],
    [['--limit', '2'], 'cd'],
    [['--limit', '2', '--oldest'], 'ab'],
    [['--since', '6h', '--limit', '2'], 'bc'],
    [['--limit', '0'], ''],
    [['--task', 't1', '--limit', '1'], 'c'],
    [['--task', 't1', '--limit', '1', '--oldest'], 'a'],
    [['--tool', 'Edit'], 'a'],
    [['--file', '*.rs'], 'b'],
    [['--file', 'src/*.ts'], 'a'],
    [['--rule', 'R-1'], 'c'],
    [['--outcome', 'accepted'], 'a'],
    [['--outcome', 'open', '--since', '6h'], 'bc'],
    [['--agent', 'Explore'], 'b'],
    [['--agent', 'agent-7'], 'b'],
    [['--guidance', 'other'], 'd'],
    [['--where', 'diffSummary.linesAdded=7'], 'c'],
    [['--where', 'mode=plan'], 'd'],
    [['--where', 'mode=plan', '--where', 'n=1'], ''],
    [['--task', '-t'], null],
    [['--task=-t'], ''],
  ])('%j', async (args, ids) => {
    const result = await cli(['query', '--json', '--dir', folderOf(events), ...args]);
    if (ids === null) return expect(result.code).toBe(2);
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(
      parsed(result)
        .map(({ eventId }) => eventId)
        .join(''),
    ).toBe(ids);
  });

  test('--json gives the events as they are', async () => {
    expect(parsed(await cli(['query', '--json', '--dir', folderOf(events)]))).toEqual(events);
  });

  test('a line for a reader tells what matters', async () => {
    const event = runEvent({
      timestamp: Date.UTC(2026, 0, 1),
      sessionId: 'session-1',
      toolsUsed: ['Edit'],
      filesTouched: ['src/a.ts', 'src/b.ts'],
      violations: ['r1', 'r1', 'r2', 'r3', 'r4'].map((rule) => violation(rule)),
      testResults: { ran: true, passed: 8, failed: 2, skipped: 0 },
      reworkLines: 12,
      durationMs: 1500,
      outcomeAccepted: false,
    });
    const path = folderOf([event]);
    const { out } = await cli(['query', path]);
    expect(out).toBe(
      '2026-01-01 00:00:00  session-1     task-1            Edit src/a.ts +1              rejected  broke r1 ×2, r2, r3, 1 more  2 of 10 tests failed  rework 12.0  1.5 s\n',
    );
    // The local zone, unless the call says UTC.
    const env = { TZ: 'Asia/Tokyo' };
    expect((await cli(['query', path], { env })).out).toMatch(/^2026-01-01 09:00:00 /);
    expect((await cli(['query', path, '--utc'], { env })).out).toBe(out);
  });

  test.skipIf(noTerminal)('lines fit a terminal from 40 columns on', async () => {
    const long = runEvent({
      taskId: 'a-task-with-a-long-name',
      sessionId: 'a-session-with-a-long-name',
      toolsUsed: ['Edit'],
      filesTouched: ['src/a/rather/deep/path/to/a/file.ts'],
      violations: [violation('a-rule-with-a-long-name')],
    });
    const path = folderOf([long, runEvent({ timestamp: 'soon' }), {}]);
    for (const columns of [40, 60, 80, 100, 160]) {
      const { out } = await cliInTerminal(['query', '--no-color', path], { columns });
      const lines = out.trimEnd().split('\n');
      expect(lines).toHaveLength(3);
      for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(columns);
      expect(lines[0]).toMatch(/Edit .*file\.ts/);
      expect(out).not.toContain('undefined');
    }
  });

  test('days of --since and --until are those of the zone', async () => {
    const path = folderOf(at(Date.UTC(2026, 0, 1, 20)));
    const count = async (day, ...more) =>
      (
        await cli(['query', path, '--since', day, '--until', day, '--json', ...more], {
          env: { TZ: 'Asia/Tokyo' },
        })
      ).lines.length;
    expect(await count('2026-01-02')).toBe(1);
    expect(await count('2026-01-01')).toBe(0);
    expect(await count('2026-01-01', '--utc')).toBe(1);
  });

  test('a string is found however it is written', async () => {
    const path = folderOf(
      [],
      '{"eventId":"x","taskId":"\\u0078-ray","note":"\\\\"}\n',
      '{"taskId":"other"}\n',
    );
    expect(
      parsed(await cli(['query', path, '--task', 'x-ray', '--json'])).map(({ eventId }) => eventId),
    ).toEqual(['x']);
  });
});

/** The checkpoint says which megabytes of a log have events of a time. */
describe('a time in a log of megabytes', () => {
  const checkpoint = (path) => join(path, '.events.ckpt');
  const start = Date.UTC(2026, 0, 1);
  const pad = 'x'.repeat(400);
  // In some disorder, with one of the first among the last and one whose time is no number.
  const times = Array.from({ length: 9000 }, (_, number) => start + (number ^ 5) * 1000);
  times[8000] = start + 100_500;
  times[4000] = 'noon';
  const lines = times.map((timestamp, number) => JSON.stringify({ eventId: `e-${number}`, timestamp, pad }));

  test.each([
    ['a checkpoint', () => {}],
    ['no checkpoint', (path) => rmSync(checkpoint(path))],
    ['a torn checkpoint', (path) => truncateSync(checkpoint(path), (512 << 10) + 40)],
    [
      'the checkpoint of another log',
      (path) => writeFileSync(paths(path).log, `${lines.toReversed().join('\n')}\n`),
    ],
    ['an unfinished line behind it', (path) => appendFileSync(paths(path).log, lines[100])],
  ])('%s', async (_, change) => {
    const path = folderOf([], `${lines.join('\n')}\n`);
    const store = ours.createEventStore(path);
    await store.append({ eventId: 'last', timestamp: start - 1 });
    await store.close();
    expect(statSync(checkpoint(path)).size).toBeGreaterThan(512 << 10);
    change(path);
    const all = readFileSync(paths(path).log, 'utf8').trimEnd().split('\n').map(JSON.parse);
    const day = (time) => new Date(time).toISOString();
    for (const [from, to] of [
      [100_000, 101_000],
      [2_500_000, 6_000_000],
      [-5, 3000],
      [8_990_000, 99_000_000],
      [99_000_000, 99_999_000],
    ]) {
      const wanted = all
        .filter(({ timestamp }) => timestamp >= start + from && timestamp <= start + to)
        .map(({ eventId }) => eventId);
      const ids = async (command, ...more) =>
        parsed(
          await cli([
            command,
            '--dir',
            path,
            '--json',
            '--since',
            day(start + from),
            '--until',
            day(start + to),
            ...more,
          ]),
        ).map(({ eventId }) => eventId);
      expect(await ids('query')).toEqual(wanted);
      expect(await ids('query', '--limit', '7')).toEqual(wanted.slice(-7));
      expect(await ids('query', '--limit', '7', '--oldest')).toEqual(wanted.slice(0, 7));
      expect(await ids('tail', '--lines', '3')).toEqual(wanted.slice(-3));
    }
  });
});

describe('show', () => {
  const path = () =>
    folderOf([], '{"eventId":"abc-1","n":738529527931269425,"x":[1e999]}\n', '{"eventId":"abc-2"}\n');

  test('gives one event in full, by its id or the beginning of it', async () => {
    const folder = path();
    const { code, out } = await cli(['show', 'abc-1', '--dir', folder]);
    expect(code).toBe(0);
    expect(out).toBe('{\n  "eventId": "abc-1",\n  "n": 738529527931269425,\n  "x": [\n    1e999\n  ]\n}\n');
    expect((await cli(['show', 'abc-2', '--json', '--dir', folder])).out).toBe('{"eventId":"abc-2"}\n');
  });

  test('says so if there is none, or if several begin so', async () => {
    const folder = path();
    expect(await cli(['show', 'x', '--dir', folder])).toMatchObject({ code: 1, out: '' });
    const several = await cli(['show', 'abc', '--dir', folder]);
    expect(several).toMatchObject({ code: 2, out: '' });
    expect(several.err).toContain('several ids begin with abc: abc-1, abc-2');
  });

  test('takes the beginning of an id that several events have', async () => {
    const folder = folderOf([...at(1, 2, 3)].map((event) => ({ ...event, eventId: 'shared' })));
    const { code, out, err } = await cli(['show', 'sha', '--json', '--dir', folder]);
    expect({ code, err }).toEqual({ code: 0, err: '3 events have this id.\n' });
    expect(out.match(/"shared"/g)).toHaveLength(3);
  });
});
