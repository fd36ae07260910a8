// In Vitest: what its realms and pools must not break.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEventStore, createPersistentLedger, isLedgerError } from 'guidance-ledger';
import { expect, test } from 'vitest';

test('guidance-ledger', async () => {
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
});
