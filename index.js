'use strict';

// guidance-ledger: an event store and a run ledger that lose nothing they accepted.
//
// The contents page of the package. The types and their documentation are in index.d.ts. Each part is loaded
// when it is asked for: a hook that appends one event pays for the store alone.

module.exports = {
  get EventStore() {
    return require('./lib/store/event-store.js').EventStore;
  },
  get createEventStore() {
    return require('./lib/store/event-store.js').createEventStore;
  },
  get PersistentLedger() {
    return require('./lib/ledger/persistent-ledger.js').PersistentLedger;
  },
  get createPersistentLedger() {
    return require('./lib/ledger/persistent-ledger.js').createPersistentLedger;
  },
  get RunLedger() {
    return require('./lib/ledger/run-ledger.js').RunLedger;
  },
  get createLedger() {
    return require('./lib/ledger/run-ledger.js').createLedger;
  },
  get isLedgerError() {
    return require('./lib/shared/ledger-error.js').isLedgerError;
  },
  get DiffQualityEvaluator() {
    return require('./lib/ledger/evaluators.js').DiffQualityEvaluator;
  },
  get ForbiddenCommandEvaluator() {
    return require('./lib/ledger/evaluators.js').ForbiddenCommandEvaluator;
  },
  get ForbiddenDependencyEvaluator() {
    return require('./lib/ledger/evaluators.js').ForbiddenDependencyEvaluator;
  },
  get TestsPassEvaluator() {
    return require('./lib/ledger/evaluators.js').TestsPassEvaluator;
  },
  get ViolationRateEvaluator() {
    return require('./lib/ledger/evaluators.js').ViolationRateEvaluator;
  },
};
