/** Waiting holds up nothing else: not the main thread, not the thread pool of Node, no other folder, no lock. */
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { expectKept } from './support/accepted.mjs';
import { followedIndex, logText, paths, readLock, until } from './support/disk.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';
import { quantile } from './support/latency.mjs';
import { agent } from './support/processes.mjs';
import { stoppedWriter, writerToStop } from './support/stopped.mjs';

/** What took seconds when a shared thread waited takes no longer than this, in milliseconds, on a busy machine. */
const SOON = 500;
/** How long a call may hold the main thread there; on a machine of its own it is 10. */
const CALL = 100;

/** The `.lock` of a JavaScript program that does not come back. */
function foreignLock(store) {
  const holder = '3f0e7c1a-58b6-4d1e-9c53-0a4f6d2b7e11';
  writeFileSync(paths(store).lock, JSON.stringify({ holder, timestamp: Date.now(), pid: 4_000_000 }));
}

/**
 * Lets another process take the folder while the agent is logging there, so that what follows an append in the
 * background (the end of a lease, index.json) is still to be done. Answers the ids that were logged.
 */
async function heldWhileLogging(it, store) {
  const logging = it.run(async ({ ledgerModule }, path) => {
    const ledger = ledgerModule.createPersistentLedger({ storagePath: path });
    globalThis.logs ??= new Set();
    globalThis.logs.add(path);
    const ids = [];
    while (globalThis.logs.has(path)) {
      ids.push(`logged-${ids.length}`);
      ledger.finalizeEvent({ eventId: ids.at(-1), taskId: 't', timestamp: 1 });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    ledger.flush().catch(() => {});
    return ids;
  }, store);
  const other = await stoppedWriter(store);
  await it.run((_, path) => void globalThis.logs.delete(path), store);
  return { other, ids: await logging };
}

describe('callers that wait for the lock', () => {
  test.each([
    ['five saves', 'save save save save save'],
    ['saves and compactions', 'save compact save compact save compact save compact'],
  ])('%s of one ledger all come to an end at once', async (_, calls) => {
    const it = await agent(
      { folder: fresh(), options: { lockTimeoutMs: 20_000 } },
      { env: { UV_THREADPOOL_SIZE: '2' } },
    );
    const { outcomes, stats, took } = await it.run(async ({ ledger, folder, latency }, calls) => {
      ledger.finalizeEvent({ eventId: 'a', taskId: 't', timestamp: 1 });
      const begun = performance.now();
      const all = Promise.allSettled(calls.map((call) => ledger[call]()));
      const stats = await latency.stats(folder, 50);
      const outcomes = (await all).map(({ status, reason }) => reason?.message ?? status);
      return { outcomes, stats, took: performance.now() - begun };
    }, calls.split(' '));
    expect(outcomes).toEqual(outcomes.map(() => 'fulfilled'));
    expect(took).toBeLessThan(2000);
    expect(Math.max(...stats)).toBeLessThan(SOON);
  });

  test('so do those of many ledgers, in several threads', async () => {
    const it = await agent({ folder: fresh(), options: { lockTimeoutMs: 20_000 } });
    const took = await it.run(async ({ ledgerModule, folder }) => {
      const ledgers = Array.from({ length: 12 }, () =>
        ledgerModule.createPersistentLedger({ storagePath: folder, lockTimeoutMs: 20_000 }),
      );
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const program = `
        const { workerData, parentPort } = require('node:worker_threads');
        const { createPersistentLedger } = require('guidance-ledger');
        const ledger = createPersistentLedger({ storagePath: workerData, lockTimeoutMs: 20_000 });
        Promise.all([1, 2, 3].map(() => ledger.save())).then(() => parentPort.postMessage('saved'));`;
      const saved = [1, 2].map(
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(program, { eval: true, workerData: folder });
            worker.on('message', resolve).on('error', reject);
          }),
      );
      const begun = performance.now();
      await Promise.all([...saved, ...ledgers.map((ledger) => ledger.save())]);
      return performance.now() - begun;
    });
    expect(took).toBeLessThan(5000);
  });

  test('hundred that wait for a lock that another process holds leave the thread pool free', async () => {
    const store = fresh();
    const holder = await agent({ folder: store });
    await holder.run(({ store }) => store.acquireLock());
    const it = await agent({ folder: store }, { env: { UV_THREADPOOL_SIZE: '1' } });
    const stats = await it.run(async ({ ledgerModule, folder, latency }) => {
      const wait = () => ledgerModule.createEventStore(folder, { lockTimeoutMs: 20_000 });
      globalThis.stores = Array.from({ length: 100 }, wait);
      globalThis.waiting = globalThis.stores.map(async (store) => {
        await store.acquireLock();
        await store.releaseLock();
      });
      return latency.stats(folder, 300);
    });
    expect(Math.max(...stats)).toBeLessThan(SOON);
    expect(quantile(stats, 0.5)).toBeLessThan(20);
    await holder.run(({ store }) => store.releaseLock());
    await it.run(() => Promise.all(globalThis.waiting));
  });
});

