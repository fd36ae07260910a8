/**
 * The folder is never held for work that grows with the log: hooks, writers and readers beside a large log lose nothing
 * and wait for nothing.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logText, paths } from './support/disk.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs } from './support/implementations.mjs';
import { quantile } from './support/latency.mjs';
import { agent, script } from './support/processes.mjs';

/** A log of so many MiB and tasks, made of lines of so many bytes, without a checkpoint and an index.json. */
function largeLog(megabytes, bytes, tasks = 1) {
  const store = fresh();
  mkdirSync(store, { recursive: true });
  const file = openSync(paths(store).log, 'w');
  const padding = 'x'.repeat(bytes - 100);
  const count = Math.floor((megabytes * (1 << 20)) / bytes);
  let lines = [];
  for (let i = 0; i < count; i++) {
    const event = { eventId: `old-${i}`, taskId: `task-${i % tasks}`, timestamp: 1000 + i, padding };
    lines.push(`${JSON.stringify(event)}\n`);
    if (lines.length * bytes > 1 << 22 || i === count - 1) {
      writeSync(file, lines.join(''));
      lines = [];
    }
  }
  closeSync(file);
  return { store, count };
}

/** The end of a log: what came behind its first bytes. */
const since = (store, offset) => readFileSync(paths(store).log).subarray(offset).toString('utf8');

/** A hook: one event, then the end. It says how long the call took. */
const hook = ({ ledgerModule, runEvent, say, folder }, eventId) => {
  const ledger = ledgerModule.createPersistentLedger({ storagePath: folder });
  const begun = performance.now();
  ledger.finalizeEvent(runEvent({ eventId, timestamp: Date.now() }));
  say(performance.now() - begun);
  process.exit(0);
};

/** Appends until it is stopped; answers ids and times. */
const appendUntilStopped = async ({ store }) => {
  globalThis.stopped = false;
  const times = [];
  const ids = [];
  while (!globalThis.stopped) {
    const eventId = `new-${ids.length}`;
    const begun = performance.now();
    await store.append({ eventId, taskId: 't', timestamp: 1e9 });
    times.push(performance.now() - begun);
    ids.push(eventId);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return { ids, times };
};

describeFaults('hooks beside a log without a checkpoint, read slowly', () => {
  test('lose nothing, and take no longer than each alone', async () => {
    const { store } = largeLog(64, 20_000);
    const size = statSync(paths(store).log).size;
    const faults = new Faults(folder());
    // A scan of this log takes seconds by that.
    faults.set('pread */events.ndjson 3+ delay 60');
    const ids = [];
    for (let round = 0; round < 3; round++) {
      rmSync(join(store, '.events.ckpt'), { force: true });
      rmSync(paths(store).index, { force: true });
      const names = Array.from({ length: 8 }, (_, i) => `hook-${round}-${i}`);
      ids.push(...names);
      const hooks = names.map((name) => script(store, hook, [name], { env: faults.env }));
      const said = (await Promise.all(hooks.map((it) => it.done()))).flat().map(Number);
      expect(quantile(said, 0.5), 'ms of a call').toBeLessThan(300);
      expect(hooks.map((it) => it.errors).join('')).toBe('');
    }
    const text = since(store, size);
    expect(ids.filter((id) => !text.includes(`"${id}"`))).toEqual([]);
    expect(text.split('\n')).toHaveLength(ids.length + 1);
  });

  test('a ledger is not held up while another thread sums the log up', async () => {
    const { store } = largeLog(64, 20_000);
    const faults = new Faults(folder());
    const it = await agent({ folder: store }, { env: faults.env });
    const neighbour = await agent({ folder: store });
    await it.run(({ ledger }) => void ledger.finalizeEvent({ eventId: 'a', taskId: 't', timestamp: 1 }));
    faults.set('pread */events.ndjson 1+ delay 15');
    const { calls, stats, eventCount } = await it.run(async ({ ledger, ledgerModule, folder, latency }) => {
      const reader = ledgerModule.createEventStore(folder);
      let eventCount = null;
      const scan = Promise.all([reader.getStats(), ledger.load(), reader.verify(), ledger.flush()]).then(
        ([stats]) => {
          eventCount = stats.eventCount;
        },
      );
      const calls = [];
      const stats = [];
      do {
        const event = { eventId: `e-${calls.length}`, taskId: 't', timestamp: 2 };
        calls.push(latency.held(() => ledger.finalizeEvent(event)));
        stats.push(...(await latency.stats(folder, 20)));
      } while (eventCount === null);
      await scan;
      return { calls, stats, eventCount };
    });
    expect(calls.length, 'calls while the log was read').toBeGreaterThan(5);
    expect(Math.max(...calls)).toBeLessThan(100);
    expect(quantile(calls, 0.5)).toBeLessThan(5);
    // More of them than a call takes arguments.
    expect(stats.reduce((longest, each) => Math.max(longest, each), 0)).toBeLessThan(500);
    expect(eventCount).toBeGreaterThan(3000);
    const took = await neighbour.run(({ store, latency }) =>
      latency.taken(store.append({ eventId: 'n', taskId: 't', timestamp: 3 })),
    );
    expect(took).toBeLessThan(500);
  });
});

describeOurs('beside a compaction of a large log', () => {
  test('another process appends, and hooks lose nothing', async () => {
    const { store, count } = largeLog(200, 600, 30_000);
    const [rewriter, writer] = await Promise.all([agent({ folder: store }), agent({ folder: store })]);
    const appending = writer.run(appendUntilStopped);
    const hooks = [];
    const rewrite = rewriter.run(
      async ({ store, latency }, counts) => {
        const times = [];
        for (const count of counts) times.push(await latency.taken(store.compact(count)));
        return times;
      },
      [count - 1000, count - 2000],
    );
    let over = false;
    const times = rewrite.finally(() => {
      over = true;
    });
    while (!over) {
      const it = script(store, hook, [`hook-${hooks.length}`]);
      hooks.push(it);
      expect(await it.ended, it.errors).toBe(0);
    }
    const compactions = await times;
    await writer.run(() => {
      globalThis.stopped = true;
    });
    const appended = await appending;
    // What other processes waited for grew with the log: seconds at this size.
    const longest = Math.max(...appended.times);
    expect(longest, `of compactions that took ${compactions.map(Math.round)}`).toBeLessThan(400);
    expect(quantile(appended.times, 0.99)).toBeLessThan(100);
    expect(appended.ids.length).toBeGreaterThan(20);
    const text = logText(store);
    const tail = text.slice(text.lastIndexOf('"old-'));
    const ids = [...appended.ids, ...hooks.map((_, i) => `hook-${i}`)];
    const counts = ids.map((id) => tail.split(`"${id}"`).length - 1);
    expect(ids.filter((_, i) => counts[i] !== 1)).toEqual([]);
  });
});
