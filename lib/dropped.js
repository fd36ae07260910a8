'use strict';

// The ids of events that a ledger held and gave up: what clear() removed.
//
// A save keeps every line of the log that the ledger never held, since others wrote it. Lines of events that
// the ledger held and dropped must not be kept, so their ids are remembered until a save has removed them, or
// a load has brought the log's events back.

const { KnownIds } = require('./native.js');
const { batchOfIds } = require('./event-text.js');

/** @typedef {import('./history.js').History} History */

class Dropped {
  #ids = new KnownIds();
  #additions = 0;

  /** For native calls. */
  get ids() {
    return this.#ids;
  }

  /** @returns {number} a mark for `forget`: all that was added so far */
  get mark() {
    return this.#additions;
  }

  /** @param {History} history */
  add(history) {
    if (history.length === 0) return;
    this.#additions++;
    if (history.sealed !== null) this.#ids.addSealed(history.sealed);
    this.#ids.addBatch(batchOfIds(history.live(() => true)));
  }

  /**
   * Forgets all, unless something was added since the mark.
   * @param {number} mark
   */
  forget(mark = this.#additions) {
    if (mark === this.#additions) this.#ids.clear();
  }
}

module.exports = { Dropped };
