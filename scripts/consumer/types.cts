// TypeScript, as CommonJS.
import ledger = require('guidance-ledger');

const store: ledger.EventStore = ledger.createEventStore(String(process.argv[2]));
const persistent: ledger.PersistentLedger = ledger.createPersistentLedger();
void store
  .append(persistent.createEvent('types', 'feature', 'hash'))
  .then(() => store.readAll())
  .then((events: ledger.RunEvent[]) => console.log(true, true, events.length));
