/** Appending: accepted is written, many at once, torn tails, large lines. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { followedIndex, logged, logText, paths, readLog } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeBoth, describeOurs, original, ours } from './support/implementations.mjs';

describeBoth('concurrent appends', (implementation, name) => {
  test('1,000 at once are 1,000 lines', async () => {
    const folder = fresh();
    const store = implementation.createEventStore(folder);
    await Promise.all(
      Array.from({ length: 1000 }, (_, i) => store.append(runEvent({ eventId: `e${i}`, timestamp: i }))),
    );
    const events = logged(folder);
    expect(events.map((event) => event.eventId).toSorted()).toEqual(
      Array.from({ length: 1000 }, (_, i) => `e${i}`).toSorted(),
    );
    if (name === 'ours') expect(times(events)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    if (name === 'ours')
      expect(await followedIndex(folder)).toEqual({
        eventCount: 1000,
        oldestTimestamp: 0,
        newestTimestamp: 999,
        taskIds: ['task-1'],
      });
  });
});

describeOurs('accepted', () => {
  test.each(['process', 'disk'])(
    'the line is in the log when append returns, before its promise resolves (%s)',
    async (durability) => {
      const folder = fresh();
      const store = ours.createEventStore(folder, { durability });
      const event = runEvent();
      const promise = store.append(event);
      expect(logText(folder)).toBe(lineOf(event));
      await promise;
      expect((await followedIndex(folder)).eventCount).toBe(1);
    },
  );

  test('the index counts each append that resolved', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    let count = 0;
    for (const more of [1, 1, 1, 17]) {
      for (const end = count + more; count < end; )
        await store.append(runEvent({ timestamp: ++count, taskId: `t${count % 3}` }));
      expect(await followedIndex(folder)).toEqual({
        eventCount: count,
        oldestTimestamp: 1,
        newestTimestamp: count,
        taskIds: ['t1', 't2', 't0'].slice(0, count),
      });
    }
  });

  test('the event is taken as it is at the call', async () => {
    const folder = fresh();
    const event = runEvent({ note: 'at the call' });
    const promise = ours.createEventStore(folder).append(event);
    event.note = 'later';
    await promise;
    expect(logged(folder)[0].note).toBe('at the call');
  });

  test('JSON.stringify is called once: a toJSON with a memory is not asked twice', async () => {
    const folder = fresh();
    let calls = 0;
    await ours.createEventStore(folder).append({ toJSON: () => ({ calls: ++calls }) });
    expect(calls).toBe(1);
    expect(logged(folder)).toEqual([{ calls: 1 }]);
  });

  test('an event of a megabyte, and many more', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    const large = runEvent({ text: 'ä"\n'.repeat(350_000) });
    await Promise.all([store.append(runEvent()), store.append(large), store.append(runEvent())]);
    const events = await store.readAll();
    expect(events).toHaveLength(3);
    expect(events[1]).toEqual(large);
  });

  test('a line beyond the limit is refused with ETOOLONG, and nothing is written', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await store.append(runEvent());
    const before = readLog(folder);
    const failure = await store.append(runEvent({ text: 'x'.repeat(65 << 20) })).catch((error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure.code).toBe('ETOOLONG');
    expect(readLog(folder).equals(before)).toBe(true);
    await store.append(runEvent());
    expect(logged(folder)).toHaveLength(2);
  });
});

describeOurs('beside other writers', () => {
  test('lines of others are kept, counted and in order', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await store.append(runEvent({ timestamp: 1, taskId: 'a' }));
    appendFileSync(paths(folder).log, lineOf(runEvent({ timestamp: 9, taskId: 'b' })));
    await store.append(runEvent({ timestamp: 2, taskId: 'c' }));
    expect(times(logged(folder))).toEqual([1, 9, 2]);
    expect(await followedIndex(folder)).toEqual({
      eventCount: 3,
      oldestTimestamp: 1,
      newestTimestamp: 9,
      taskIds: ['a', 'b', 'c'],
    });
  });

  test('a log replaced by another program is the log', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    for (const event of at(1, 2, 3)) await store.append(event);
    writeFileSync(`${paths(folder).log}.new`, lineOf(runEvent({ timestamp: 7 })));
    renameSync(`${paths(folder).log}.new`, paths(folder).log);
    expect(times(await store.readAll())).toEqual([7]);
    await store.append(runEvent({ timestamp: 8 }));
    expect(times(logged(folder))).toEqual([7, 8]);
    expect((await store.getStats()).eventCount).toBe(2);
  });

  test('a log cut short or rewritten in place is read anew', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    for (const event of at(1, 2, 3)) await store.append(event);
    writeFileSync(paths(folder).log, lineOf(runEvent({ timestamp: 5 })));
    expect((await store.getStats()).newestEvent).toBe(5);
    writeFileSync(paths(folder).log, lineOf(runEvent({ timestamp: 6 })));
    expect((await store.getStats()).newestEvent).toBe(6);
    await store.append(runEvent({ timestamp: 4 }));
    expect(await followedIndex(folder)).toEqual({
      eventCount: 2,
      oldestTimestamp: 4,
      newestTimestamp: 6,
      taskIds: ['task-1'],
    });
  });

  test('both implementations append to one folder in turn', async () => {
    const folder = fresh();
    const [mine, theirs] = [ours.createEventStore(folder), original.createEventStore(folder)];
    for (let i = 0; i < 10; i++) {
      await mine.append(runEvent({ timestamp: 2 * i }));
      await mine.flush(); // theirs counts up what index.json says
      await theirs.append(runEvent({ timestamp: 2 * i + 1 }));
      expect(await theirs.readAll()).toEqual(await mine.readAll());
      expect(await theirs.getStats()).toEqual(await mine.getStats());
    }
    expect(times(logged(folder))).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

describeOurs('torn tails', () => {
  test.each(['{"eventId":"half', '{', '"', '{"eventId":"complete"}', '\ufeff', ' ', '{"a":1}{"b":2}'])(
    'after %j the new event is on a line of its own',
    async (tail) => {
      const folder = fresh();
      mkdirSync(folder, { recursive: true });
      const whole = lineOf({ eventId: 'whole' });
      writeFileSync(paths(folder).log, whole + tail);
      const event = runEvent();
      await ours.createEventStore(folder).append(event);
      expect(logText(folder)).toBe(`${whole}${tail}\n${lineOf(event)}`);
    },
  );

  test('a tail torn behind our back between two appends', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    const [a, b] = at(1, 2);
    await store.append(a);
    appendFileSync(paths(folder).log, '{"half":');
    await store.append(b);
    expect(await store.readAll()).toEqual([a, b]);
    expect(logText(folder)).toBe(`${lineOf(a)}{"half":\n${lineOf(b)}`);
  });

  test('reading a torn log does not heal it', async () => {
    const folder = fresh();
    mkdirSync(folder, { recursive: true });
    writeFileSync(paths(folder).log, '{"a":1}\n{"half":');
    const store = ours.createEventStore(folder);
    await store.readAll();
    await store.readRange(0, 1);
    await store.getStats();
    expect(readFileSync(paths(folder).log, 'utf8')).toBe('{"a":1}\n{"half":');
    expect(statSync(paths(folder).log).size).toBe(16);
  });
});
