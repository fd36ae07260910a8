// The ESM entry for Node itself: the same objects under the same names as index.mjs.
//
// `import` of a CommonJS file makes Node load a parser for the names in it, which takes longer than all that a hook does
// with this package. `require` does not. Bundlers cannot follow it; they take index.mjs.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A bundle that holds this file and not its neighbours finds the package by its name. */
function face() {
  try {
    return require('./index.js');
  } catch (error) {
    if (error?.code !== 'MODULE_NOT_FOUND') throw error;
    return require('guidance-ledger');
  }
}

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
} = face();
