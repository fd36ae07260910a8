/** Every wait ends: with what was waited for, with its deadline, with close(), and with the process; nothing is given up. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { expectKept } from './support/accepted.mjs';
import { logged, logText, paths, until } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs } from './support/implementations.mjs';
import { quantile } from './support/latency.mjs';
import { agent, script } from './support/processes.mjs';
import { stoppedWriter } from './support/stopped.mjs';

const log = ({ ledger }, ...ids) => {
  for (const eventId of ids) ledger.finalizeEvent({ eventId, taskId: 't', timestamp: 1 });
};
const append = ({ store }, eventId) => store.append({ eventId, taskId: 't', timestamp: 1 });
/** Waits until the log holds an event, without any call of the process that wrote it. */
const written = (store, id, what, deadline = 1500) =>
  until(() => logText(store).includes(`"${id}"`), what, deadline);

describeFaults('what could not be written is tried again', () => {
  test('a folder that was held past every deadline: written within a second of being free', async () => {
    const store = fresh();
    const other = await stoppedWriter(store);
    const faults = new Faults(folder());
    const it = await agent({ folder: store, listens: true }, { env: faults.env });
    await it.run(log, 'a', 'b');
    // The flush of the ledger reports its failure, once; the lines stay.
    // The wait may begin at any moment, and ends 20 seconds later.
    let ahead = 0;
    const reported = () => {
      ahead += 25_000;
      faults.advance(ahead);
      return it.run(({ told }) => told.length > 0);
    };
    await until(reported, 'the report');
    expect(await it.run(({ told }) => told)).toEqual(['ELOCKED']);
    faults.advance(ahead + 60_000);
    await other.goOn();
    await written(store, 'b', 'the lines after the folder was free');
    it.kill('SIGKILL');
    await it.ended;
    await expectKept(store, ['stopped-0', 'a', 'b']);
  });

  test('so are the lines of a store that was closed meanwhile, also by await using', async () => {
    const store = fresh();
    const other = await stoppedWriter(store);
    const it = await agent({ folder: store });
    const { took, code } = await it.run(async ({ ledgerModule, folder }) => {
      const ledger = ledgerModule.createPersistentLedger({ storagePath: folder });
      ledger.finalizeEvent({ eventId: 'closed', taskId: 't', timestamp: 1 });
      const begun = performance.now();
      const error = await ledger[Symbol.asyncDispose]().then(
        () => null,
        (error) => error,
      );
      return { took: performance.now() - begun, code: error?.code };
    });
    expect(took).toBeLessThan(3000);
    expect(['ELOCKED', 'ECLOSED']).toContain(code);
    await other.goOn();
    await written(store, 'closed', 'the line of the closed ledger');
    it.kill('SIGKILL');
    await it.ended;
    await expectKept(store, ['stopped-0', 'closed']);
  });

  test('a full disk that has room again', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store, listens: true }, { env: faults.env });
    await it.run(log, 'first');
    faults.set('write */events.ndjson 1+ errno ENOSPC');
    await it.run(log, 'a', 'b', 'c');
    await until(() => it.run(({ told }) => told.length > 0), 'the report', 5000);
    expect(logged(store)).toHaveLength(1);
    faults.clear();
    await written(store, 'c', 'the lines after there was room');
    expect(await it.run(({ told }) => told)).toEqual(['ENOSPC']);
    await expectKept(store, ['first', 'a', 'b', 'c']);
  });
});

describeFaults('no descriptor is free', () => {
  test('the lines of a ledger wait, and are written once there is one', async () => {
    const store = fresh();
    const it = await agent({ folder: store, listens: true }, { descriptors: 100 });
    const code = await it.run(async ({ fs, ledger, store }) => {
      globalThis.taken = [];
      try {
        for (;;) globalThis.taken.push(fs.openSync('/dev/null'));
      } catch (error) {
        if (error.code !== 'EMFILE') throw error;
      }
      ledger.finalizeEvent({ eventId: 'waits', taskId: 't', timestamp: 1 });
      const refused = { eventId: 'refused', taskId: 't', timestamp: 1 };
      return store.append(refused).catch(({ code }) => code);
    });
    expect(code).toBe('EMFILE');
    await until(() => it.run(({ told }) => told.length > 0), 'the report', 5000);
    expect(await it.run(({ told }) => told)).toEqual(['EMFILE']);
    await it.run(({ fs }) => {
      for (const fd of globalThis.taken) fs.closeSync(fd);
    });
    await written(store, 'waits', 'the line after a descriptor was free');
    const events = await expectKept(store, ['waits']);
    expect(events.map(({ eventId }) => eventId)).not.toContain('refused');
  });
});

