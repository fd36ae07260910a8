// CommonJS users: the same names by require.

import ledger = require('guidance-ledger');

const store: ledger.EventStore = ledger.createEventStore('folder');
const persistent: ledger.PersistentLedger = ledger.createPersistentLedger();
const event: ledger.RunEvent = persistent.createEvent('task', 'docs', 'hash');
export const done: Promise<void> = store.append(event);
