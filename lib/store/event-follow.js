'use strict';

// Following the log: what is there, then what comes, each event with a cursor.
//
// The native reader waits, reads and knows what was given out; a slice is one JSON text of the events and their
// cursors. Here are the arguments, the iterator, and gaps. While one slice is consumed the next is being read: two
// slices are the bound of memory.
//
// The iterator is not a generator: a generator's `return()` waits for the `next()` that is pending, which may be for
// ever.

const { checkOptions, outOfRange, typeError, wrongType } = require('../shared/arguments.js');
const { marked } = require('../shared/ledger-error.js');
const { asyncDispose } = require('../shared/symbols.js');
const { abortError, checkSignal } = require('./event-stream.js');

/** @typedef {import('../../index.d.ts').AbortSignalLike} AbortSignalLike */
/** @typedef {import('../../index.d.ts').FollowOptions} FollowOptions */
/** @typedef {import('../../index.d.ts').FollowedEvent} FollowedEvent */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {Pick<import('../../binding.js').Follower, 'next' | 'close'>} Follower */
/** @typedef {{ after: string | null, from: number | null, now: boolean, task: string | null }} Start */

const OPTIONS = ['after', 'from', 'taskId', 'signal', 'onGap'];

/**
 * @param {unknown} from
 * @returns {{ from: number | null, now: boolean }}
 */
function checkFrom(from) {
  if (typeof from === 'number') {
    if (Number.isNaN(from)) throw outOfRange('from', 'a timestamp in milliseconds', from);
    return { from, now: false };
  }
  if (typeof from !== 'string')
    throw wrongType('from', "'start', 'now' or a timestamp in milliseconds", from);
  if (from !== 'start' && from !== 'now') {
    throw outOfRange('from', "'start', 'now' or a timestamp in milliseconds", from);
  }
  return { from: null, now: from === 'now' };
}

/**
 * @param {unknown} options
 * @returns {Start & Pick<FollowOptions, 'signal' | 'onGap'>}
 */
function checkFollowOptions(options) {
  const { after, from, taskId, signal, onGap } = checkOptions('options', options, OPTIONS, 'refuse');
  if (after !== undefined && typeof after !== 'string') throw wrongType('after', 'a cursor', after);
  if (after !== undefined && from !== undefined) {
    throw typeError('from and after exclude each other: after says where to begin; leave from out');
  }
  if (taskId !== undefined && typeof taskId !== 'string') throw wrongType('taskId', 'a string', taskId);
  if (onGap !== undefined && typeof onGap !== 'function') throw wrongType('onGap', 'a function', onGap);
  return {
    after: after ?? null,
    ...checkFrom(from === undefined ? 'start' : from),
    task: taskId === undefined ? null : JSON.stringify(taskId),
    signal: checkSignal(signal),
    onGap: /** @type {FollowOptions['onGap']} */ (onGap),
  };
}

/** @param {string} after */
function notACursor(after) {
  return outOfRange('after', 'a cursor, as follow() gave it', after);
}

/** @param {number | null} missed */
function gapError(missed) {
  const events = missed === 1 ? 'event was' : 'events were';
  const what = missed === null ? 'it is not known whether events were' : `${missed} ${events}`;
  const error = new Error(
    `EGAP: ${what} taken out of the log, or the log was replaced, before they were given out. ` +
      'Pass onGap to go on behind the gap',
  );
  return marked(error, { code: 'EGAP', missed });
}

/**
 * @implements {AsyncIterator<FollowedEvent, void>}
 */
class Following {
  /** @type {Follower} */
  #reader;
  /** @type {AbortSignalLike | undefined} */
  #signal;
  /** @type {FollowOptions['onGap']} */
  #onGap;
  /** @type {() => void} */
  #abort;
  /** @type {(ended: Following) => void} */
  #ended;
  /** Calls are answered in their order; null if none waits. @type {Promise<unknown> | null} */
  #last = null;
  /** @type {Promise<string | number | null> | null} */
  #pending = null;
  /** @type {RunEvent[]} */
  #events = [];
  /** @type {string[]} */
  #tails = [];
  #head = '';
  /** What else is to be said of each event of the slice. @type {object | undefined} */
  #beside;
  #at = 0;
  #over = false;
  /** What the next call is to be rejected with. @type {Error | null} */
  #failure = null;