describeFaults('a full disk', () => {
  test('costs each call the same, however much waits', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store, listens: true }, { env: faults.env });
    await it.run(log, 'first');
    faults.set('write */events.ndjson 1+ errno ENOSPC');
    const { times, told } = await it.run(async ({ ledger, told, latency }) => {
      const times = [];
      const padding = 'x'.repeat(500);
      for (let i = 0; i < 6000; i++) {
        const event = { eventId: `e-${i}`, taskId: 't', timestamp: i, padding };
        times.push(latency.held(() => ledger.finalizeEvent(event)));
        if (i % 100 === 0) await new Promise(setImmediate);
      }
      return { times, told };
    });
    const sum = (times) => times.reduce((total, time) => total + time, 0);
    expect(sum(times), 'ms of 6,000 calls').toBeLessThan(1500);
    expect(quantile(times.slice(-1000), 0.5)).toBeLessThan(1);
    expect(quantile(times.slice(-1000), 0.5)).toBeLessThan(10 * quantile(times.slice(0, 1000), 0.5) + 0.05);
    expect(told).toEqual(['ENOSPC']);
    faults.clear();
    await it.run(({ ledger }) => ledger.flush());
    await expectKept(store, ['first', ...Array.from({ length: 6000 }, (_, i) => `e-${i}`)]);
  });

  test('what waits has a bound: onError hears how many wait, and save() writes what was not queued', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store }, { env: faults.env });
    faults.set('write */events.ndjson 1+ errno ENOSPC');
    const { errors, refusal } = await it.run(async ({ ledgerModule, folder }) => {
      globalThis.errors = [];
      const onError = ({ code, message }) => globalThis.errors.push([code, message]);
      globalThis.ledger = ledgerModule.createPersistentLedger({ storagePath: folder, onError });
      const padding = 'x'.repeat(1 << 20);
      for (let i = 0; i < 80; i++) {
        globalThis.ledger.finalizeEvent({ eventId: `e-${i}`, taskId: 't', timestamp: i, padding });
        if (i === 0) await new Promise(setImmediate);
      }
      await new Promise(setImmediate);
      const store = ledgerModule.createEventStore(folder);
      const refusal = await store.append({ eventId: 'awaited', taskId: 't', timestamp: 1, padding }).then(
        () => 'accepted',
        ({ code }) => code,
      );
      return { errors: globalThis.errors, refusal };
    });
    const backlog = errors.filter(([code]) => code === 'EBACKLOG');
    expect(backlog).toHaveLength(1);
    expect(Number(/(\d+) events wait/.exec(backlog[0][1])[1])).toBe(63);
    expect(errors.map(([code]) => code)).toContain('ENOSPC');
    expect(refusal).toBe('EBACKLOG');
    faults.clear();
    await it.run(async () => {
      await globalThis.ledger.flush();
      await globalThis.ledger.save();
    });
    await expectKept(
      store,
      Array.from({ length: 80 }, (_, i) => `e-${i}`),
    );
  });
});

