'use strict';

// The writing side of one store: everything that adds lines to the log passes here.
//
// A line is handed over in the call itself, before any await. What the native side could not settle at once it
// keeps in a queue, and tries again until it is written. As long as lines may wait there, the writer is kept
// alive for the exit hook.

const { busy, unwatch, watch } = require('./exit.js');

/** @typedef {import('../../binding.js').StoreCore} StoreCore */
/** @typedef {import('../../binding.js').Batch} Batch */
/** @typedef {{ first: number, last: number, done: Promise<void> }} Group tickets settled by one native task */

class LogWriter {
  #core;
  #watched = false;
  /** How often a line was left waiting since a flush that wrote all. */
  #waiting = 0;
  /** @type {Group | null} the group that tickets join until its task starts */
  #gathering = null;
  /** @type {Promise<void>} resolves when the last group's task is over, whatever became of it */
  #settled = Promise.resolve();

  /** @param {StoreCore} core */
  constructor(core) {
    this.#core = core;
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
   * Writes a line. Throws if it is refused or fails.
   * @param {string} text
   * @returns {Promise<void> | null} null if nothing is left to wait for
   */
  append(text) {
    this.#watch();
    const ticket = this.#core.append(text);
    return ticket === 0 ? null : this.#settle(ticket);
  }

  /**
   * Writes a line of a ledger. Throws if it is refused; a fault of the disk does not throw: the line waits.
   * @param {string} text
   * @returns {boolean} whether it is written; if not, `flush` says what became of it
   */
  log(text) {
    this.#watch();
    return this.#core.log(text) || this.#wait();
  }

  /**
   * As `log`, for many lines.
   * @param {Batch} batch is empty afterwards
   * @returns {boolean}
   */
  logBatch(batch) {
    this.#watch();
    return this.#core.logBatch(batch) || this.#wait();
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
    // Lines that still wait are tried again by the native side; the exit hook has the last word on them.
    if (this.#waiting === 0) unwatch(this);
    this.#watched = false;
  }

  /**
   * Writes what it can before the process ends.
   * @param {number} ms for how long it may block
   * @returns {number} how many events are still unwritten
   */
  flushAtExit(ms) {
    return this.#core.flushAtExit(ms);
  }

  #watch() {
    if (!this.#watched) watch(this);
    this.#watched = true;
  }

  #wait() {
    this.#waiting++;
    busy.add(this);
    return false;
  }

  /** @param {number} waiting what waited when the flush began */
  #written(waiting) {
    if (this.#waiting !== waiting) return;
    this.#waiting = 0;
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
    try {
      await group.done;
    } catch (error) {
      if (group.first === group.last) throw error;
      await this.#core.settle(ticket, ticket);
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
