/** writeAll: all at once or not at all. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { logged, logText, paths, readIndex } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

describeOurs('writeAll', () => {
  test('the array is taken as it is at the call', async () => {
    const folder = fresh();
    const events = at(1, 2, 3);
    const promise = ours.createEventStore(folder).writeAll(events);
    events.push(runEvent({ timestamp: 4 }));
    events.shift();
    await promise;
    expect(times(logged(folder))).toEqual([1, 2, 3]);
  });

  test('malformed lines of the old log are set aside', async () => {
    const folder = fresh();
    mkdirSync(folder, { recursive: true });
    writeFileSync(paths(folder).log, 'bad\r\n{"timestamp":1}\n{"half"');
    await ours.createEventStore(folder).writeAll(at(5));
    expect(times(logged(folder))).toEqual([5]);
    expect(readFileSync(paths(folder).rejected, 'utf8')).toBe('bad\r\n{"half"\n');
  });

  test('a reader sees the old log or the new one, never a part', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    const version = (v) => Array.from({ length: 400 }, () => runEvent({ v }));
    await store.writeAll(version(0));
    const seen = new Set();
    let writing = true;
    const reading = (async () => {
      while (writing) {
        const events = logged(folder);
        seen.add(`${events.length} of ${[...new Set(events.map((event) => event.v))].join()}`);
        await new Promise(setImmediate);
      }
    })();
    for (let v = 1; v <= 10; v++) await store.writeAll(version(v));
    writing = false;
    await reading;
    for (const look of seen) expect(look).toMatch(/^400 of \d+$/);
  });

  test('50,000 events, and the index of them', async () => {
    const folder = fresh();
    const events = Array.from({ length: 50_000 }, (_, i) => runEvent({ timestamp: i, taskId: `t${i % 10}` }));
    await ours.createEventStore(folder).writeAll(events);
    expect(logText(folder)).toBe(events.map(lineOf).join(''));
    expect(readIndex(folder)).toEqual({
      eventCount: 50_000,
      oldestTimestamp: 0,
      newestTimestamp: 49_999,
      taskIds: Array.from({ length: 10 }, (_, i) => `t${i}`),
    });
  });

  test('several at once: one of them is the log', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await Promise.all(
      Array.from({ length: 8 }, (_, v) => store.writeAll(Array.from({ length: 50 }, () => runEvent({ v })))),
    );
    const events = logged(folder);
    expect(events).toHaveLength(50);
    expect(new Set(events.map((event) => event.v)).size).toBe(1);
    expect(readIndex(folder).eventCount).toBe(50);
  });
});
