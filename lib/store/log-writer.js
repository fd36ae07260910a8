'use strict';

// The writing side of one store: everything that adds lines to the log passes here.
//
// A line is handed over in the call itself, before any await. What the native side could not settle at once
// it keeps in a queue. As long as lines wait there and nobody may be at work on them, the writer is kept alive
// for the exit hook.

const { busy, watch } = require('./exit.js');

// Taken at load: a test that replaces the timers later must not keep a line from being looked after.
const { setImmediate } = globalThis;

/** Answers of the native `log`. */
const LEASED = 1;
const WAITING = 2;

/** @typedef {import('../../binding.js').StoreCore} StoreCore */
/** @typedef {import('../../binding.js').Batch} Batch */
/** @typedef {{ first: number, last: number, done: Promise<void> }} Group tickets settled by one native task */

class LogWriter {
  #core;
  #watched = false;
  /** How often a line was left waiting since a flush that wrote all. */
  #waiting = 0;
  /** Whether what this turn of the event loop logged is still to be looked after. */
  #leased = false;
  #onWait = () => {};
  /** @type {Group | null} the group that tickets join until its task starts */
  #gathering = null;
  /** @type {Promise<void>} resolves when the last group's task is over, whatever became of it */
  #settled = Promise.resolve();

  /** @param {StoreCore} core */
  constructor(core) {
    this.#core = core;
  }

  /**
   * Says who flushes when lines that `log` took for written turn out to wait.
   * @param {() => void} flush
   */
  whenWaiting(flush) {
    this.#onWait = flush;
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
    return this.#judge(this.#core.log(text));
  }

  /**
   * As `log`, for many lines.
   * @param {Batch} batch
   * @returns {boolean}
   */
  logBatch(batch) {
    this.#watch();
    return this.#judge(this.#core.logBatch(batch));
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
   * @param {boolean} last whether background work is to give up waiting for the folder: Node waits for that
   * work
   */
  flushAtExit(ms, last) {
    this.#core.flushAtExit(ms, last);
  }

  #watch() {
    if (!this.#watched) watch(this);
    this.#watched = true;
  }

  /** @param {number} answer */
  #judge(answer) {
    if (answer === WAITING) return this.#wait();
    if (answer === LEASED && !this.#leased) {
      this.#leased = true;
      // It keeps the process from ending before.
      setImmediate(() => this.#look());
    }
    return true;
  }

  #look() {
    this.#leased = false;
    if (this.#core.look()) return;
    this.#wait();
    this.#onWait();
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