describeFaults('a process that cannot start a thread', () => {
  /** An agent whose pool has its threads already, as Node needs them. */
  async function threadless(options) {
    const faults = new Faults(folder());
    const it = await agent(options, { env: faults.env });
    await it.run(({ fs, folder }) => Promise.allSettled([1, 2, 3, 4].map(() => fs.promises.stat(folder))));
    faults.set('thread - 1+ errno EAGAIN');
    return { it, faults };
  }

  test('ends its lease: another process appends at once', async () => {
    const store = fresh();
    const { it } = await threadless({ folder: store });
    const ids = Array.from({ length: 200 }, (_, i) => `e-${i}`);
    await it.run(log, ...ids);
    const neighbour = await agent({ folder: store });
    const took = await neighbour.run(({ store, latency }) =>
      latency.taken(store.append({ eventId: 'n', taskId: 't', timestamp: 1 })),
    );
    expect(took).toBeLessThan(1000);
    await expectKept(store, [...ids, 'n']);
  });

  test('reads, rewrites, locks and closes all the same', async () => {
    const store = fresh();
    mkdirSync(store, { recursive: true });
    const padding = 'x'.repeat(1000);
    const lines = Array.from({ length: 8000 }, (_, i) =>
      lineOf(runEvent({ eventId: `old-${i}`, timestamp: i, padding })),
    );
    writeFileSync(paths(store).log, lines.join(''));
    const { it, faults } = await threadless({ folder: store, options: { lockTimeoutMs: 2000 } });
    const result = await it.run(async ({ ledger, store }) => {
      await ledger.init();
      const loaded = ledger.eventCount;
      const event = (eventId) => ({ eventId, taskId: 't', timestamp: 9000 });
      await Promise.all(['a', 'b', 'c'].map((id) => store.append(event(id))));
      ledger.finalizeEvent(event('d'));
      await ledger.flush();
      const read = (await store.readAll()).length;
      const range = (await store.readRange(0, 9)).length;
      let streamed = 0;
      for await (const _ of store.stream()) streamed++;
      await ledger.save();
      const evicted = await store.compact(8000);
      const { eventCount } = await store.getStats();
      const { duplicateIds } = await store.verify();
      await ledger.close();
      await store.close();
      return { loaded, read, range, streamed, evicted, eventCount, duplicateIds };
    });
    expect(result).toEqual({
      loaded: 8000,
      read: 8004,
      range: 10,
      streamed: 8004,
      evicted: 4,
      eventCount: 8000,
      duplicateIds: [],
    });
    faults.clear();
    await expectKept(store, ['a', 'b', 'c', 'd', 'old-4', 'old-7999']);
  });

  test('gets what waited written at the next call, once the folder is free', async () => {
    const store = fresh();
    const other = await stoppedWriter(store);
    const { it } = await threadless({ folder: store });
    await it.run(log, 'a', 'b');
    await other.goOn();
    await until(
      async () => {
        await it.run(log);
        await it.run(({ ledger }) => void ledger.finalizeEvent({ eventId: 'c', taskId: 't', timestamp: 1 }));
        return logText(store).includes('"b"');
      },
      'the lines',
      2000,
    );
  });
});

describeOurs('a beforeExit handler comes to rest', () => {
  /** Ends by itself with what its handlers do; the last line counts how often they ran. */
  const program = async ({ ledgerModule, say, folder }, how) => {
    const ledger = ledgerModule.createPersistentLedger({ storagePath: folder });
    const store = ledger.getEventStore();
    if (!how.startsWith('unused ')) ledger.finalizeEvent({ eventId: 'a', taskId: 't', timestamp: 1 });
    const event = () => ({ eventId: `b-${count}`, taskId: 't', timestamp: 1 });
    let count = 0;
    const calls = {
      destroy: () => ledger.destroy(),
      close: () => ledger.close(),
      flush: () => ledger.flush(),
      asyncDispose: () => ledger[Symbol.asyncDispose](),
      'store.close': () => store.close(),
      'store.flush': () => store.flush(),
      releaseLock: () => store.releaseLock(),
      'two finalizeEvent': () => {
        if (count > 3) return;
        ledger.finalizeEvent(event());
        ledger.finalizeEvent({ ...event(), eventId: `c-${count}` });
      },
      'finalizeEvent and flush': () => {
        if (count > 3) return;
        ledger.finalizeEvent(event());
        return ledger.flush();
      },
      'endless finalizeEvent': () => {
        ledger.finalizeEvent(event());
        ledger.finalizeEvent({ ...event(), eventId: `c-${count}` });
      },
      'all of them': () =>
        Promise.all([ledger.flush(), store.flush(), store.releaseLock(), ledger.close(), ledger.destroy()]),
    };
    process.on('beforeExit', () => {
      count++;
      if (count > 50) process.exit(3);
      calls[how.replace('unused ', '')]();
    });
    process.on('exit', () => say(count));
  };

  test.each([
    'destroy',
    'close',
    'flush',
    'asyncDispose',
    'store.close',
    'store.flush',
    'releaseLock',
    'two finalizeEvent',
    'endless finalizeEvent',
    'finalizeEvent and flush',
    'all of them',
    'unused destroy',
    'unused flush',
    'unused releaseLock',
  ])('%s', async (how) => {
    const store = fresh();
    const it = script(store, program, [how]);
    expect(await it.ended, it.errors).toBe(0);
    expect(Number(it.lines.at(-1))).toBeLessThan(10);
    if (!how.startsWith('unused ')) await expectKept(store, ['a']);
  });
});

