'use strict';

// One ledger's rewrites, one after the other.
//
// A save or a compaction that meets another one of the same ledger, such as that of the timer, waits for it: the
// lock of the folder is for others. What waits when the ledger is closed is refused, for it would open the store again.

const { marked } = require('../shared/ledger-error.js');

class Turns {
  /** @type {Promise<unknown> | null} settled when the last turn is over; null if none is under way */
  #last = null;
  #closings = 0;

  /**
   * Does the work when all turns before are over; at once if none is under way.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  take(work) {
    const turn = this.#last === null ? work() : this.#after(this.#last, work);
    const over = turn.then(
      () => {},
      () => {},
    );
    this.#last = over;
    over.then(() => {
      if (this.#last === over) this.#last = null;
    });
    return turn;
  }

  /** The ledger was closed. */
  close() {
    this.#closings++;
  }

  /**
   * @template T
   * @param {Promise<unknown>} before
   * @param {() => Promise<T>} work
   */
  async #after(before, work) {
    const closings = this.#closings;
    await before;
    if (closings === this.#closings) return work();
    const message =
      'ECLOSED: the ledger was closed while this call waited for another save() or compact() of it. ' +
      'Await the call before you close the ledger';
    throw marked(new Error(message), { code: 'ECLOSED' });
  }
}

module.exports = { Turns };
