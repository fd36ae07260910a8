// A program that makes all calls of the API, or lets many of them wait, and measures its own threads meanwhile.
//
// node --expose-gc shared-threads.mjs <folder> <"calls" | "lock">
// Ends with a line of JSON: the longest call on the main thread and the longest fs.stat, in milliseconds.

import { promises as fs, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ours } from './contenders.mjs';
import { event } from './event.mjs';

const [folder, what] = process.argv.slice(2);
const { createEventStore, createPersistentLedger } = ours();
const slowest = { callMs: 0, call: '', statMs: 0 };
let watching = true;

async function watchStat() {
  while (watching) {
    const begun = performance.now();
    await fs.stat(folder);
    slowest.statMs = Math.max(slowest.statMs, performance.now() - begun);
    await sleep(2);
  }
}

/** Makes a call and takes the time until it returns, not until it settles. */
function timed(name, call) {
  const begun = performance.now();
  const settled = Promise.resolve(call());
  const took = performance.now() - begun;
  if (took > slowest.callMs) Object.assign(slowest, { callMs: took, call: name });
  return settled;
}

async function calls() {
  const store = createEventStore(folder, { durability: 'disk' });
  const ledger = createPersistentLedger({ storagePath: folder });
  await ledger.init();
  const some = Array.from({ length: 20 }, (_, i) => event(i, 20));
  const all = [
    ['append', () => store.append(some[0])],
    ['logEvent', () => ledger.logEvent(some[1])],
    ['finalizeEvent', () => ledger.finalizeEvent({ ...some[2] })],
    ['importEvents', () => ledger.importEvents(some.slice(3, 6))],
    ['flush of the store', () => store.flush()],
    ['flush of the ledger', () => ledger.flush()],
    ['getStats', () => store.getStats()],
    ['readAll', () => store.readAll()],
    ['readRange', () => store.readRange(0, 1)],
    ['acquireLock', () => store.acquireLock().then(() => store.releaseLock())],
    ['compact of the store', () => store.compact(10)],
    ['writeAll', () => store.writeAll(some)],
    ['save', () => ledger.save()],
    ['compact of the ledger', () => ledger.compact()],
    ['verify', () => store.verify()],
    ['load', () => ledger.load()],
    ['close of the store', () => store.close()],
    ['close of the ledger', () => ledger.close()],
  ];
  // Each alone, and all of them while the fsync of an append and that of a rewrite are under way.
  for (const [name, call] of all) await timed(name, call);
  const underWay = [
    timed('append', () => store.append(some[0])),
    timed('writeAll', () => store.writeAll(some)),
  ];
  for (let turn = 0; turn < 3; turn++) {
    await sleep(50);
    underWay.push(...all.map(([name, call]) => timed(name, call).catch(() => {})));
  }
  await Promise.allSettled(underWay);
}

async function lock() {
  // As a JavaScript program writes it.
  const holder = JSON.stringify({ holder: 'another', timestamp: Date.now(), pid: process.ppid });
  writeFileSync(join(folder, '.lock'), holder);
  const waiting = Array.from({ length: 100 }, () =>
    timed('acquireLock', () => createEventStore(folder, { lockTimeoutMs: 2000 }).acquireLock()).catch(
      () => {},
    ),
  );
  await Promise.all(waiting);
}

global.gc();
const watched = watchStat();
await (what === 'calls' ? calls() : lock());
watching = false;
await watched;
process.stdout.write(`${JSON.stringify(slowest)}\n`, () => process.exit(0));
