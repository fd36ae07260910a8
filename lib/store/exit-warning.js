'use strict';

// What is said at the end of a process about events that are lost with it: one line for each folder, on stderr.
//
// Loaded only if there is something to say. The line is written at once: a stream would not be emptied any more, and
// that of a worker thread belongs to the main thread.

const { writeSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

/** @typedef {import('../../binding.js').StoreCore} StoreCore */
/**
 * What one store object knows to be lost, and no caller has learned.
 * @typedef {object} Loss
 * @property {string} folder
 * @property {StoreCore} core
 * @property {number} waiting lines of the folder that are not written, those of other store objects included
 * @property {number} refused events of this object alone that were refused
 */

/**
 * @param {Loss} loss
 * @param {number} count
 */
function sentence({ folder, core }, count) {
  const { cause, remedy } = core.lastFault() ?? { cause: 'the folder was busy', remedy: undefined };
  const events = count === 1 ? '1 event was' : `${count} events were`;
  const end = isMainThread ? 'process' : 'worker thread';
  const advice = remedy === undefined ? 'Remove the cause' : remedy;
  const text = `guidance-ledger: ${events} not written to '${folder}' before the ${end} ended. ${cause}. ${advice}, then record ${count === 1 ? 'it' : 'them'} again.`;
  // A path may hold anything.
  return `${text.replace(/\p{Cc}+/gu, ' ')}\n`;
}

/** @param {Loss[]} losses */
function warnOf(losses) {
  for (const folder of new Set(losses.map((loss) => loss.folder))) {
    const own = losses.filter((loss) => loss.folder === folder);
    const waiting = Math.max(...own.map((loss) => loss.waiting));
    const count = own.reduce((sum, loss) => sum + loss.refused, waiting);
    // Another thread, or the folder under another name, may have said it.
    if (!own[0].core.isNews(count)) continue;
    try {
      writeSync(2, sentence(own[0], count));
    } catch {} // stderr is closed
  }
}

module.exports = { warnOf };