describeFaults('beside a folder that another process holds', () => {
  test.each([1, 4])('fs.stat answers, with %i threads in the pool', async (threads) => {
    const stores = [fresh(), fresh()];
    const others = await Promise.all(stores.map((store) => stoppedWriter(store)));
    const it = await agent({ folder: stores[0] }, { env: { UV_THREADPOOL_SIZE: String(threads) } });
    const stats = await it.run(async ({ ledgerModule, folder, latency }, stores) => {
      const event = (i) => ({ eventId: `e-${i}`, taskId: 't', timestamp: i });
      globalThis.pending = stores.flatMap((path) =>
        [0, 1, 2, 3].map((i) => ledgerModule.createEventStore(path).append(event(i))),
      );
      for (const path of stores) {
        // Each kind of call that has to wait.
        const store = ledgerModule.createEventStore(path);
        const ledger = ledgerModule.createPersistentLedger({ storagePath: path });
        ledger.finalizeEvent(event('ledger'));
        globalThis.pending.push(
          store.flush(),
          ledger.save(),
          store.compact(1000),
          store.repair(),
          ledger.flush(),
        );
      }
      return latency.stats(folder, 400);
    }, stores);
    expect(Math.max(...stats)).toBeLessThan(SOON);
    expect(quantile(stats, 0.5)).toBeLessThan(20);
    await Promise.all(others.map((other) => other.goOn()));
    await it.run(() => Promise.all(globalThis.pending));
    for (const store of stores)
      await expectKept(store, ['stopped-0', 'e-0', 'e-1', 'e-2', 'e-3', 'e-ledger']);
  });

  test('another folder is not affected: its leases end, its index.json follows', async () => {
    const [held, free] = [fresh(), fresh()];
    const [it, neighbour] = await Promise.all([agent({ folder: free }), agent({ folder: free })]);
    const other = await writerToStop(held);
    // index.json of the held folder is still to follow when it is taken.
    await it.run(({ ledgerModule }, held) => {
      globalThis.other = ledgerModule.createPersistentLedger({ storagePath: held });
      for (const i of [0, 1, 2])
        globalThis.other.finalizeEvent({ eventId: `h-${i}`, taskId: 't', timestamp: 1 });
    }, held);
    await other.stop();
    const ids = [];
    for (let round = 0; round < 8; round++) {
      const burst = Array.from({ length: 50 }, (_, i) => `${round}-${i}`);
      await it.run(({ ledger }, ids) => {
        for (const eventId of ids) ledger.finalizeEvent({ eventId, taskId: 't', timestamp: 1 });
      }, burst);
      const took = await neighbour.run(
        ({ store, latency }, eventId) => latency.taken(store.append({ eventId, taskId: 't', timestamp: 2 })),
        `neighbour-${round}`,
      );
      expect(took).toBeLessThan(SOON);
      ids.push(...burst, `neighbour-${round}`);
      // What is due in the background for the held folder comes at some time of these rounds; later, lines wait too.
      if (round < 4) await new Promise((resolve) => setTimeout(resolve, 100));
      else
        await it.run((_, eventId) => {
          globalThis.other.finalizeEvent({ eventId, taskId: 't', timestamp: 2 });
        }, `w-${round}`);
    }
    await followedIndex(free);
    await expectKept(free, ids);
    await other.goOn();
    await until(() => logText(held).includes('"w-7"'), 'the waiting lines', 2000);
    await expectKept(held, ['first', 'h-0', 'h-1', 'h-2', 'w-4', 'w-5', 'w-6', 'w-7']);
  });

  test('a lock of a third folder is kept fresh', async () => {
    const [one, two, locked] = [fresh(), fresh(), fresh()];
    const faults = new Faults(folder());
    const it = await agent({ folder: locked }, { env: faults.env });
    await it.run(({ store }) => store.acquireLock());
    const others = [await heldWhileLogging(it, one), await heldWhileLogging(it, two)];
    await it.run(
      async ({ ledgerModule }, paths) => {
        globalThis.pending = paths.map(async (path) => {
          const event = { eventId: 'e', taskId: 't', timestamp: 1 };
          await ledgerModule.createEventStore(path).append(event);
        });
        for (const each of globalThis.pending) each.catch(() => {}); // by these clocks they wait for too long
      },
      [one, two],
    );
    const { timestamp } = readLock(locked);
    // Before each step the folders' waiters are looking; what is due by the clock comes within moments.
    for (const elapsed of [11_000, 22_000]) {
      faults.advance(elapsed);
      await it.run(({ ledger }) => void ledger.finalizeEvent(ledger.createEvent('t', 'feature', 'hash')));
      await until(() => readLock(locked).timestamp >= timestamp + elapsed, `the lock at ${elapsed}`, 3000);
    }
    const theirs = await agent({ folder: locked, implementation: 'original' });
    const refused = await theirs.fails(({ store }) => {
      const { now } = Date;
      Date.now = () => now() + 31_000;
      return store.acquireLock();
    });
    expect(refused.message).toContain('Storage is locked');
    // Each call has a deadline of its own, by the same clocks.
    faults.advance(80_000);
    await it.run(() => Promise.allSettled(globalThis.pending));
    await Promise.all(others.map(({ other }) => other.goOn()));
  });

  test('getStats() answers, also after this process has written', async () => {
    const store = fresh();
    const it = await agent({ folder: store });
    await it.run(({ store }) => store.append({ eventId: 'mine', taskId: 't', timestamp: 1 }));
    const other = await stoppedWriter(store);
    const { took, eventCount } = await it.run(async ({ store, ledger, latency }) => {
      ledger.finalizeEvent({ eventId: 'waits', taskId: 't', timestamp: 2 });
      let stats;
      const took = await latency.taken(
        (async () => {
          stats = await store.getStats();
          await ledger.getStorageStats();
          await store.readAll();
          await store.readRange(0, 10);
        })(),
      );
      return { took, eventCount: stats.eventCount };
    });
    expect(took).toBeLessThan(SOON);
    expect(eventCount).toBe(1);
    await other.goOn();
    await it.run(({ ledger }) => ledger.flush());
    await expectKept(store, ['mine', 'waits', 'stopped-0']);
  });

  test('a thread that is terminated with an append under way ends at once', async () => {
    const store = fresh();
    const other = await stoppedWriter(store);
    const it = await agent({ folder: store });
    const took = await it.run(async ({ folder, latency }) => {
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const program = `
        const { workerData, parentPort } = require('node:worker_threads');
        const { createEventStore, createPersistentLedger } = require('guidance-ledger');
        const store = createEventStore(workerData, { lockTimeoutMs: 20_000 });
        const event = (i) => ({ eventId: 'worker-' + i, taskId: 't', timestamp: i });
        store.append(event(0)).catch(() => {});
        store.compact(1).catch(() => {});
        store.acquireLock().catch(() => {});
        createPersistentLedger({ storagePath: workerData }).finalizeEvent(event(1));
        setImmediate(() => parentPort.postMessage('waits'));
        setInterval(() => {}, 1000);`;
      const worker = new Worker(program, { eval: true, workerData: folder });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      return latency.taken(worker.terminate());
    });
    expect(took).toBeLessThan(2000);
    await other.goOn();
    // What logEvent and finalizeEvent accepted outlives its thread.
    await until(() => logText(store).includes('"worker-1"'), 'the line of the ended thread', 2000);
    const next = await agent({ folder: store });
    await next.run(({ store }) => store.acquireLock());
  });
});

