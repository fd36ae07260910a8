/** Stores give back what they took: descriptors, memory, time; and use no more of it the longer they live. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { expectKept } from './support/accepted.mjs';
import { paths, until } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs } from './support/implementations.mjs';
import { agent, script } from './support/processes.mjs';

const onLinux = process.platform === 'linux';

/** A log of so many events, each with so many bytes more than it needs. */
function logOf(count, bytes) {
  const store = fresh();
  mkdirSync(store, { recursive: true });
  const padding = 'x'.repeat(bytes);
  const line = (i) => lineOf(runEvent({ eventId: `e-${i}`, taskId: `t-${i % 50}`, timestamp: i, padding }));
  writeFileSync(paths(store).log, Array.from({ length: count }, (_, i) => line(i)).join(''));
  return store;
}

/** `{ eventId, timestamp }` alone: hundreds of thousands of them are made in a moment. */
function smallLog(count) {
  const store = fresh();
  mkdirSync(store, { recursive: true });
  const line = (i) => `{"eventId":"e-${i}","taskId":"t","timestamp":${i},"violations":[]}\n`;
  writeFileSync(paths(store).log, Array.from({ length: count }, (_, i) => line(i)).join(''));
  return store;
}

const exposed = { nodeOptions: ['--expose-gc'] };

describe.skipIf(!onLinux)('descriptors', () => {
  describeOurs('of ledgers one after the other, with 200 at most', () => {
    test.each([
      ['a thousand, destroyed', 1000, 'init logEvent destroy'],
      ['closed', 120, 'init logEvent close'],
      ['await using', 120, 'init finalizeEvent asyncDispose'],
      ['a store that is closed', 120, 'store.append store.close'],
      ['saved', 70, 'logEvent save asyncDispose'],
    ])('%s', async (_, count, calls) => {
      const parent = fresh();
      const program = async ({ ledgerModule, runEvent, say, folder }, count, calls) => {
        for (let i = 0; i < count; i++) {
          const ledger = ledgerModule.createPersistentLedger({ storagePath: `${folder}/${i}` });
          const store = ledger.getEventStore();
          for (const call of calls.split(' ')) {
            if (call === 'logEvent' || call === 'finalizeEvent') ledger[call](runEvent());
            else if (call === 'store.append') await store.append(runEvent());
            else if (call === 'store.close') await store.close();
            else if (call === 'asyncDispose') await ledger[Symbol.asyncDispose]();
            else await ledger[call]();
          }
        }
        say('done');
      };
      const it = script(parent, program, [count, calls], { descriptors: 200 });
      expect(await it.done()).toEqual(['done']);
      await expectKept(`${parent}/0`, []);
      await expectKept(`${parent}/${count - 1}`, []);
    });

    test('and of 120 that are not closed', async () => {
      const program = async ({ ledgerModule, runEvent, say, folder, fs }) => {
        const ledgers = [];
        for (let i = 0; i < 120; i++) {
          const ledger = ledgerModule.createPersistentLedger({ storagePath: `${folder}/${i}` });
          ledger.finalizeEvent(runEvent({ eventId: `e-${i}` }));
          await ledger.flush();
          ledgers.push(ledger);
        }
        const counts = await Promise.all(ledgers.slice(0, 50).map((ledger) => ledger.getStorageStats()));
        say(counts.every(({ eventCount }) => eventCount === 1));
        fs.readFileSync('/proc/self/limits'); // the program finds one free, too
        process.exit(0);
      };
      const it = script(fresh(), program, [], { descriptors: 200 });
      expect(await it.done()).toEqual(['true']);
    });
  });

  test('400 stores at once, with 1,024 at most', async () => {
    const parent = fresh();
    const program = async ({ ledgerModule, runEvent, say, folder }) => {
      const stores = Array.from({ length: 400 }, (_, i) => ledgerModule.createEventStore(`${folder}/${i}`));
      const ledgers = stores.map((_, i) =>
        ledgerModule.createPersistentLedger({ storagePath: `${folder}/${i}` }),
      );
      for (let round = 0; round < 3; round++) {
        await Promise.all(stores.map((store, i) => store.append(runEvent({ eventId: `s-${i}-${round}` }))));
        for (const [i, ledger] of ledgers.entries()) {
          ledger.finalizeEvent(runEvent({ eventId: `l-${i}-${round}` }));
        }
      }
      await Promise.all(ledgers.map((ledger) => ledger.flush()));
      const stats = await Promise.all(stores.map((store) => store.getStats()));
      say(stats.every(({ eventCount }) => eventCount === 6));
      await Promise.all(ledgers.map((ledger) => ledger.save()));
      await Promise.all(stores.map((store) => store.compact(4)));
      const compacted = await Promise.all(stores.map((store) => store.getStats()));
      say(compacted.every(({ eventCount }) => eventCount === 4));
      await Promise.all([...ledgers, ...stores].map((each) => each.close()));
    };
    const it = script(parent, program, [], { descriptors: 1024 });
    expect(await it.done()).toEqual(['true', 'true']);
    await expectKept(`${parent}/399`, ['l-399-2', 's-399-2']);
  });

  test('an idle folder holds none after a while, and works again', async () => {
    const store = fresh();
    const it = await agent({ folder: store });
    await it.run(({ store }) => store.append({ eventId: 'a', taskId: 't', timestamp: 1 }));
    const open = () => it.run(({ latency, folder }) => latency.openFiles(folder));
    await until(async () => (await open()).length === 0, 'the descriptors of an idle folder', 5000);
    await it.run(({ store }) => store.append({ eventId: 'b', taskId: 't', timestamp: 2 }));
    await expectKept(store, ['a', 'b']);
  });

  test('close() gives all back at once, twice is once, and the store can be used again', async () => {
    const store = fresh();
    const it = await agent({ folder: store });
    const open = await it.run(async ({ store, ledger, latency, folder }) => {
      const open = [];
      for (let i = 0; i < 3; i++) {
        ledger.finalizeEvent({ eventId: `l-${i}`, taskId: 't', timestamp: 1 });
        await store.append({ eventId: `s-${i}`, taskId: 't', timestamp: 1 });
        await ledger.init();
        await ledger.getEvents();
        await store.acquireLock();
        await Promise.all([ledger.close(), ledger.close(), store.close()]);
        await store.close();
        open.push(...latency.openFiles(folder));
      }
      return open;
    });
    expect(open).toEqual([]);
    await expectKept(store, ['l-0', 'l-1', 'l-2', 's-0', 's-1', 's-2']);
  });

  test('logs that were replaced are not kept open', async () => {
    const store = logOf(18_000, 1000);
    const it = await agent({ folder: store });
    const open = await it.run(async ({ ledger, store, latency, folder }) => {
      const open = [];
      await ledger.load();
      for (let round = 1; round <= 8; round++) {
        await store.compact(18_000 - 10 * round);
        await ledger.load();
        open.push(latency.openFiles(folder).filter((path) => path.endsWith('(deleted)')).length);
      }
      return open;
    });
    expect(Math.max(...open), open.join(' ')).toBeLessThanOrEqual(1);
    await it.run(({ ledger, store }) => Promise.all([ledger.close(), store.close()]));
    expect(await it.run(({ latency, folder }) => latency.openFiles(folder))).toEqual([]);
  });
});

