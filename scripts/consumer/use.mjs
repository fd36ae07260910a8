// ESM: `node use.mjs FOLDER` records a run and reads it back.
import { createEventStore, createPersistentLedger, RunLedger } from 'guidance-ledger';
import { PersistentLedger } from 'guidance-ledger/guidance';

const [, , storagePath] = process.argv;
const ledger = createPersistentLedger({ storagePath, compactIntervalMs: 0 });
await ledger.init();
ledger.finalizeEvent(ledger.createEvent('esm', 'feature', 'hash'));
await ledger.destroy();

const events = await createEventStore(storagePath).readByTask('esm');
console.log(ledger instanceof RunLedger, ledger instanceof PersistentLedger, events.length);
