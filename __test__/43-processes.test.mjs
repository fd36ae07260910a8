/** Many processes on one folder: nothing lost, doubled, glued or reordered, and no process waits for ever. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ascending, expectKept, numbersOf } from './support/accepted.mjs';
import { followedIndex, logged, paths, readIndex, until } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { agent, start } from './support/processes.mjs';
import { stoppedWriter } from './support/stopped.mjs';

const upTo = (count) => Array.from({ length: count }, (_, i) => i);

describeOurs('processes', () => {
  test('8 x 250 appends: all there, each process in order, stats and index.json exact', async () => {
    const store = fresh();
    const hows = ['append', 'append', 'append', 'append', 'burst', 'burst', 'log', 'log'];
    const programs = hows.map((how, n) => start('writer', { folder: store, name: `p${n}`, how, count: 250 }));
    const ids = (await Promise.all(programs.map((program) => program.done()))).flat();
    expect(ids).toHaveLength(2000);
    const events = logged(store);
    expect(events).toHaveLength(2000);
    for (const n of upTo(8)) expect(numbersOf(events, `p${n}`)).toEqual(upTo(250));
    const stats = { eventCount: 2000, oldestEvent: 1_000_000, newestEvent: 1_000_249 };
    expect(await ours.createEventStore(store).getStats()).toMatchObject(stats);
    await expectKept(store, ids);
    // The check has appended and flushed: from then on the index is exact, whatever the processes left.
    expect(readIndex(store).eventCount).toBe(2001);
    expect(readIndex(store).taskIds.sort()).toEqual(['check', ...upTo(8).map((n) => `p${n}`)]);
  });

  test('4 appenders against a compaction loop for seconds: evicted + kept = appended', async () => {
    const store = fresh();
    const hows = ['append', 'burst', 'log', 'append'];
    const programs = hows.map((how, n) => start('writer', { folder: store, name: `p${n}`, how }));
    const compactor = start('rewriter', { folder: store, how: 'keep', keep: 100 });
    const stats = ours.createEventStore(store);
    const seen = { stats: 0, reads: 0 };
    const end = performance.now() + 3000;
    while (performance.now() < end) {
      await stats.getStats();
      const events = await stats.readAll();
      // A reader in the middle of it all sees whole events, each process's in order, none twice.
      for (const n of upTo(4)) expect(ascending(numbersOf(events, `p${n}`)), 'order of a reader').toBe(true);
      seen.stats++;
      seen.reads += events.length;
    }
    for (const program of programs) program.child.stdin.end();
    const appended = (await Promise.all(programs.map((program) => program.done()))).flat();
    compactor.child.stdin.end();
    await compactor.done();
    const [, evicted] = compactor.lines.at(-1).split(' ').map(Number);
    const kept = logged(store);
    expect(evicted + kept.length, 'evicted + kept').toBe(appended.length);
    expect(evicted, 'the compactions had something to do').toBeGreaterThan(1000);
    expect(compactor.lines.length, 'compactions').toBeGreaterThan(20);
    expect(seen.reads).toBeGreaterThan(0);
    await expectKept(
      store,
      kept.map(({ eventId }) => eventId),
    );
  });

  test('savers keep what the others wrote', async () => {
    const store = fresh();
    const savers = [0, 1].map((n) =>
      start('rewriter', { folder: store, how: 'save', name: `s${n}`, pause: 5 }),
    );
    const writers = ['append', 'log'].map((how, n) =>
      start('writer', { folder: store, name: `w${n}`, how, count: 300 }),
    );
    const ids = (await Promise.all(writers.map((writer) => writer.done()))).flat();
    for (const saver of savers) {
      await saver.said(2);
      saver.child.stdin.end();
      await saver.done();
    }
    const events = await expectKept(store, ids);
    for (const n of [0, 1]) {
      const added = Number(savers[n].lines.at(-1).split(' ')[0]);
      expect(numbersOf(events, `s${n}-old`), `saver ${n}`).toEqual(upTo(added));
    }
  });

  test('a writer that never pauses does not keep others waiting', async () => {
    const store = fresh();
    const busy = start('writer', { folder: store, name: 'busy', how: 'log' });
    await busy.said(100);
    const before = busy.lines.length;
    const patient = start('writer', { folder: store, name: 'patient', how: 'append', count: 100 });
    await patient.done();
    busy.kill();
    await busy.ended;
    expect(busy.lines.length - before, 'the busy one went on').toBeGreaterThan(100);
    await expectKept(store, [...patient.lines, ...busy.lines]);
  });

  test('a reader of index.json never parses half of it, and its count never falls', async () => {
    const store = fresh();
    const programs = ['append', 'burst', 'log'].map((how, n) =>
      start('writer', { folder: store, name: `p${n}`, how, count: 300 }),
    );
    const { index } = paths(store);
    let over = false;
    const all = Promise.all(programs.map((program) => program.done())).finally(() => {
      over = true;
    });
    await until(() => existsSync(index), 'index.json', 20_000);
    const counts = [];
    while (!over) {
      counts.push(JSON.parse(readFileSync(index, 'utf8')).eventCount);
      await new Promise(setImmediate);
    }
    await all;
    expect(ascending([...new Set(counts)]), 'counts go up only').toBe(true);
    expect(new Set(counts).size).toBeGreaterThan(1);
  });

  test("an awaited append of one process is counted in another's stats, reads and index.json", async () => {
    const store = fresh();
    const here = ours.createEventStore(store);
    const there = await agent({ folder: store });
    for (let i = 0; i < 20; i++) {
      await there.run(
        ({ store }, event) => store.append(event),
        runEvent({ eventId: `there-${i}`, timestamp: i }),
      );
      expect((await here.getStats()).eventCount).toBe(2 * i + 1);
      expect((await here.readRange(i, i)).map(({ eventId }) => eventId)).toEqual([`there-${i}`]);
      expect((await followedIndex(store)).eventCount).toBe(2 * i + 1);
      await here.append(runEvent({ eventId: `here-${i}`, timestamp: -1 - i }));
      expect(await there.run(async ({ store }) => (await store.getStats()).eventCount)).toBe(2 * i + 2);
    }
  });

  test('half a line of a dead process is closed, not glued and not cut', async () => {
    const store = fresh();
    await ours.createEventStore(store).append(runEvent({ eventId: 'before' }));
    const half = lineOf(runEvent({ eventId: 'half' })).slice(0, 40);
    appendFileSync(paths(store).log, half);
    const programs = [0, 1, 2].map((n) =>
      start('writer', { folder: store, name: `p${n}`, how: 'append', count: 20 }),
    );
    await Promise.all(programs.map((program) => program.done()));
    const lines = readFileSync(paths(store).log, 'utf8').split('\n').slice(0, -1);
    expect(lines.filter((line) => line === half)).toHaveLength(1);
    expect(lines.filter((line) => line !== half).map((line) => JSON.parse(line))).toHaveLength(61);
    expect((await ours.createEventStore(store).getStats()).eventCount).toBe(61);
  });

  test('folders that appear and vanish under several processes', async () => {
    const store = fresh();
    const agents = await Promise.all([0, 1, 2].map(() => agent({ folder: store })));
    for (let round = 0; round < 10; round++) {
      const appends = agents.map((it, n) =>
        it.run(({ store }, event) => store.append(event), runEvent({ eventId: `${round}-${n}` })),
      );
      await Promise.all(appends);
      expect((await ours.createEventStore(store).getStats()).eventCount).toBe(3);
      await agents[round % 3].run(({ store }) => store.destroy());
      expect((await ours.createEventStore(store).getStats()).eventCount).toBe(0);
    }
  });
});

/**
 * Lets half a minute pass on the clock of a waiter that waits in the background: so it does once it has tried so
 * often. Returns when that was.
 */
