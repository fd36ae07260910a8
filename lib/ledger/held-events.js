'use strict';

// What a ledger hands to its store when it is saved: the events it holds at one moment, and the identities of all
// that it ever held since it was loaded.
//
// The file store takes the parts, and no text is made of the sealed events. Any other store asks `applyTo` what its
// log shall be.

/** @typedef {import('../../binding.js').Batch} Batch */
/** @typedef {import('../../binding.js').KnownIds} KnownIds */
/** @typedef {import('../../binding.js').Sealed} Sealed */

class HeldEvents {
  /**
   * @param {Sealed | null} sealed the loaded events, of which some may be live
   * @param {Batch} batch lines of the live events, in the ledger's order
   * @param {Uint32Array} positions index in the ledger of each live event
   * @param {KnownIds} known identities of events that the ledger held
   */
  constructor(sealed, batch, positions, known) {
    this.sealed = sealed;
    this.batch = batch;
    this.positions = positions;
    this.known = known;
  }

  /**
   * @param {string} log the lines of the store as they are
   * @returns {string} what they shall be
   */
  applyTo(log) {
    return this.batch.savedLog(log, this.sealed, this.positions, this.known);
  }
}

module.exports = { HeldEvents };
