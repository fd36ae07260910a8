/** stats and query. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, parsed } from './support/cli.mjs';
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
    expect(out).toMatch(/Index +agrees\nSet aside +2 lines, 8 B\n$/);
    expect(parsed(await cli(['stats', '--json', '--dir', path]))).toEqual([
      {
        folder: path,
        exists: true,
        ...(await store.getStats()),
        index: { eventCount: 3, drift: false },
        rejected: { lines: 2, bytes: 8 },
      },
    ]);
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
    runEvent({ eventId: 'a', timestamp: now - 5 * HOUR, taskId: 't1', intent: 'bug-fix', sessionId: 's1' }),
    runEvent({
      eventId: 'b',
      timestamp: now - 90 * 60_000,
      taskId: 't2',
      intent: 'feature',
      sessionId: 's1',
    }),
    runEvent({
      eventId: 'c',
      timestamp: now - 30 * 60_000,
      taskId: 't1',
      intent: 'feature',
      sessionId: 's2',
    }),
    runEvent({ eventId: 'd', timestamp: Date.UTC(2020, 0, 2, 12), taskId: 't3' }),
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
    [['--limit', '2'], 'ab'],
    [['--limit', '0'], ''],
    [['--task', 't1', '--limit', '1'], 'a'],
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
      violations: ['r1', 'r2', 'r3', 'r4'].map((rule) => violation(rule)),
      testResults: { ran: true, passed: 8, failed: 2, skipped: 0 },
      reworkLines: 12,
      durationMs: 1500,
      outcomeAccepted: false,
    });
    const { out } = await cli(['query', '--dir', folderOf([event])]);
    expect(out).toBe(
      '2026-01-01T00:00:00Z  feature       task-1            rejected  broke r1, r2, r3, 1 more; 2 of 10 tests failed; rework 12; 1.5 s\n',
    );
  });
});