describe('beside the .lock of a JavaScript program that died', () => {
  test.each([1, 4])('fs.stat answers, with %i threads in the pool', async (threads) => {
    const store = fresh();
    const it = await agent({ folder: store }, { env: { UV_THREADPOOL_SIZE: String(threads) } });
    await it.run(({ store }) => store.append({ eventId: 'first', taskId: 't', timestamp: 0 }));
    foreignLock(store);
    const { stats, calls, settled } = await it.run(async ({ ledgerModule, ledger, folder, latency }) => {
      const event = (i) => ({ eventId: `e-${i}`, taskId: 't', timestamp: i });
      let settled = 0;
      globalThis.pending = [0, 1, 2, 3, 4, 5].map(async (i) => {
        await ledgerModule.createEventStore(folder).append(event(i));
        settled++;
      });
      const calls = [6, 7, 8].map((i) => latency.held(() => ledger.finalizeEvent(event(i))));
      globalThis.pending.push(ledger.flush());
      return { stats: await latency.stats(folder, 300), calls, settled };
    });
    expect(Math.max(...stats)).toBeLessThan(SOON);
    expect(Math.max(...calls)).toBeLessThan(CALL);
    expect(settled, 'a rewrite might still come').toBe(0);
    rmSync(paths(store).lock);
    const took = await it.run(({ latency }) => latency.taken(Promise.all(globalThis.pending)));
    expect(took).toBeLessThan(2000);
    await expectKept(store, ['first', ...Array.from({ length: 9 }, (_, i) => `e-${i}`)]);
  });
});

