// The ESM entry: the same objects under the same names as index.js, so that both module systems share classes.

import ledger from './index.js';

export const {
  EventStore,
  PersistentLedger,
  RunLedger,
  createEventStore,
  createLedger,
  createPersistentLedger,
  isLedgerError,
  DiffQualityEvaluator,
  ForbiddenCommandEvaluator,
  ForbiddenDependencyEvaluator,
  TestsPassEvaluator,
  ViolationRateEvaluator,
} = ledger;
