// What the realms, timers and pools of a test runner must not break. The runner gives its `expect`, and the package as
// its own test loaded it.
const { mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = async (expect, { createEventStore, createPersistentLedger, isLedgerError }) => {
  const folder = mkdtempSync(join(tmpdir(), 'guidance-ledger-'));
  const store = createEventStore(folder);
  const text = 'x'.repeat(5000);
  await store.writeAll(Array.from({ length: 200 }, (_, n) => ({ eventId: String(n), timestamp: n, text })));
  expect(await store.getStats()).toStrictEqual({
    eventCount: 200,
    storageSizeBytes: expect.any(Number),
    oldestEvent: 0,
    newestEvent: 199,
  });
  await store.acquireLock();
  const refused = await createEventStore(folder)
    .acquireLock()
    .catch((error) => error);
  await store.releaseLock();
  expect(refused).toBeInstanceOf(Error);
  expect(isLedgerError(refused)).toBe(true);
  const ledger = createPersistentLedger({ storagePath: folder, compactIntervalMs: 0 });
  ledger.finalizeEvent(ledger.createEvent('task', 'feature', 'hash'));
  await ledger.init();
  expect(ledger.eventCount).toBe(201);
  await ledger.destroy();
  await store.destroy();
};
