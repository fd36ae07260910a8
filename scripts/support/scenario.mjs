/**
 * The addon at work on a platform of its own: node scenario.mjs PACKAGE FOLDER. Ends with 0 and one line, "all as it should
 * be", or with an error.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [packageFolder, folder] = process.argv.slice(2).map((path) => resolve(path));
const { createEventStore, createPersistentLedger } = createRequire(import.meta.url)(packageFolder);

const event = (id, timestamp) => ({ eventId: id, taskId: `task ${id} é 😀`, timestamp });
const store = createEventStore(folder);
for (let i = 0; i < 5; i++) await store.append(event(`e-${i}`, i));
assert.equal((await store.getStats()).eventCount, 5);
assert.deepEqual(
  (await store.readRange(1, 3)).map(({ eventId }) => eventId),
  ['e-1', 'e-2', 'e-3'],
);

// The log is replaced, by several stores and while it was just read.
assert.equal(await store.compact(3), 2);
await createEventStore(folder).append(event('e-5', 5));
assert.equal((await store.readAll()).length, 4);
assert.equal(await createEventStore(folder).compact(2), 2);
await store.writeAll([event('w', 9)]);

const ledger = createPersistentLedger({ storagePath: folder, durability: 'disk' });
await ledger.init();
const open = ledger.createEvent('task', 'general', 'hash');
ledger.finalizeEvent(open);
assert.equal(ledger.eventCount, 2);
await ledger.save();
await ledger.compact();

await store.acquireLock();
await assert.rejects(createEventStore(folder).acquireLock(), { code: 'ELOCKED' });
assert.equal(JSON.parse(readFileSync(join(folder, '.lock'), 'utf8')).pid > 0, true);
await store.releaseLock();

await ledger.destroy();
const lines = readFileSync(join(folder, 'events.ndjson'), 'utf8').trimEnd().split('\n');
assert.deepEqual(
  lines.map((line) => JSON.parse(line).eventId),
  ['w', open.eventId],
);
assert.equal(JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).eventCount, 2);
assert.deepEqual(
  readdirSync(folder).filter((name) => /tmp|prev/.test(name)),
  [],
);
const report = await createEventStore(folder).verify();
assert.deepEqual([report.events, report.malformedCount, report.tornTail], [2, 0, null]);
console.log('all as it should be');
