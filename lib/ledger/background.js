'use strict';

// A ledger's work that no caller awaits, and the errors of it.
//
// Lines that the store had to queue are flushed from here, by one flush at a time, so that a failure is
// reported: once per streak, to `onError` if there is one, else it is kept and the next call that can reject does
// so with it, once. The lines stay queued all the while, and the file store tries them again by itself.

/** @typedef {import('../../index.d.ts').LedgerStore} LedgerStore */

class Background {
  #store;
  #onError;
  #flushing = false;
  /** The last flush failed, and that was reported. */
  #failing = false;
  /** Lines are being refused, and that was reported. */
  #refusing = false;
  /** @type {{ error: unknown, ofLines: boolean }[]} the first error that no caller knows yet; at most one */
  #unreported = [];

  /**
   * @param {LedgerStore} store
   * @param {((error: Error) => void) | undefined} onError
   */
  constructor(store, onError) {
    this.#store = store;
    this.#onError = onError;
  }

  /** Lines were queued: follows what becomes of them. */
  drain() {
    if (!this.#flushing && !this.#failing) void this.#drain();
  }

  /** A line was written at once, so nothing waits any more. */
  recovered() {
    this.#failing = false;
    this.#refusing = false;
  }

  /**
   * Writes what is queued, for a caller that awaits it.
   * @returns {Promise<void> | null} null if there is nothing to do
   */
  flush() {
    return this.#reported(this.#store.flush());
  }

  /**
   * As `flush`, before the store is closed.
   * @returns {Promise<void> | null}
   */
  finish() {
    return this.#reported(this.#store.finish());
  }

  /** As `flush`, but touches nothing if no line of this ledger is queued. */
  async settle() {
    if (this.#store.queued) await this.flush();
  }

  /** @param {Promise<void> | null} flushed */
  #reported(flushed) {
    return flushed === null ? null : this.#judged(flushed);
  }

  /** @param {Promise<void>} flushed */
  async #judged(flushed) {
    try {
      await flushed;
      this.#failing = false;
    } catch (error) {
      // The rejection reports it, and background work on the same lines need not repeat it.
      this.#failing = true;
      this.#store.faultReported?.();
      throw this.#unreported.pop()?.error ?? error;
    }
  }

  /** Throws the error that was kept, if any. */
  rethrow() {
    for (const { error, ofLines } of this.#unreported.splice(0)) {
      if (ofLines) this.#store.faultReported?.();
      throw error;
    }
  }

  /**
   * A line was refused because too many wait.
   * @param {unknown} error
   */
  refused(error) {
    if (!this.#refusing) this.report(error, true);
    this.#refusing = true;
  }

  /**
   * @param {unknown} error
   * @param {boolean} ofLines whether it says why lines wait
   */
  report(error, ofLines = false) {
    if (this.#onError === undefined) {
      if (this.#unreported.length === 0) this.#unreported.push({ error, ofLines });
      return;
    }
    if (ofLines) this.#store.faultReported?.();
    // An error handler that fails, now or later, must not end the process.
    void (async (onError) => onError(/** @type {Error} */ (error)))(this.#onError).catch(() => {});
  }

  async #drain() {
    this.#flushing = true;
    try {
      while (this.#store.queued) await this.#store.flush();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.report(error, true);
      this.#failing = true;
    } finally {
      this.#flushing = false;
    }
  }
}

module.exports = { Background };
