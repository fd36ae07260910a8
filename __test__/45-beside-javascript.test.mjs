/** Beside processes that still run the JavaScript module: neither side's events are lost, and our answers follow what it wrote. */
import { appendFileSync, closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ascending, compareIds, expectKept, numbersOf } from './support/accepted.mjs';
import { logged, paths, readLock } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, original, ours } from './support/implementations.mjs';
import { agent, start } from './support/processes.mjs';

const linux = process.platform === 'linux';
const isOld = ({ eventId }) => eventId.includes('-old-');

describeOurs('beside the JavaScript module', () => {
  test.skipIf(!linux)('its appenders know no lock; our compactions lose nothing of theirs', async () => {
    const store = fresh();
    const writers = ['append', 'append', 'burst', 'append'].map((how, n) =>
      start('writer', { folder: store, name: `js${n}`, how, count: 250, implementation: 'original' }),
    );
    const compactor = start('rewriter', { folder: store, how: 'compact' });
    const ids = (await Promise.all(writers.map((writer) => writer.done()))).flat();
    await compactor.said(compactor.lines.length + 1);
    compactor.child.stdin.end();
    await compactor.done();
    const [added, evicted] = compactor.lines.at(-1).split(' ').map(Number);
    expect(compactor.lines.length, 'compactions').toBeGreaterThan(10);
    const events = await expectKept(store, ids, `${compactor.lines.length} compactions`);
    expect(events.filter(isOld).length + evicted, 'evicted + kept = appended').toBe(added);
    for (const n of [0, 1, 3]) expect(ascending(numbersOf(events, `js${n}`)), `order of js${n}`).toBe(true);
  });

  test.skipIf(!linux)(
    'what is written into the replaced log while it is still open elsewhere is moved',
    async () => {
      const store = fresh();
      const here = ours.createEventStore(store);
      for (let i = 0; i < 10; i++) await here.append(runEvent({ eventId: `e-${i}`, timestamp: i }));
      const slow = openSync(paths(store).log, 'a');
      const compacted = here.compact(3);
      // The rename has happened, and the other program goes on in the old file.
      while (fstatSync(slow).ino === statSync(paths(store).log).ino) await new Promise(setImmediate);
      writeSync(slow, lineOf(runEvent({ eventId: 'late-0' })));
      closeSync(slow);
      expect(await compacted).toBe(7);
      await expectKept(store, ['e-7', 'e-8', 'e-9', 'late-0']);
    },
  );

  test.skipIf(!linux)('also when it stays open for longer than a compaction waits', async () => {
    const store = fresh();
    const here = ours.createEventStore(store);
    for (let i = 0; i < 10; i++) await here.append(runEvent({ eventId: `e-${i}`, timestamp: i }));
    const slow = openSync(paths(store).log, 'a');
    expect(await here.compact(3)).toBe(7);
    writeSync(slow, lineOf(runEvent({ eventId: 'late-0' })));
    await here.append(runEvent({ eventId: 'e-10' }));
    writeSync(slow, lineOf(runEvent({ eventId: 'late-1' })));
    closeSync(slow);
    await here.append(runEvent({ eventId: 'e-11' }));
    await expectKept(store, ['e-7', 'e-8', 'e-9', 'e-10', 'e-11', 'late-0', 'late-1']);
  });

  test.each(['compact', 'save'])('its %s() loops lose nothing of ours', async (how) => {
    const store = fresh();
    const theirs = await agent({ folder: store, implementation: 'original' });
    await theirs.run(
      ({ store }, event) => store.append(event),
      runEvent({ eventId: 'js-old-first', timestamp: 0 }),
    );
    const writers = ['append', 'burst', 'log'].map((how, n) =>
      start('writer', { folder: store, name: `p${n}`, how, count: 200, pause: 1 }),
    );
    const over = Promise.all(writers.map((writer) => writer.done())).then((lines) => lines.flat());
    let ids = null;
    over.then((lines) => {
      ids = lines;
    });
    let rewrites = 0;
    for (; ids === null; rewrites++) {
      // Enough old events for it to evict; ours are newer, so that not one of them may go.
      const old = Array.from({ length: how === 'compact' ? 500 : 1 }, (_, i) =>
        lineOf(runEvent({ eventId: `js-old-${rewrites}-${i}`, timestamp: 1 })),
      );
      appendFileSync(paths(store).log, old.join(''));
      await theirs.run(async ({ ledgerModule, folder, fs }, how) => {
        const count = fs.readFileSync(`${folder}/events.ndjson`, 'utf8').split('\n').length - 1;
        const ledger = ledgerModule.createPersistentLedger({ storagePath: folder, maxEvents: count - 450 });
        if (how === 'compact') await ledger.compact();
        else {
          const store = ledger.getEventStore();
          await store.acquireLock();
          await store.writeAll(await store.readAll());
          await store.releaseLock();
        }
      }, how);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await over;
    expect(rewrites, 'rewrites').toBeGreaterThan(3);
    const { lost, doubled } = compareIds(store, ids);
    expect({ lost, doubled }, `${rewrites} rewrites, ${ids.length} events`).toEqual({
      lost: [],
      doubled: [],
    });
    const events = logged(store);
    expect((await ours.createEventStore(store).getStats()).eventCount).toBe(events.length);
  });

  test('an append that falls into its rewrite waits for it and is there afterwards', async () => {
    const store = fresh();
    const here = ours.createEventStore(store);
    await here.append(runEvent({ eventId: 'before' }));
    const theirs = await agent({ folder: store, implementation: 'original' });
    // It has read the log and not yet replaced it.
    await theirs.run(async (context) => {
      await context.store.acquireLock();
      context.read = await context.store.readAll();
    });
    let settled = false;
    const appended = here.append(runEvent({ eventId: 'between' })).then(() => {
      settled = true;
    });
    const ledger = ours.createPersistentLedger({ storagePath: store });
    ledger.finalizeEvent(runEvent({ eventId: 'logged' }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(settled).toBe(false);
    await theirs.run(({ store, read }) => store.writeAll(read));
    await theirs.run(({ store }) => store.releaseLock());
    await appended;
    await ledger.flush();
    await expectKept(store, ['before', 'between', 'logged']);
  });

  test('a burst of logEvent that falls into its rewrite is there afterwards', async () => {
    const store = fresh();
    await ours.createEventStore(store).append(runEvent({ eventId: 'before' }));
    const theirs = await agent({ folder: store, implementation: 'original' });
    await theirs.run(async (context) => {
      await context.store.acquireLock();
      context.read = await context.store.readAll();
    });
    const burst = start('writer', { folder: store, name: 'burst', how: 'logEvent', count: 200 });
    await burst.said(1);
    await theirs.run(({ store, read }) => store.writeAll(read));
    await theirs.run(({ store }) => store.releaseLock());
    const ids = await burst.done();
    expect(ids.length).toBe(200);
    await expectKept(store, ['before', ...ids]);
  });

  test.skipIf(!linux)('who compacts while a replaced log is still open brings nothing back', async () => {
    const store = fresh();
    const here = ours.createEventStore(store);
    for (let i = 0; i < 10; i++) await here.append(runEvent({ eventId: `e-${i}`, timestamp: i }));
    const slow = openSync(paths(store).log, 'a');
    expect(await here.compact(5)).toBe(5);
    await here.append(runEvent({ eventId: 'e-10', timestamp: 10 }));
    await expect(here.compact(2)).rejects.toMatchObject({
      code: 'ELOCKED',
      path: expect.stringMatching(/\.events\.prev$/),
    });
    writeSync(slow, lineOf(runEvent({ eventId: 'late', timestamp: 11 })));
    closeSync(slow);
    await here.append(runEvent({ eventId: 'e-12', timestamp: 12 }));
    const kept = ['e-5', 'e-6', 'e-7', 'e-8', 'e-9', 'e-10', 'late', 'e-12'];
    expect(logged(store).map(({ eventId }) => eventId)).toEqual(kept);
    expect(await here.compact(2)).toBe(6);
  });

  test('an append that its rewrite has seen is not there twice', async () => {
    const store = fresh();
    const here = ours.createEventStore(store);
    const theirs = await agent({ folder: store, implementation: 'original' });
    await theirs.run(({ store }) => store.acquireLock());
    const appended = here.append(runEvent({ eventId: 'seen' }));
    await theirs.run(async ({ store }) => store.writeAll(await store.readAll()));
    await theirs.run(({ store }) => store.releaseLock());
    await appended;
    await expectKept(store, ['seen']);
  });

  test('our stats and reads follow what it appended, compacted and wrote', async () => {
    const store = fresh();
    const here = ours.createEventStore(store);
    const theirs = await agent({ folder: store, implementation: 'original' });
    const truth = async () => {
      const events = logged(store);
      const times = events.map(({ timestamp }) => timestamp);
      expect(await here.getStats()).toMatchObject({
        eventCount: events.length,
        oldestEvent: events.length === 0 ? null : Math.min(...times),
        newestEvent: events.length === 0 ? null : Math.max(...times),
      });
      expect(await here.readAll()).toEqual(events);
      expect(await here.readRange(3, 12)).toEqual(events.filter(({ timestamp: t }) => t >= 3 && t <= 12));
    };
    for (let i = 0; i < 10; i++) {
      await theirs.run(({ store }, event) => store.append(event), runEvent({ timestamp: i }));
      await here.append(runEvent({ timestamp: 20 - i }));
      await truth();
    }
    await theirs.run(({ store }) => store.compact(15));
    await truth();
    await theirs.run(({ store }, events) => store.writeAll(events), [runEvent({ timestamp: 7 })]);
    await truth();
    await here.append(runEvent({ timestamp: 1 }));
    await truth();
    await theirs.run(({ store }) => store.destroy());
    await truth();
  });

  test('and it reads what we wrote: log, index.json, lock', async () => {
    const store = fresh();
    const here = ours.createPersistentLedger({ storagePath: store });
    for (let i = 0; i < 20; i++) here.finalizeEvent(runEvent({ timestamp: i, taskId: `task-${i % 3}` }));
    await here.flush();
    const theirs = original.createEventStore(store);
    expect(await theirs.readAll()).toEqual(logged(store));
    expect(await theirs.getStats()).toEqual(await here.getStorageStats());
    const lock = here.getEventStore();
    await lock.acquireLock();
    await expect(theirs.acquireLock()).rejects.toThrow(`holder: ${readLock(store).holder}`);
    await lock.releaseLock();
    await theirs.acquireLock();
    await expect(here.save()).rejects.toMatchObject({ code: 'ELOCKED' });
    await theirs.releaseLock();
    await here.save();
  });
});