describeFaults('a stream that is broken off during a pending read', () => {
  test.each(['aborted', 'returned', 'returned and awaited'])('%s: the log is closed', async (how) => {
    const store = logOf(3000, 1000);
    const faults = new Faults(folder());
    const it = await agent({ folder: store }, { env: faults.env });
    faults.set('pread */events.ndjson 1+ delay 3');
    await it.run(async ({ store }, how) => {
      const streams = Array.from({ length: 50 }, async (_, i) => {
        const aborter = new AbortController();
        const stream = store.stream(how === 'aborted' ? { signal: aborter.signal } : {});
        await stream.next();
        const rest = (async () => {
          while (!(await stream.next()).done);
        })().catch(() => {});
        for (let turn = 0; turn < i; turn++) await new Promise(setImmediate);
        if (how === 'aborted') aborter.abort();
        else if (how === 'returned') void stream.return();
        else await stream.return();
        await rest;
      });
      await Promise.all(streams);
    }, how);
    const open = () =>
      it.run(({ latency, folder }) => latency.openFiles(folder).filter((path) => path.endsWith('.ndjson')));
    await until(async () => (await open()).length === 0, 'the streams to be closed', 3000);
  });
});

describeOurs('memory', () => {
  test.each([true, false])('a stream needs no more the longer it runs; with a signal: %s', async (signal) => {
    const store = smallLog(150_000);
    const it = await agent({ folder: store }, exposed);
    const { grown, count } = await it.run(async ({ store }, signal) => {
      const aborter = new AbortController();
      const heap = () => {
        globalThis.gc();
        return process.memoryUsage().heapUsed;
      };
      let count = 0;
      let before = 0;
      let after = 0;
      for await (const _ of store.stream(signal ? { signal: aborter.signal } : {})) {
        count++;
        if (count === 10_000) before = heap();
        if (count === 149_000) after = heap();
      }
      return { grown: after - before, count };
    }, signal);
    expect(count).toBe(150_000);
    expect(grown).toBeLessThan(8 << 20);
  });

  test('an import leaves no copy of its lines behind', async () => {
    const it = await agent({ folder: fresh() }, exposed);
    const { grown, eventCount } = await it.run(async ({ ledger }) => {
      const padding = 'x'.repeat(1 << 20);
      const resident = () => {
        globalThis.gc();
        return process.memoryUsage.rss();
      };
      ledger.finalizeEvent({ eventId: 'first', taskId: 't', timestamp: 1, padding });
      await ledger.flush();
      const before = resident();
      // The events share one text, so that only their lines are large.
      const events = Array.from({ length: 150 }, (_, i) => ({
        eventId: `e-${i}`,
        taskId: 't',
        timestamp: i,
        padding,
      }));
      ledger.importEvents(events);
      await ledger.flush();
      const { eventCount } = await ledger.getStorageStats();
      return { grown: resident() - before, eventCount };
    });
    expect(eventCount).toBe(151);
    expect(grown).toBeLessThan(60 << 20);
  });
});

describeOurs('time', () => {
  test('reading all sealed events costs the same for each, however many there are', async () => {
    const perEvent = async (count) => {
      const it = await agent({ folder: smallLog(count) }, exposed);
      return it.run(async ({ ledger }, count) => {
        await ledger.load();
        globalThis.gc();
        const begun = process.cpuUsage();
        const { length } = ledger.getEvents();
        const { user, system } = process.cpuUsage(begun);
        if (length !== count) throw new Error(`${length} events`);
        return (user + system) / count;
      }, count);
    };
    // Time of the processor, and the better of two: other processes take turns in between. Sixteen times as many events
    // would cost sixteen times as much each, were they looked through for each of them.
    const best = async (count) => Math.min(await perEvent(count), await perEvent(count));
    const few = await best(50_000);
    const many = await best(800_000);
    expect(many, `µs an event; ${few} for 50,000`).toBeLessThan(6 * few);
  });
});
