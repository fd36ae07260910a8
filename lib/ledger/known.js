'use strict';

// The identities under which a ledger's events may stand in the log.
//
// A save keeps every line of the log that the ledger never held, since others wrote it. A line of an event that
// the ledger holds is replaced, and that of one it gave up is dropped, whatever callers did to the event's id
// meanwhile: so what an event was written as is remembered when it is written. Loaded events need no memory here,
// the native side keeps theirs.

const { KnownIds } = require('../shared/native.js');
const { batchOfIds, batchOfTexts } = require('../shared/event-text.js');

/** @typedef {import('../../binding.js').Batch} Batch */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('./history.js').History} History */

class Known {
  #ids = new KnownIds();
  /** @type {string[]} JSON texts, or ids, of events written since they were last gathered into `#ids` */
  #texts = [];
  /** @type {string[]} */
  #written = [];
  /** How often events were given up. */
  #givenUp = 0;

  /**
   * An event was written as `text`.
   * @param {RunEvent} event
   * @param {string} text
   */
  wrote(event, text) {
    if (typeof event.eventId === 'string') this.#written.push(event.eventId);
    else this.#texts.push(text);
  }

  /**
   * The events of a ledger are given up.
   * @param {History} history
   */
  giveUp(history) {
    if (history.length === 0) return;
    this.#givenUp++;
    if (history.sealed !== null) this.#ids.addSealed(history.sealed);
    this.#ids.addBatch(batchOfIds(history.live(() => true)));
  }

  /** All identities, for a native call. */
  gather() {
    const ids = this.#written.splice(0).map((eventId) => JSON.stringify({ eventId }));
    this.#ids.addBatch(batchOfTexts(ids.concat(this.#texts.splice(0))));
    return this.#ids;
  }

  /**
   * To be called before a save with what it writes; the result is to be called when it succeeded: what the log
   * then holds of this ledger is that.
   * @param {Batch} batch
   * @returns {() => void}
   */
  saving(batch) {
    const givenUp = this.#givenUp;
    const saved = new KnownIds();
    saved.addBatch(batch);
    return () => {
      if (givenUp === this.#givenUp) this.#ids = saved;
    };
  }

  /** A load has made all that the log holds the ledger's own. */
  forget() {
    this.#ids.clear();
    this.#written = [];
    this.#texts = [];
  }
}

module.exports = { Known };
