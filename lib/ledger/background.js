'use strict';

// A ledger's work that no caller awaits, and the errors of it.
//
// Lines that the native side had to queue are flushed from here, by one flush at a time. A failure is told
// once per streak: to `onError` if there is one, else it is kept and the next call that can reject does so
// with it, once. The lines stay queued all the while; the next line or flush tries again.

/** @typedef {import('../store/log-writer.js').LogWriter} LogWriter */

class Background {
  #writer;
  #onError;
  #flushing = false;
  /** The last flush failed, and that was told. */
  #failing = false;
  /** @type {unknown[]} the first error that nobody was told yet; at most one */
  #untold = [];

  /**
   * @param {LogWriter} writer
   * @param {((error: Error) => void) | undefined} onError
   */
  constructor(writer, onError) {
    this.#writer = writer;
    this.#onError = onError;
  }

  /** Lines were queued: writes them soon. */
  drain() {
    if (!this.#flushing) void this.#drain();
  }

  /** Writes what is queued, for a caller who awaits it. */
  async flush() {
    try {
      await this.#writer.flush();
      this.#failing = false;
    } catch (error) {
      // The caller is told by the rejection, and background work on the same lines need not repeat it.
      this.#failing = true;
      throw this.#untold.pop() ?? error;
    }
  }

  /** As `flush`, but touches nothing if no line of this ledger is queued. */
  async settle() {
    if (this.#writer.queued) await this.flush();
  }

  /** As `flush`, but touches nothing if this ledger wrote nothing. */
  async finish() {
    if (this.#writer.used) await this.flush();
  }

  /** Throws the error that was kept, if any. */
  rethrow() {
    for (const error of this.#untold.splice(0)) throw error;
  }

  /** @param {unknown} error */
  report(error) {
    if (this.#onError === undefined) {
      if (this.#untold.length === 0) this.#untold.push(error);
      return;
    }
    // An error handler that fails, now or later, must not end the process.
    void (async (onError) => onError(/** @type {Error} */ (error)))(this.#onError).catch(() => {});
  }

  async #drain() {
    this.#flushing = true;
    try {
      while (this.#writer.queued) await this.#writer.flush();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.report(error);
      this.#failing = true;
    } finally {
      this.#flushing = false;
    }
  }
}

module.exports = { Background };
