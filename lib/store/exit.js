'use strict';

// The last chance at process exit: one 'exit' listener for all stores of this thread.
//
// It is a courtesy, not a promise. An event whose call returned is normally in the operating system's hands
// already; what is left is a line that waited for a busy folder, and a fresh index.json for other readers.
// Signals and process.abort() skip this; nothing elsewhere may rely on it.
//
// What cannot be written even now is lost. If no caller knows of it, the listener says so: one line for each folder.

const { StoreCore } = require('../shared/native.js');

/** @typedef {import('./log-writer.js').LogWriter} LogWriter */
/** @typedef {import('./exit-warning.js').Loss} Loss */
/** @typedef {(deadline: number) => Loss[]} Flush */

/** How long all stores together may hold up the exit, in milliseconds. */
const BUDGET_MS = 900;

/** @type {Set<WeakRef<LogWriter>>} those of all stores that wrote something */
const watched = new Set();

/** @type {WeakMap<LogWriter, WeakRef<LogWriter>>} */
const refs = new WeakMap();

/** @type {Set<LogWriter>} those with lines still waiting, which must not be collected */
const busy = new Set();

/** @type {FinalizationRegistry<WeakRef<LogWriter>>} */
const collected = new FinalizationRegistry((ref) => watched.delete(ref));

/** What is to be called at exit, for all copies of this module in the process. */
const AT_EXIT = Symbol.for('guidance-ledger.exit');

let listening = false;

/** @type {Flush} `deadline` is by the native clock */
function flushAll(deadline) {
  const writers = [...watched].flatMap((ref) => ref.deref() ?? []);
  return writers.flatMap((writer) => {
    writer.flushAtExit(Math.max(0, deadline - StoreCore.monotonicMs()));
    return writer.loss() ?? [];
  });
}

/**
 * Calls `flush` at exit. The module may be loaded many times in one process, once in each realm: all of them share
 * one listener, or Node warns of a leak.
 * @param {Flush} flush
 */
function atExit(flush) {
  const shared = /** @type {Record<symbol, Flush[] | undefined>} */ (/** @type {unknown} */ (process));
  const flushes = shared[AT_EXIT] ?? [];
  flushes.push(flush);
  if (flushes.length > 1) return;
  Object.defineProperty(process, AT_EXIT, { value: flushes });
  process.on('exit', () => {
    const deadline = StoreCore.monotonicMs() + BUDGET_MS;
    const losses = flushes.flatMap((each) => each(deadline));
    if (losses.length > 0) require('./exit-warning.js').warnOf(losses);
  });
}

/**
 * Flushes what this writer has left at exit. Once per writer.
 * @param {LogWriter} writer
 */
function watch(writer) {
  if (!listening) atExit(flushAll);
  listening = true;
  const ref = new WeakRef(writer);
  watched.add(ref);
  refs.set(writer, ref);
  collected.register(writer, ref, writer);
}

/**
 * The writer's store was closed, with nothing left to write.
 * @param {LogWriter} writer
 */
function unwatch(writer) {
  collected.unregister(writer);
  const ref = refs.get(writer);
  if (ref !== undefined) watched.delete(ref);
}

module.exports = { busy, unwatch, watch };
