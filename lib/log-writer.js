'use strict';

// The writing side of one store: everything that adds lines to the log passes here.
//
// A line is handed over in the call itself, before any await. What the native side could not settle at once
// it keeps in a queue. As long as lines wait there and nobody may be at work on them, the writer is kept alive
// for the exit hook.

const { isMainThread } = require('node:worker_threads');
const { busy, watch } = require('./exit.js');

/** @typedef {import('../binding.js').StoreCore} StoreCore */
/** @typedef {import('../binding.js').Batch} Batch */
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

  /** Whether anything was written by this store. */
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
   * @returns {boolean} whether it is written; if not, somebody must flush
   */
  log(text) {
    this.#watch();
    return this.#core.log(text) || this.#wait();
  }

  /**
   * As `log`, for many lines.
   * @param {Batch} batch
   * @returns {boolean}
   */
  logBatch(batch) {
    this.#watch();
    return this.#core.logBatch(batch) || this.#wait();
  }

  /** Writes what waits. Rejects with the first error; the lines then stay. */
  async flush() {
    const waiting = this.#waiting;
    await this.#core.flush();
    if (this.#waiting !== waiting) return;
    this.#waiting = 0;
    busy.delete(this);
  }

  /**
   * Writes what it can before the process ends.
   * @param {number} ms for how long it may block
   */
  flushAtExit(ms) {
    this.#core.flushAtExit(ms, isMainThread);
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