async function halfAMinute(faults) {
  await until(
    () => faults.calls().filter((call) => call.startsWith('flock ')).length > 100,
    'the waiter',
    20_000,
  );
  const begun = performance.now();
  faults.advance(30_000);
  return begun;
}

describeFaults('a stopped holder of the folder', () => {
  test('logEvent returns soon, the line waits in its order and is written once the holder goes on', async () => {
    const store = fresh();
    const waiting = await agent({ folder: store });
    await waiting.run(({ store }, event) => store.append(event), runEvent({ eventId: 'w-0' }));
    const holder = await stoppedWriter(store);
    const longest = await waiting.run(
      ({ ledger }, events) => {
        let longest = 0;
        for (const event of events) {
          const start = performance.now();
          ledger.finalizeEvent(event);
          longest = Math.max(longest, performance.now() - start);
        }
        return longest;
      },
      upTo(20).map((i) => runEvent({ eventId: `w-${i + 1}` })),
    );
    expect(longest, 'ms in one call').toBeLessThan(1000);
    const flushed = waiting.run(({ ledger }) => ledger.flush());
    expect(logged(store).map(({ eventId }) => eventId)).toEqual(['w-0']);
    await holder.goOn();
    await flushed;
    const events = await expectKept(store, ['stopped-0', ...upTo(21).map((i) => `w-${i}`)]);
    expect(numbersOf(events, 'w')).toEqual(upTo(21));
  });

  test('append waits, and resolves once the holder goes on or is killed', async () => {
    for (const signal of ['SIGCONT', 'SIGKILL']) {
      const store = fresh();
      const holder = await stoppedWriter(store);
      const waiting = await agent({ folder: store });
      const appended = waiting.run(({ store }, event) => store.append(event), runEvent({ eventId: 'waits' }));
      if (signal === 'SIGCONT') await holder.goOn();
      else holder.program.kill('SIGKILL');
      await appended;
      await expectKept(store, ['waits', ...holder.program.lines]);
    }
  });

  test.each([
    ['append', async ({ store }, event) => store.append(event)],
    ['compact', ({ store }) => store.compact(1)],
    ['writeAll', ({ store }, event) => store.writeAll([event])],
    ['save', ({ ledger }) => ledger.save()],
    ['destroy', ({ store }) => store.destroy()],
  ])('%s gives up with ELOCKED, in bounded time', async (_, task) => {
    const store = fresh();
    const event = runEvent({ eventId: 'refused' });
    for (const i of [1, 2]) await ours.createEventStore(store).append(runEvent({ eventId: `old-${i}` }));
    const holder = await stoppedWriter(store);
    const faults = new Faults(folder(), '*/.events.lk');
    const waiting = await agent({ folder: store }, { env: faults.env });
    const failed = waiting.fails(task, event);
    const begun = await halfAMinute(faults);
    const failure = await failed;
    expect(failure).toMatchObject({ code: 'ELOCKED' });
    expect(failure.path).toContain(store);
    expect(failure.message).toMatch(/stopped|end that process|held/);
    expect(performance.now() - begun).toBeLessThan(15_000);
    await holder.goOn();
    // Refused is refused: it is not written later.
    await waiting.run(({ store }, event) => store.append(event), runEvent({ eventId: 'after' }));
    const ids = logged(store).map(({ eventId }) => eventId);
    expect(ids).toEqual(['old-1', 'old-2', 'stopped-0', 'after']);
    await expectKept(store, ids);
  });

  test('who waits for it at once gives up at once, not one after the other', async () => {
    const store = fresh();
    const holder = await stoppedWriter(store);
    const faults = new Faults(folder(), '*/.events.lk');
    const waiting = await agent({ folder: store }, { env: faults.env });
    const failed = waiting.run(async ({ ledger, store }, event) => {
      ledger.logEvent(event);
      const results = await Promise.allSettled([ledger.flush(), store.append(event), store.flush()]);
      return results.map(({ reason }) => reason?.code);
    }, runEvent());
    const begun = await halfAMinute(faults);
    expect(await failed).toEqual(['ELOCKED', 'ELOCKED', 'ELOCKED']);
    expect(performance.now() - begun).toBeLessThan(15_000);
    await holder.goOn();
  });

  test('reads and stats wait for no process', async () => {
    const store = fresh();
    await ours.createEventStore(store).append(runEvent({ timestamp: 5 }));
    const holder = await stoppedWriter(store);
    const reader = await agent({ folder: store });
    const begun = performance.now();
    const found = await reader.run(async ({ store, ledger }) => {
      await ledger.load();
      const streamed = [];
      for await (const event of store.stream()) streamed.push(event);
      return [
        (await store.getStats()).eventCount,
        (await store.readAll()).length,
        (await store.readRange(0, 9)).length,
        (await store.verify()).events,
        streamed.length,
        ledger.eventCount,
      ];
    });
    expect(found).toEqual([1, 1, 1, 1, 1, 1]);
    expect(performance.now() - begun).toBeLessThan(10_000);
    await holder.goOn();
  });

  test('a stopped holder of one folder disturbs no other folder', async () => {
    const blocked = fresh();
    const free = fresh();
    const writer = await agent({ folder: blocked });
    // It writes until it cannot, so that something is always left to be done after a write.
    await writer.run(({ ledger }, event) => {
      let count = 0;
      setInterval(() => count < 5000 && ledger.finalizeEvent({ ...event, eventId: `blocked-${count++}` }), 2);
    }, runEvent());
    const holder = await stoppedWriter(blocked);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await writer.run(
      ({ ledgerModule }, path, events) => {
        const ledger = ledgerModule.createPersistentLedger({ storagePath: path });
        for (const event of events) ledger.finalizeEvent(event);
      },
      free,
      upTo(30).map((i) => runEvent({ eventId: `free-${i}` })),
    );
    const begun = performance.now();
    await start('writer', { folder: free, name: 'other', how: 'append', count: 5 }).done();
    expect(performance.now() - begun, 'ms for another process').toBeLessThan(5000);
    await holder.goOn();
    const ids = await writer.run(async ({ ledger }) => {
      await ledger.flush();
      return ledger.getEvents().map(({ eventId }) => eventId);
    });
    writer.kill();
    await writer.ended;
    await expectKept(blocked, ['stopped-0', ...ids]);
  });

  test('the process that waited for it gives the folder back', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const [waiting, other] = await Promise.all([agent({ folder: store }), agent({ folder: store })]);
    const holder = await agent({ folder: store }, { env: faults.env });
    const append = (it, eventId) => it.run(({ store }, event) => store.append(event), runEvent({ eventId }));
    const ids = [];
    for (let round = 0; round < 30; round++) {
      faults.forgetCalls();
      faults.set('write */events.ndjson 1 stop');
      const held = append(holder, `h-${round}`);
      await until(() => faults.calls().some((call) => call.startsWith('write ')), 'the holder to stop');
      // Two flushes of the same lines: the second finds nothing left to write.
      const flushed = waiting.run(
        async ({ ledger }, events) => {
          for (const event of events) ledger.finalizeEvent(event);
          await ledger.flush();
        },
        upTo(20).map((i) => runEvent({ eventId: `w-${20 * round + i}` })),
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
      faults.clear();
      holder.kill('SIGCONT');
      await Promise.all([held, flushed]);
      const begun = performance.now();
      await append(other, `o-${round}`);
      expect(performance.now() - begun, `round ${round}: ms for another process`).toBeLessThan(3000);
      ids.push(`h-${round}`, `o-${round}`);
    }
    await expectKept(store, [...ids, ...upTo(600).map((i) => `w-${i}`)]);
  });
});