  /**
   * @param {Follower} reader
   * @param {Pick<FollowOptions, 'signal' | 'onGap'>} options
   * @param {(ended: Following) => void} ended
   */
  constructor(reader, { signal, onGap }, ended) {
    this.#reader = reader;
    this.#signal = signal;
    this.#onGap = onGap;
    this.#ended = ended;
    this.#abort = () => {
      this.#failure = abortError(/** @type {AbortSignalLike} */ (signal));
      void this.close();
    };
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** @returns {Promise<IteratorResult<FollowedEvent, undefined>>} */
  next() {
    if (this.#last === null && this.#at < this.#events.length) return Promise.resolve(this.#take());
    const next = this.#last === null ? this.#next() : this.#last.then(() => this.#next());
    const settled = next
      .catch(() => {})
      .then(() => {
        if (this.#last === settled) this.#last = null;
      });
    this.#last = settled;
    return next;
  }

  /**
   * @param {unknown} [value]
   * @returns {Promise<IteratorResult<FollowedEvent, any>>}
   */
  async return(value) {
    await this.close();
    return { done: true, value: await value };
  }

  /**
   * @param {unknown} [error]
   * @returns {Promise<IteratorResult<FollowedEvent, undefined>>}
   */
  async throw(error) {
    await this.close();
    throw error;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [asyncDispose]() {
    await this.close();
  }

  /** Ends it; once that is settled nothing of it is open. */
  async close() {
    if (!this.#over) {
      this.#over = true;
      this.#events = [];
      this.#at = 0;
      this.#signal?.removeEventListener('abort', this.#abort);
      this.#reader.close();
      this.#ended(this);
    }
    // Its failure is the pending call's.
    await this.#pending?.catch(() => {});
  }

  /** @returns {IteratorYieldResult<FollowedEvent>} */
  #take() {
    const event = this.#events[this.#at];
    const cursor = this.#head + this.#tails[this.#at++];
    const value = { event, cursor };
    if (this.#beside !== undefined) Object.assign(value, this.#beside);
    return { done: false, value };
  }

  /** @returns {Promise<IteratorResult<FollowedEvent, undefined>>} */
  async #next() {
    for (;;) {
      if (this.#at < this.#events.length) return this.#take();
      if (this.#over) {
        await this.close();
        const failure = this.#failure;
        this.#failure = null;
        if (failure !== null) throw failure;
        return { done: true, value: undefined };
      }
      await this.#read();
    }
  }

  /** The next slice, and the one behind it is asked for. */
  async #read() {
    this.#pending ??= this.#ask(true);
    const pending = this.#pending;
    /** @type {string | number | null} */
    let found;
    try {
      found = await pending;
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#pending = null;
    if (this.#over) return;
    if (found === null) {
      await this.close();
    } else if (typeof found === 'number') {
      await this.#gap(found === -1 ? null : found);
    } else if (found !== '') {
      [this.#events, this.#tails, this.#head, this.#beside] = JSON.parse(found);
      this.#at = 0;
      // It does not wait: no call has asked for what is not there yet.
      this.#pending = this.#ask(false);
    }
  }

  /** @param {boolean} waits */
  #ask(waits) {
    const asked = this.#reader.next(waits);
    asked.catch(() => {}); // reported where it is awaited, if that is ever reached
    return asked;
  }

  /** @param {number | null} missed */
  async #gap(missed) {
    try {
      if (this.#onGap === undefined) throw gapError(missed);
      this.#onGap({ missed });
    } catch (error) {
      await this.close();
      throw error;
    }
  }
}

module.exports = { Following, checkFollowOptions, notACursor };
