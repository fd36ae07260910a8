'use strict';

// The writing side of one store: everything that adds lines to the log passes here.
//
// A line is handed over in the call itself, before any await. What the native side could not settle at once it
// keeps in a queue, and tries again until it is written. As long as lines may wait there, the writer is kept
// alive for the exit hook, and remembers whether a caller knows what keeps them from being written: of what no caller
// knows there is a warning at exit.

const { busy, unwatch, watch } = require('./exit.js');
const { othersTurn } = require('../shared/event-text.js');

/** @typedef {import('../../binding.js').StoreCore} StoreCore */
/** @typedef {import('../../binding.js').Batch} Batch */
/** @typedef {import('./exit-warning.js').Loss} Loss */
/** @typedef {{ first: number, last: number, done: Promise<void> }} Group tickets settled by one native task */

class LogWriter {
  #core;
  #folder;
  #warns;
  #watched = false;
  /** How often a line was left waiting since a flush that wrote all. */
  #waiting = 0;
  /** Whether a caller knows why those lines are not written. */
  #reported = false;
  /** How many appends wait for their ticket. */
  #pending = 0;
  /** How many errors of single events have reached their callers. */
  #delivered = 0;
  /** How many events of a ledger were refused since its last save, because too much waited. */
  #overflowed = 0;
  /** @type {Group | null} the group that tickets join until its task starts */
  #gathering = null;
  /** @type {Promise<void>} resolves when the last group's task is over, whatever became of it */
  #settled = Promise.resolve();

  /**
   * @param {StoreCore} core
   * @param {string} folder
   * @param {boolean} warns of lost events at exit
   */
  constructor(core, folder, warns) {
    this.#core = core;
    this.#folder = folder;
    this.#warns = warns;
  }

  /** Whether anything was written by this store since it was opened. */
  get used() {
    return this.#watched;
  }

  /** Whether lines of this store may still be waiting. */
  get queued() {
    return this.#waiting > 0;
  }

  /**
   * Writes a line.
   * @param {string} text
   * @returns {Promise<void> | null} null if nothing is left to wait for; it rejects if the line is refused
   */
  append(text) {
    this.#watch();
    try {
      const ticket = this.#core.append(text);
      return ticket === 0 ? null : this.#settle(ticket);
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /**
   * Writes many lines: all or none are accepted.
   * @param {Batch} batch is empty afterwards
   * @returns {Promise<void> | null} as `append`
   */
  appendBatch(batch) {
    this.#watch();
    try {
      const ticket = this.#core.appendBatch(batch);
      return ticket === 0 ? null : this.#settle(ticket);
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /**
   * Writes a line of a ledger. Throws if it is refused; a fault of the disk does not throw: the line waits.
   * @param {string} text
   * @returns {boolean} whether it is written; if not, `flush` says what became of it
   */
  log(text) {
    this.#watch();
    try {
      return this.#core.log(text) ? this.#through() : this.#wait(1);
    } catch (error) {
      if (/** @type {{ code?: string }} */ (error).code === 'EBACKLOG') this.#overflowed++;
      throw error;
    }
  }

  /**
   * As `log`, for many lines.
   * @param {Batch} batch is empty afterwards
   * @returns {boolean}
   */
  logBatch(batch) {
    this.#watch();
    return this.#core.logBatch(batch) ? this.#through() : this.#wait(batch.count);
  }

  /**
   * Writes what waits. Rejects with the first error; the lines then stay.
   * @returns {Promise<void> | null} null if there is nothing to do: then no background work is begun
   */
  flush() {
    const waiting = this.#waiting;
    const flushed = this.#core.flush();
    if (flushed !== null) return flushed.then(() => this.#written(waiting));
    this.#written(waiting);
    return null;
  }

  /**
   * As `flush`, before the store is closed: it waits a second at most for a folder that is held.
   * @returns {Promise<void> | null}
   */
  finish() {
    const finished = this.#core.finish();
    if (finished !== null) return finished;
    this.#written(this.#waiting);
    return null;
  }

  /** The store was closed. */
  closed() {
    if (!this.#watched) return;
    // Lines that still wait are tried again by the native side, and by the exit hook at last.
    if (this.#waiting === 0) unwatch(this);
    this.#watched = false;
  }

  /** A caller knows why the lines that wait are not written. */
  faultReported() {
    this.#reported = true;
  }

  /** Everything that the ledger holds was saved, what was refused before included. */
  saved() {
    this.#overflowed = 0;
  }

  /**
   * What would be lost if the process ended now, in so far as no caller knows it.
   * @returns {Loss | null}
   */
  loss() {
    if (!this.#warns) return null;
    const waits = (this.queued && !this.#reported) || this.#pending > 0;
    const waiting = waits ? this.#core.unwritten : 0;
    const refused = this.#core.refusals - this.#delivered + (this.#reported ? 0 : this.#overflowed);
    return waiting + refused > 0 ? { folder: this.#folder, core: this.#core, waiting, refused } : null;
  }

  /**
   * Writes what it can before the process ends.
   * @param {number} ms for how long it may block
   */
  flushAtExit(ms) {
    this.#core.flushAtExit(ms);
  }

  #watch() {
    if (!this.#watched) watch(this);
    this.#watched = true;
  }

  /** A line of a ledger was written, and with it all that waited. */
  #through() {
    this.#reported = false;
    return true;
  }

  /**
   * Rejects in another turn of the event loop: a program that ends in this one does not know of the error.
   * @param {unknown} error
   * @returns {Promise<void>}
   */
  async #refuse(error) {
    await othersTurn();
    this.#deliver();
    throw error;
  }

  /** An error is on its way to its caller. It has arrived, or Node reports it, when the promises were run. */
  #deliver() {
    // A realm need not have queueMicrotask().
    void Promise.resolve().then(() => this.#delivered++);
  }

  /** @param {number} lines that have to wait */
  #wait(lines) {
    // Nothing else waits: what kept earlier lines waiting is over.
    if (this.#core.unwritten <= lines) this.#reported = false;
    this.#waiting++;
    busy.add(this);
    return false;
  }

  /** @param {number} waiting what waited when the flush began */
  #written(waiting) {
    if (this.#waiting !== waiting) return;
    this.#waiting = 0;
    this.#reported = false;
    busy.delete(this);
  }

  /**
   * Waits for one ticket. Tickets gather in a group while the group before is settled, so a thousand appends
   * at once cost one or two native tasks. If a group fails, each of its tickets is asked for its own fate.
   * @param {number} ticket
   */
  async #settle(ticket) {
    this.#gathering ??= this.#group(ticket);
    const group = this.#gathering;
    group.last = ticket;
    this.#pending++;
    try {
      await this.#fate(ticket, group);
    } finally {
      this.#pending--;
    }
  }

  /**
   * @param {number} ticket
   * @param {Group} group
   */
  async #fate(ticket, group) {
    const alone = () => group.first === group.last;
    try {
      await group.done;
    } catch (error) {
      if (alone()) this.#deliver();
      if (alone()) throw error;
      await this.#core.settle(ticket, ticket).catch((error) => {
        this.#deliver();
        throw error;
      });
    }
  }

  /** @param {number} first */
  #group(first) {
    /** @type {Group} */
    const group = { first, last: first, done: this.#settled.then(() => this.#start(group)) };
    this.#settled = group.done.catch(() => {});
    return group;
  }

  /** @param {Group} group */
  #start(group) {
    this.#gathering = null;
    return this.#core.settle(group.first, group.last);
  }
}

module.exports = { LogWriter };
