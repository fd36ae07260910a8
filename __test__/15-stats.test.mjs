/** Stats tell the truth about the log, whichever program wrote it, and index.json follows. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { expect, test } from 'vitest';
import { followedIndex, paths, readIndex } from './support/disk.mjs';
import { at, lineOf, runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

function planted(content, index) {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  if (content !== undefined) writeFileSync(paths(folder).log, content);
  if (index !== undefined) writeFileSync(paths(folder).index, index);
  return { folder, store: ours.createEventStore(folder) };
}

const STATS = { eventCount: 3, oldestEvent: 1, newestEvent: 3 };

describeOurs('getStats', () => {
  test.each([
    undefined,
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{}',
    '{"eventCount":"many"}',
    '{"eventCount":99,"oldestTimestamp":-5,"newestTimestamp":70,"taskIds":["x"]}',
    '\u0000'.repeat(20),
  ])('whatever index.json says: %j', async (index) => {
    const { store } = planted(at(2, 1, 3).map(lineOf).join(''), index);
    expect(await store.getStats()).toMatchObject(STATS);
    await store.append(runEvent({ timestamp: 2 }));
    expect(await store.getStats()).toMatchObject({ ...STATS, eventCount: 4 });
  });

  test('blank and malformed lines are not counted, a complete last line is', async () => {
    const { store } = planted('\n \nbad\nnull\n{"timestamp":1}\n{"timestamp":2}\r\n{"timestamp":3}');
    expect(await store.getStats()).toMatchObject(STATS);
  });

  test('half a last line is not counted until it is whole', async () => {
    const { folder, store } = planted('{"timestamp":1}\n{"timestamp":');
    expect((await store.getStats()).eventCount).toBe(1);
    appendFileSync(paths(folder).log, '2}');
    expect(await store.getStats()).toMatchObject({ eventCount: 2, newestEvent: 2 });
    appendFileSync(paths(folder).log, '\n{"timestamp":3}\n');
    expect(await store.getStats()).toMatchObject(STATS);
  });

  test('only numbers are times', async () => {
    const { store } = planted(
      ['"5"', 'null', 'true', '[1]', '{}', '7', '-0'].map((time) => `{"timestamp":${time}}\n`).join('') +
        '{"nested":{"timestamp":99}}\n{"timestamp":50,"timestamp":6}\n',
    );
    const stats = await store.getStats();
    expect(stats).toMatchObject({ eventCount: 9, newestEvent: 7 });
    expect(stats.oldestEvent).toBe(0);
    expect((await planted('{"timestamp":"5"}\n').store.getStats()).oldestEvent).toBe(null);
  });

  test.each([0, -1, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53, 123456789.987])(
    'the time %d is told to the last bit',
    async (timestamp) => {
      const { folder, store } = planted();
      await store.append(runEvent({ timestamp }));
      expect(await store.getStats()).toMatchObject({ oldestEvent: timestamp, newestEvent: timestamp });
      expect(await followedIndex(folder)).toMatchObject({
        oldestTimestamp: timestamp,
        newestTimestamp: timestamp,
      });
    },
  );

  test('the size is that of the log and the index', async () => {
    const { folder, store } = planted();
    for (const event of at(1, 2)) await store.append(event);
    expect((await store.getStats()).storageSizeBytes).toBe(
      statSync(paths(folder).log).size + statSync(paths(folder).index).size,
    );
  });

  test('a log removed behind our back', async () => {
    const { folder, store } = planted();
    await store.append(runEvent());
    unlinkSync(paths(folder).log);
    expect(await store.getStats()).toMatchObject({ eventCount: 0, oldestEvent: null, newestEvent: null });
    rmSync(folder, { recursive: true });
    expect(await store.getStats()).toEqual({
      eventCount: 0,
      storageSizeBytes: 0,
      oldestEvent: null,
      newestEvent: null,
    });
  });
});

describeOurs('index.json', () => {
  test('10,000 appends leave an index that counts 10,000', { timeout: 120_000 }, async () => {
    const { folder, store } = planted();
    for (let i = 0; i < 10; i++)
      await Promise.all(
        Array.from({ length: 1000 }, (_, k) => store.append(runEvent({ timestamp: i * 1000 + k }))),
      );
    expect(await followedIndex(folder)).toEqual({
      eventCount: 10_000,
      oldestTimestamp: 0,
      newestTimestamp: 9999,
      taskIds: ['task-1'],
    });
  });

  test('of a store with many tasks is complete after flush', async () => {
    const { folder, store } = planted();
    await Promise.all(
      Array.from({ length: 2500 }, (_, i) => store.append(runEvent({ taskId: `task ${i}`, timestamp: i }))),
    );
    await store.flush();
    expect(readIndex(folder).eventCount).toBe(2500);
    expect(readIndex(folder).taskIds).toEqual(Array.from({ length: 2500 }, (_, i) => `task ${i}`));
  });

  test('task ids of any kind are listed once each', async () => {
    const { folder, store } = planted();
    const tasks = [
      'a',
      'a',
      '\u0000',
      '"\\\n',
      '\ud83d',
      '😀',
      '__proto__',
      '',
      'é',
      'e\u0301',
      5,
      5,
      null,
      null,
      { x: 1 },
      { x: 1 },
      [1],
      true,
    ];
    for (const taskId of tasks) await store.append(runEvent({ taskId }));
    expect((await followedIndex(folder)).taskIds).toEqual([
      'a',
      '\u0000',
      '"\\\n',
      '\ud83d',
      '😀',
      '__proto__',
      '',
      'é',
      'e\u0301',
      5,
      null,
      { x: 1 },
      [1],
      true,
    ]);
  });

  test('is replaced whole: a reader never finds a part', async () => {
    const { folder, store } = planted();
    await store.append(runEvent());
    let writing = true;
    let looks = 0;
    const reading = (async () => {
      while (writing) {
        expect(readIndex(folder).eventCount).toBeGreaterThan(0);
        looks++;
        await new Promise(setImmediate);
      }
    })();
    for (let i = 0; i < 300; i++) {
      await store.append(runEvent({ taskId: `task ${i}` }));
      await new Promise(setImmediate);
    }
    writing = false;
    await reading;
    expect(looks).toBeGreaterThan(10);
  });
});

describeOurs('a log that was edited in place, to the same length, while no store was open', () => {
  const EDITS = {
    'a time': [(text) => text.replace('"timestamp":2', '"timestamp":9'), { eventCount: 4, newestEvent: 9 }],
    'a task': [(text) => text.replace('"taskId":"task-2"', '"taskId":"TASK-2"'), { eventCount: 4 }],
    'a line that is no event any more': [
      (text) => text.replace('{"eventId"', 'x"eventId"'),
      { eventCount: 3 },
    ],
  };

  test.each(Object.entries(EDITS))(
    '%s: stats and index.json are right after the next append',
    async (_, [edit, stats]) => {
      const folder = fresh();
      const first = ours.createEventStore(folder);
      for (const i of [1, 2, 3])
        await first.append(runEvent({ eventId: `e-${i}`, taskId: `task-${i}`, timestamp: i }));
      await first.close();
      const before = readFileSync(paths(folder).log, 'utf8');
      const after = edit(before);
      expect(after).not.toBe(before);
      expect(after).toHaveLength(before.length);
      writeFileSync(paths(folder).log, after, { flag: 'r+' });
      const second = ours.createEventStore(folder);
      await second.append(runEvent({ eventId: 'e-4', taskId: 'task-4', timestamp: 4 }));
      expect(await second.getStats()).toMatchObject(stats);
      await second.flush();
      expect((await second.verify()).index).toMatchObject({ drift: false });
      await second.repair();
      expect((await second.verify()).index).toMatchObject({ drift: false });
      expect(await second.getStats()).toMatchObject(stats);
      await second.close();
    },
  );
});

describeOurs('index.json that a process left behind when it ended', () => {
  test.each(['a store that was not used yet', 'a store', 'a ledger'])(
    'flush() of %s brings it up to date',
    async (whose) => {
      const folder = fresh();
      const first = ours.createEventStore(folder);
      await first.append(runEvent({ eventId: 'e-1', timestamp: 1 }));
      await first.close();
      const store = ours.createEventStore(folder);
      const ledger = ours.createPersistentLedger({ storagePath: folder });
      if (whose === 'a store') await store.getStats();
      if (whose === 'a ledger') await ledger.init();
      // As one that is killed right after its append.
      appendFileSync(paths(folder).log, lineOf(runEvent({ eventId: 'e-2', timestamp: 2 })));
      await (whose === 'a ledger' ? ledger : store).flush();
      expect(readIndex(folder)).toMatchObject({ eventCount: 2, newestTimestamp: 2 });
      await ledger.destroy();
    },
  );

  test('of a log from the future is written once, not with each flush()', async () => {
    const folder = fresh();
    const first = ours.createEventStore(folder);
    await first.append(runEvent({ eventId: 'e-1', timestamp: 1 }));
    await first.close();
    appendFileSync(paths(folder).log, lineOf(runEvent({ eventId: 'e-2', timestamp: 2 })));
    const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
    utimesSync(paths(folder).log, tomorrow, tomorrow);
    const store = ours.createEventStore(folder);
    await store.flush();
    expect(readIndex(folder)).toMatchObject({ eventCount: 2 });
    const written = statSync(paths(folder).index).ino;
    for (let again = 0; again < 3; again++) await store.flush();
    expect(statSync(paths(folder).index).ino).toBe(written);
  });

  test('a missing one is left to the next append, and flush() creates nothing', async () => {
    const { folder, store } = planted('{"timestamp":1}\n');
    await store.flush();
    expect(readdirSync(folder)).toEqual(['events.ndjson']);
    const nothing = fresh();
    await ours.createEventStore(nothing).flush();
    expect(existsSync(nothing)).toBe(false);
  });
});