describeFaults('an fsync that takes long', () => {
  test.each([
    ['disk', 300],
    ['disk', 1000],
    ['process', 1000],
  ])("holds up no call of a '%s' store: %i ms", async (durability, ms) => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store, options: { durability: 'disk' } }, { env: faults.env });
    await it.run(({ store }) => store.append({ eventId: 'first', taskId: 't', timestamp: 0 }));
    faults.set(`fsync */events.ndjson 1+ delay ${ms}`);
    const { ids, calls, reads, stats, waited } = await it.run(
      async ({ ledgerModule, store, folder, latency }, durability, ms) => {
        const other = ledgerModule.createEventStore(folder, { durability });
        const begun = performance.now();
        const pending = [store.append({ eventId: 'slow', taskId: 't', timestamp: 0 })];
        const waited = latency.taken(pending[0]);
        const ids = [];
        const calls = [];
        const reads = [];
        const stats = [];
        while (performance.now() - begun < ms * 1.2) {
          const eventId = `e-${ids.length}`;
          ids.push(eventId);
          calls.push(latency.held(() => pending.push(other.append({ eventId, taskId: 't', timestamp: 1 }))));
          reads.push(await latency.taken(other.getStats()), await latency.taken(other.readRange(0, 1)));
          stats.push(...(await latency.stats(folder, 0)));
        }
        await Promise.all(pending);
        return { ids, calls, reads, stats, waited: await waited };
      },
      durability,
      ms,
    );
    expect(waited).toBeGreaterThanOrEqual(ms);
    expect(Math.max(...calls)).toBeLessThan(CALL);
    expect(quantile(calls, 0.5)).toBeLessThan(5);
    expect(quantile(reads, 0.5)).toBeLessThan(50);
    expect(Math.max(...reads)).toBeLessThan(ms);
    expect(Math.max(...stats)).toBeLessThan(Math.min(ms, SOON));
    faults.clear();
    await expectKept(store, ['first', 'slow', ...ids]);
  });

  test("'disk' promises it within the call for logEvent alone; a 'process' ledger beside it waits for nothing", async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store, options: { durability: 'disk' } }, { env: faults.env });
    await it.run(({ store }) => store.append({ eventId: 'first', taskId: 't', timestamp: 0 }));
    faults.set('fsync */events.ndjson 1+ delay 300');
    const { disk, fast } = await it.run(async ({ ledgerModule, ledger, store, folder, latency }) => {
      const event = (eventId) => ({ eventId, taskId: 't', timestamp: 1 });
      const slow = store.append(event('a'));
      const quick = ledgerModule.createPersistentLedger({ storagePath: folder });
      const fast = [0, 1, 2].map((i) => latency.held(() => quick.finalizeEvent(event(`q-${i}`))));
      await slow;
      return { fast, disk: latency.held(() => ledger.finalizeEvent(event('b'))) };
    });
    expect(Math.max(...fast)).toBeLessThan(CALL);
    expect(disk).toBeGreaterThanOrEqual(300);
    faults.clear();
    await expectKept(store, ['first', 'a', 'b', 'q-0', 'q-1', 'q-2']);
  });

  test('that failed: a new store appends without holding the thread, while another process holds the folder', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store, options: { durability: 'disk' } }, { env: faults.env });
    await it.run(({ store }) => store.append({ eventId: 'first', taskId: 't', timestamp: 0 }));
    faults.set('fsync */events.ndjson 1 errno EIO');
    const append = ({ store }, eventId) => store.append({ eventId, taskId: 't', timestamp: 1 });
    expect(await it.fails(append, 'failed')).toMatchObject({ code: 'EIO' });
    expect(await it.fails(append, 'unsafe')).toMatchObject({ code: 'EUNSAFE' });
    faults.clear();
    const other = await stoppedWriter(store);
    const calls = await it.run(async ({ ledgerModule, folder, latency }) => {
      const store = ledgerModule.createEventStore(folder, { durability: 'disk' });
      globalThis.pending = [];
      const calls = [];
      for (let i = 0; i < 20; i++) {
        const event = { eventId: `new-${i}`, taskId: 't', timestamp: i };
        calls.push(latency.held(() => globalThis.pending.push(store.append(event))));
        await new Promise(setImmediate);
      }
      return calls;
    });
    expect(Math.max(...calls)).toBeLessThan(CALL);
    await other.goOn();
    await it.run(() => Promise.all(globalThis.pending));
    const ids = Array.from({ length: 20 }, (_, i) => `new-${i}`);
    await expectKept(store, ['first', 'stopped-0', ...ids]);
  });
});

