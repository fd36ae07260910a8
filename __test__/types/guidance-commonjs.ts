// The subpath from CommonJS.

import ledger = require('guidance-ledger/guidance');

const persistent: ledger.PersistentLedger = ledger.createPersistentLedger();
const store: ledger.EventStore = persistent.getEventStore();
export const done: Promise<void> = store.append(persistent.createEvent('task', 'docs', 'hash'));
