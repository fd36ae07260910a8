'use strict';

// Reading the log in slices.
//
// The native reader does the I/O and the checks of lines off the main thread and gives the text of a JSON
// array per slice; a slice parses in half a millisecond. While one slice is parsed and consumed the next is
// being read: two slices are the bound of memory. Awaiting the native promise gives the event loop its turn,
// so no timer is needed. The reader is closed whatever happens.
//
// The native side may give more events than were asked for (those whose timestamp is not a number, or whose
// taskId is not a string); the caller's filter decides.

const { checkOptions, outOfRange, wrongType } = require('../shared/arguments.js');

/** @typedef {import('../../index.d.ts').AbortSignalLike} AbortSignalLike */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('../../index.d.ts').StreamOptions} StreamOptions */
/** @typedef {Pick<import('../../binding.js').Reader, 'next' | 'over' | 'close'> & { atOnce?(): string | null }} Reader */

const OPTIONS = ['from', 'to', 'taskId', 'signal', 'archive'];

/**
 * Slices of events, in the order of the log.
 * @param {Reader} reader
 * @returns {AsyncGenerator<RunEvent[], void, void>}
 */
async function* slices(reader) {
  try {
    /** @type {Promise<string | null> | null} */
    let next = reader.next();
    while (next !== null) {
      const text = await next;
      if (text === null) return;
      next = reader.over ? null : reader.next();
      next?.catch(() => {}); // reported where it is awaited, if that is ever reached
      yield JSON.parse(text);
    }
  } finally {
    reader.close();
  }
}

/**
 * All events of a reader that satisfy `predicate`.
 * @param {Reader} reader
 * @param {(event: RunEvent) => boolean} [predicate]
 * @returns {Promise<RunEvent[]>}
 */
async function collect(reader, predicate) {
  /** @type {RunEvent[]} */
  const events = [];
  /** @param {RunEvent[]} slice */
  const add = (slice) => {
    for (const event of predicate ? slice.filter(predicate) : slice) events.push(event);
  };
  // What comes over a network is never there at once.
  const first = reader.atOnce?.() ?? null;
  if (first !== null) add(JSON.parse(first));
  if (first === null || !reader.over) for await (const slice of slices(reader)) add(slice);
  return events;
}

/**
 * @param {AbortSignalLike} signal
 * @returns {Error} as Node's own iterators make it
 */
function abortError(signal) {
  const { marked } = require('../shared/ledger-error.js');
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return marked(error, { name: 'AbortError', code: 'ABORT_ERR' });
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {number | undefined}
 */
function checkBound(name, value) {
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw wrongType(name, 'a timestamp in milliseconds', value);
  if (Number.isNaN(value)) throw outOfRange(name, 'a timestamp in milliseconds', value);
  return value;
}

/**
 * @param {unknown} value
 * @returns {AbortSignalLike | undefined}
 */
function checkSignal(value) {
  if (value === undefined) return undefined;
  try {
    // By shape, as Node does it: another realm has another AbortSignal.
    if (Reflect.has(Object(value), 'aborted')) return /** @type {AbortSignalLike} */ (value);
  } catch {}
  throw wrongType('signal', 'an AbortSignal', value);
}

/**
 * @param {unknown} options
 * @returns {StreamOptions}
 */
function checkStreamOptions(options) {
  const { from, to, taskId, signal, archive } = checkOptions('options', options, OPTIONS, 'refuse');
  if (taskId !== undefined && typeof taskId !== 'string') throw wrongType('taskId', 'a string', taskId);
  return {
    from: checkBound('from', from),
    to: checkBound('to', to),
    taskId,
    signal: checkSignal(signal),
    archive: /** @type {boolean | string | undefined} */ (archive), // checked by the store
  };
}

/**
 * Event after event. The reader is opened by the first `next()`, and closed by the end, by an error, by
 * `return()` (which a `break` calls) or by the signal.
 * @param {() => Reader | Promise<Reader>} open
 * @param {StreamOptions} options
 * @returns {AsyncGenerator<RunEvent, void, void>}
 */
async function* stream(open, { from, to, taskId, signal }) {
  if (signal?.aborted) throw abortError(signal);
  const reader = await open();
  const source = slices(reader);
  try {
    for (;;) {
      const { value: slice } = await abortable(source.next(), signal);
      if (!slice) return;
      for (const event of slice) {
        if (from !== undefined && !(event.timestamp >= from)) continue;
        if (to !== undefined && !(event.timestamp <= to)) continue;
        if (taskId !== undefined && event.taskId !== taskId) continue;
        yield event;
        if (signal?.aborted) throw abortError(signal);
      }
    }
  } finally {
    reader.close();
    source.return().catch(() => {});
  }
}

/**
 * `promise`, or the rejection of an abort that comes before. Nothing is left on the signal afterwards: a promise
 * that lives as long as the signal would keep every slice.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignalLike | undefined} signal
 * @returns {Promise<T>}
 */
function abortable(promise, signal) {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortError(signal));
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

module.exports = { abortError, checkSignal, checkStreamOptions, collect, stream };
