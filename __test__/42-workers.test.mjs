/** Worker threads: one engine for each folder of the process, whichever threads use it. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { followedIndex, logged } from './support/disk.mjs';
import { runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

function start(folder, name, how, count) {
  const worker = new Worker(new URL('./support/workers/append.mjs', import.meta.url), {
    workerData: { folder, name, how, count },
  });
  onTestFinished(() => worker.terminate());
  ends.set(worker, once(worker, 'exit'));
  return worker;
}

const ends = new WeakMap();

const done = async (worker) => {
  const [code] = await ends.get(worker);
  expect(code).toBe(0);
};

const idsOf = (folder, name) =>
  logged(folder)
    .map((event) => event.eventId)
    .filter((id) => id.startsWith(`${name}-`));
const expected = (name, count) => Array.from({ length: count }, (_, i) => `${name}-${i}`);

describeOurs('worker threads', () => {
  test('append to one folder, with the main thread: every line is there once, each thread in order', async () => {
    const folder = fresh();
    const workers = [
      start(folder, 'one', 'append', 200),
      start(folder, 'two', 'burst', 200),
      start(folder, 'three', 'finalize', 200),
    ];
    const store = ours.createEventStore(folder);
    for (let i = 0; i < 200; i++) await store.append(runEvent({ eventId: `main-${i}` }));
    await Promise.all(workers.map(done));
    await store.flush();
    for (const name of ['main', 'one', 'two', 'three'])
      expect(idsOf(folder, name)).toEqual(expected(name, 200));
    expect(logged(folder)).toHaveLength(800);
    expect(await store.getStats()).toMatchObject({ eventCount: 800 });
    expect((await followedIndex(folder)).eventCount).toBe(800);
  });

  test('what one thread appended another reads at once', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await store.append(runEvent({ timestamp: 1 }));
    expect(times(await store.readRange(0, 10))).toEqual([1]);
    await done(start(folder, 'other', 'append', 3));
    expect(await store.readByTask('other')).toHaveLength(3);
    expect((await store.getStats()).eventCount).toBe(4);
  });

  test('compactions of one thread and appends of others', async () => {
    const folder = fresh();
    const workers = [
      start(folder, 'one', 'append', 300),
      start(folder, 'cleaner', 'compact', 10),
      start(folder, 'two', 'burst', 300),
    ];
    await Promise.all(workers.map(done));
    const events = logged(folder);
    expect(new Set(events.map((event) => event.eventId)).size).toBe(events.length);
    const store = ours.createEventStore(folder);
    expect((await store.getStats()).eventCount).toBe(events.length);
    const newest = events.length;
    expect(await store.compact(0)).toBe(newest);
  });

  test('a terminated thread loses nothing that it accepted', async () => {
    const folder = fresh();
    const worker = start(folder, 'victim', 'endless');
    let last = -1;
    worker.on('message', (i) => {
      last = i;
    });
    while (last < 200) await once(worker, 'message');
    await worker.terminate();
    expect(idsOf(folder, 'victim').slice(0, last + 1)).toEqual(expected('victim', last + 1));
    const store = ours.createEventStore(folder);
    await store.append(runEvent({ eventId: 'after' }));
    expect((await store.getStats()).eventCount).toBe(logged(folder).length);
  });

  test('a thread that calls process.exit() loses nothing', async () => {
    const folder = fresh();
    await done(start(folder, 'quick', 'exit', 100));
    expect(idsOf(folder, 'quick')).toEqual(expected('quick', 100));
  });

  test('the lock excludes other threads', async () => {
    const folder = fresh();
    const worker = start(folder, 'holder', 'lock');
    await once(worker, 'message');
    await expect(ours.createEventStore(folder).acquireLock()).rejects.toMatchObject({ code: 'ELOCKED' });
  });

  test('the lock is free once the thread that holds it is terminated, for us and for the original', async () => {
    const folder = fresh();
    const worker = start(folder, 'holder', 'lock');
    await once(worker, 'message');
    await worker.terminate();
    expect(existsSync(join(folder, '.lock'))).toBe(false);
    const store = ours.createEventStore(folder);
    await store.acquireLock();
    await store.releaseLock();
  });

  test('a thread that is terminated while it takes and gives back the lock leaves it free', async () => {
    for (let round = 0; round < 10; round++) {
      const folder = fresh();
      const worker = start(folder, 'busy', 'lock and unlock');
      for (let i = 0; i <= round; i++) await once(worker, 'message');
      await worker.terminate();
      const store = ours.createEventStore(folder, { lockTimeoutMs: 5000 });
      await store.acquireLock();
      await store.releaseLock();
    }
  });

  test('many threads come and go', async () => {
    const folder = fresh();
    for (let round = 0; round < 5; round++)
      await Promise.all([0, 1, 2].map((n) => done(start(folder, `r${round}n${n}`, 'finalize', 20))));
    expect(logged(folder)).toHaveLength(300);
    expect((await ours.createEventStore(folder).getStats()).eventCount).toBe(300);
  });
});
