'use strict';

// The interface that a ledger needs from its store, and the file store behind it.
//
// A `LedgerStore` keeps a log of lines, each the JSON text of one event, and knows nothing of the events' meaning.
// A ledger calls nothing else of it:
//
//   queued         whether lines that were accepted are not written yet
//   log            accepts one line in the call itself; true if it is written
//   logBatch       the same for many lines
//   flush, finish  what was accepted gets written; null if there is nothing to do. `finish` comes before `close`
//   seal           the events of the log: sealed ones, or the text of their lines
//   save           replaces the lines of events that the ledger held by what it holds, and keeps all others
//   compact        evicts the oldest events
//   getStats       counts and sizes
//   acquireLock, releaseLock   around save and compact: one ledger at a time rewrites
//   faultReported  may be missing: the ledger's caller knows of the failure that keeps lines waiting
//   close          gives everything back; a store that is used again opens anew
//
// `log` and `logBatch` throw only if a line is refused. A fault of the medium does not throw: the lines stay queued,
// and `flush` rejects.

const { EventStore, partsOf } = require('./event-store.js');
const { Sealed } = require('../shared/native.js');
const check = require('../shared/arguments.js');

/** @typedef {import('../../index.d.ts').LedgerStore} LedgerStore */
/** @typedef {import('../../binding.js').Batch} Batch */
/** @typedef {import('./log-writer.js').LogWriter} LogWriter */
/** @typedef {import('../ledger/held-events.js').HeldEvents} HeldEvents */

const METHODS = /** @type {const} */ ([
  'log',
  'logBatch',
  'flush',
  'finish',
  'seal',
  'save',
  'compact',
  'getStats',
  'acquireLock',
  'releaseLock',
  'close',
]);

/**
 * An `EventStore` as a ledger sees it. What others may have overridden is called by its public name.
 * @implements {LedgerStore}
 */
class FileLedgerStore {
  #store;
  #core;
  /** @type {LogWriter} */
  #writer;

  /** @param {EventStore} store */
  constructor(store) {
    const { core, writer } = partsOf(store);
    this.#store = store;
    this.#core = core;
    this.#writer = writer;
  }

  get queued() {
    return this.#writer.queued;
  }

  /** @param {string} line */
  log(line) {
    return this.#writer.log(line);
  }

  /** @param {import('../../index.d.ts').EventLines} lines */
  logBatch(lines) {
    return this.#writer.logBatch(/** @type {Batch} */ (lines));
  }

  flush() {
    return this.#writer.flush();
  }

  finish() {
    return this.#writer.finish();
  }

  /** @returns {Promise<Sealed>} */
  seal() {
    return this.#core.seal();
  }

  /** @param {import('../../index.d.ts').SavedEvents} events */
  save(events) {
    const { sealed, batch, positions, known } = /** @type {HeldEvents} */ (events);
    return this.#core.save(sealed, batch, positions, known).then(() => this.#writer.saved());
  }

  faultReported() {
    this.#writer.faultReported();
  }

  /** @param {number | import('../../index.d.ts').Retention} limits */
  compact(limits) {
    return this.#store.compact(limits);
  }

  getStats() {
    return this.#store.getStats();
  }

  acquireLock() {
    return this.#store.acquireLock();
  }

  releaseLock() {
    return this.#store.releaseLock();
  }

  close() {
    return this.#store.close();
  }
}

/**
 * Refuses what a ledger cannot work with.
 * @param {unknown} value
 * @returns {EventStore | LedgerStore}
 */
function checkStore(value) {
  if (value instanceof EventStore) return value;
  const expected = 'an EventStore or a LedgerStore';
  if (typeof value !== 'object' || value === null || !check.canBeRead(value)) {
    throw check.wrongType('store', expected, value);
  }
  const missing = METHODS.filter((name) => typeof Reflect.get(value, name) !== 'function');
  if (missing.length === 0) return /** @type {LedgerStore} */ (value);
  const names = missing.map((name) => `${name}()`).join(', ');
  throw check.typeError(`store must be ${expected}; the object that was given lacks ${names}`);
}

/**
 * @param {EventStore | LedgerStore} store
 * @returns {LedgerStore}
 */
function ledgerStoreOf(store) {
  return store instanceof EventStore ? new FileLedgerStore(store) : store;
}

/**
 * The events of a store that a ledger loads.
 * @param {LedgerStore} store
 * @returns {Promise<Sealed>}
 */
async function sealedOf(store) {
  const sealed = await store.seal();
  if (sealed instanceof Sealed) return sealed;
  if (typeof sealed === 'string') return Sealed.ofLines('the store', sealed);
  throw check.wrongType('the answer of seal()', 'a text of lines', sealed);
}

module.exports = { checkStore, ledgerStoreOf, sealedOf };