describeFaults('an end of the process while a call waits', () => {
  const program = async ({ ledgerModule, runEvent, say, folder }, end, other) => {
    const store = ledgerModule.createEventStore(folder, { lockTimeoutMs: 30_000 });
    const held = ledgerModule.createEventStore(other);
    const ledger = ledgerModule.createPersistentLedger({ storagePath: folder, lockTimeoutMs: 30_000 });
    const waits = [store.acquireLock(), ledger.save(), held.append(runEvent()), held.compact(1)];
    for (const wait of waits) wait.catch(() => {});
    ledger.finalizeEvent(runEvent({ eventId: 'kept' }));
    process.on('SIGTERM', () => process.exit(4));
    await new Promise((resolve) => setTimeout(resolve, 50));
    say('waits');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    if (end === 'exit') process.exit(0);
    if (end === 'SIGTERM') process.kill(process.pid, 'SIGTERM');
    if (end === 'throw')
      setImmediate(() => {
        throw new Error('uncaught');
      });
  };

  test.each([
    ['exit', 0],
    ['throw', 1],
    ['SIGTERM', 4],
  ])('%s takes no longer than a second', async (end, code) => {
    const [store, held] = [fresh(), fresh()];
    const holder = await agent({ folder: store });
    await holder.run(({ store }) => store.acquireLock());
    const other = await stoppedWriter(held);
    const it = script(store, program, [end, held]);
    await it.said(1);
    const begun = performance.now();
    it.child.stdin.end('go\n');
    expect(await it.ended, it.errors).toBe(code);
    expect(performance.now() - begun).toBeLessThan(2500);
    await other.goOn();
    await holder.run(({ store }) => store.releaseLock());
    await expectKept(store, ['kept']);
  });
});

describeFaults('an fsync of many seconds', () => {
  test('does not hold up the end of the process', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = script(
      store,
      async ({ ledgerModule, runEvent, say, folder }) => {
        const store = ledgerModule.createEventStore(folder, { durability: 'disk' });
        store.append(runEvent({ eventId: 'a' })).catch(() => {});
        await new Promise((resolve) => process.stdin.once('data', resolve));
        say('ends');
        process.exit(0);
      },
      [],
      { env: faults.env },
    );
    faults.set('fsync */events.ndjson 1+ delay 20000');
    await until(() => faults.calls().some((call) => call.startsWith('fsync ')), 'the fsync', 5000);
    const begun = performance.now();
    it.child.stdin.end('go\n');
    expect(await it.ended, it.errors).toBe(0);
    expect(performance.now() - begun).toBeLessThan(2500);
    await expectKept(store, ['a']);
  });

  test('is waited for by close(), for as long as it takes if that is short', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store, options: { durability: 'disk' } }, { env: faults.env });
    await it.run(append, 'first');
    faults.set('fsync */events.ndjson 1+ delay 300');
    const took = await it.run(({ store, latency }) => {
      const accepted = store.append({ eventId: 'a', taskId: 't', timestamp: 1 });
      return latency.taken(Promise.all([accepted, store.close()]));
    });
    expect(took).toBeGreaterThanOrEqual(300);
    await expectKept(store, ['first', 'a']);
  });
});

