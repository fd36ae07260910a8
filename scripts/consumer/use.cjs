// CommonJS: `node use.cjs FOLDER` records a run and reads it back.
const { createEventStore, createPersistentLedger, RunLedger } = require('guidance-ledger');
const { PersistentLedger } = require('guidance-ledger/guidance');

const [, , storagePath] = process.argv;
const ledger = createPersistentLedger({ storagePath, compactIntervalMs: 0 });
ledger.finalizeEvent(ledger.createEvent('cjs', 'feature', 'hash'));
createEventStore(storagePath)
  .readByTask('cjs')
  .then((events) =>
    console.log(ledger instanceof RunLedger, ledger instanceof PersistentLedger, events.length),
  );