describe('many writers', () => {
  const append = ({ store }, name, count) =>
    (async (times) => {
      for (let i = 0; i < count; i++) {
        const begun = process.hrtime.bigint();
        await store.append({ eventId: `${name}-${i}`, taskId: `t-${i % 100}`, timestamp: i });
        times.push(Number(process.hrtime.bigint() - begun) / 1e6);
      }
      return times;
    })([]);

  test('one process: an awaited append costs microseconds, with hundred tasks as with one', async () => {
    const store = fresh();
    const it = await agent({ folder: store });
    await it.run(append, 'warm', 500);
    const times = await it.run(append, 'one', 3000);
    expect(quantile(times, 0.5), 'ms').toBeLessThan(0.1);
    await followedIndex(store);
    const stats = await ours.createEventStore(store).getStats();
    expect(stats.eventCount).toBe(3500);
  });

  test('eight processes without pause: none waits long', async () => {
    const store = fresh();
    const agents = await Promise.all(Array.from({ length: 8 }, () => agent({ folder: store })));
    const times = (await Promise.all(agents.map((it, i) => it.run(append, `p${i}`, 400)))).flat();
    expect(times).toHaveLength(3200);
    expect(quantile(times, 0.5), 'ms').toBeLessThan(1);
    expect(quantile(times, 0.99), 'ms').toBeLessThan(50);
    const ids = agents.flatMap((_, i) => Array.from({ length: 400 }, (_, k) => `p${i}-${k}`));
    await expectKept(store, ids);
  });
});
