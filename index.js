'use strict';

// guidance-ledger: an event store and a run ledger that lose nothing they accepted.
//
// The contents page of the package. The types and their documentation are in index.d.ts.

const { EventStore, createEventStore } = require('./lib/event-store.js');
const { RunLedger, createLedger } = require('./lib/run-ledger.js');
const { PersistentLedger, createPersistentLedger } = require('./lib/persistent-ledger.js');
const {
  DiffQualityEvaluator,
  ForbiddenCommandEvaluator,
  ForbiddenDependencyEvaluator,
  TestsPassEvaluator,
  ViolationRateEvaluator,
} = require('./lib/evaluators.js');

module.exports = {
  EventStore,
  PersistentLedger,
  RunLedger,
  createEventStore,
  createLedger,
  createPersistentLedger,
  DiffQualityEvaluator,
  ForbiddenCommandEvaluator,
  ForbiddenDependencyEvaluator,
  TestsPassEvaluator,
  ViolationRateEvaluator,
};
