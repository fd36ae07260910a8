/**
 * Rewrites the log again and again, and writes a line after each time: how many events of its own it added and how many were
 * evicted, both since it began. Ends when its standard input does.
 *
 * how: `compact` adds old events and evicts as many · `save` loads, adds one and saves · `keep` evicts down to `keep`
 */
import { appendFileSync, mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lineOf, runEvent } from '../events.mjs';

const {
  folder,
  name = 'rewriter',
  how,
  keep = 0,
  implementation = 'ours',
  pause = 1,
} = JSON.parse(process.argv[2]);
const { createPersistentLedger } =
  implementation === 'ours'
    ? await import('guidance-ledger')
    : await import('@claude-flow/guidance/persistence');

const config = { storagePath: folder, maxEvents: keep, compactIntervalMs: 0, lockTimeoutMs: 30_000 };
const ledger = createPersistentLedger(config);
const store = ledger.getEventStore();
let added = 0;
let evicted = 0;
let over = false;
process.stdin.on('end', () => {
  over = true;
});
process.stdin.resume();

/** An event so old that it is the first to go. */
const old = () => runEvent({ eventId: `${name}-old-${added++}`, timestamp: added, taskId: name });

while (!over) {
  if (how === 'save') {
    await ledger.load();
    ledger.finalizeEvent(old());
    await ledger.save();
  } else if (how === 'compact') {
    // Many more old ones than others can append meanwhile: what is evicted is always one of them.
    const missing = 400 - (added - evicted);
    const lines = Array.from({ length: missing }, () => lineOf(old()));
    mkdirSync(folder, { recursive: true });
    appendFileSync(join(folder, 'events.ndjson'), lines.join(''));
    const { eventCount } = await store.getStats();
    evicted += await store.compact(eventCount - 50);
  } else {
    evicted += await store.compact(keep);
  }
  writeSync(1, `${added} ${evicted}\n`);
  await new Promise((resolve) => setTimeout(resolve, pause));
}
await ledger.destroy();
process.exit(0);