describeOurs('a wait for the lock', () => {
  test('has its deadline, for fifty at once as for one', async () => {
    const store = fresh();
    const holder = await agent({ folder: store });
    await holder.run(({ store }) => store.acquireLock());
    const it = await agent({ folder: store });
    const outcomes = await it.run(async ({ ledgerModule, folder }) => {
      const attempts = Array.from({ length: 50 }, async () => {
        const store = ledgerModule.createEventStore(folder, { lockTimeoutMs: 400 });
        const begun = performance.now();
        const code = await store.acquireLock().catch(({ code }) => code);
        return { code, took: performance.now() - begun };
      });
      return Promise.all(attempts);
    });
    for (const { code, took } of outcomes) {
      expect(code).toBe('ELOCKED');
      expect(took).toBeGreaterThanOrEqual(390);
      expect(took).toBeLessThan(3000);
    }
  });
});

describeFaults('close() while calls wait', () => {
  test('writes what waits if the folder gets free within a second', async () => {
    const store = fresh();
    const other = await stoppedWriter(store);
    const it = await agent({ folder: store });
    await it.run(({ ledger }) => {
      ledger.finalizeEvent({ eventId: 'waits', taskId: 't', timestamp: 1 });
      globalThis.closed = ledger.close();
      globalThis.closed.catch(() => {});
    });
    await other.goOn();
    await it.run(() => globalThis.closed);
    expect(logged(store).map(({ eventId }) => eventId)).toContain('waits');
    await expectKept(store, ['stopped-0', 'waits']);
  });

  test('ends them within a second or two, each with a code, and the store can be used again', async () => {
    const store = fresh();
    const other = await stoppedWriter(store);
    const it = await agent({ folder: store });
    const { outcomes, took } = await it.run(async ({ ledgerModule, folder }) => {
      const made = ledgerModule.createEventStore(folder, { lockTimeoutMs: 20_000 });
      globalThis.made = made;
      const begun = performance.now();
      const calls = [
        made.append({ eventId: 'waits', taskId: 't', timestamp: 1 }),
        made.compact(1),
        made.repair(),
        made.writeAll([]),
        made.flush(),
        made.close(),
        made.close(),
      ];
      const outcomes = (await Promise.allSettled(calls)).map(({ reason }) => reason?.code ?? 'done');
      return { outcomes, took: performance.now() - begun };
    });
    expect(took).toBeLessThan(4000);
    for (const outcome of outcomes.slice(0, 5)) expect(['ECLOSED', 'ELOCKED'], outcome).toContain(outcome);
    for (const outcome of outcomes) expect(['ECLOSED', 'ELOCKED', 'done'], outcome).toContain(outcome);
    await other.goOn();
    await it.run(async () => {
      await globalThis.made.append({ eventId: 'again', taskId: 't', timestamp: 1 });
      await globalThis.made.close();
      await globalThis.made.close();
    });
    const events = await expectKept(store, ['stopped-0', 'again']);
    const ids = events.map(({ eventId }) => eventId);
    // Told that it failed, the caller brings it again: it must not come by itself as well.
    expect(ids).not.toContain('waits');
  });

  test('a call that waits for the lock ends at once', async () => {
    const store = fresh();
    const holder = await agent({ folder: store });
    await holder.run(({ store }) => store.acquireLock());
    const it = await agent({ folder: store });
    const { code, took } = await it.run(async ({ ledgerModule, folder }) => {
      const made = ledgerModule.createEventStore(folder, { lockTimeoutMs: 20_000 });
      const waiting = made.acquireLock().catch(({ code }) => code);
      const begun = performance.now();
      await made.close();
      const code = await waiting;
      return { code, took: performance.now() - begun };
    });
    expect(code).toBe('ECLOSED');
    expect(took).toBeLessThan(1500);
  });

  test('a lock is given back by close(), and by the end of `await using`', async () => {
    const store = fresh();
    const [it, neighbour] = await Promise.all([agent({ folder: store }), agent({ folder: store })]);
    for (const how of ['close', 'asyncDispose']) {
      await it.run(async ({ store }, how) => {
        await store.acquireLock();
        await (how === 'close' ? store.close() : store[Symbol.asyncDispose]());
      }, how);
      await neighbour.run(async ({ store }) => {
        await store.acquireLock();
        await store.releaseLock();
      });
    }
    await it.run(append, 'after');
    await expectKept(store, ['after']);
  });
});
