'use strict';

// Events as JSON text: the only form in which an event crosses to the native side.
//
// V8's JSON.stringify defines what a line is. An event that it cannot write, or that it does not write as an
// object, is refused with a TypeError that names the argument; so whatever was accepted can be read again.

const { Batch } = require('./native.js');
const { typeError, wrongType } = require('./arguments.js');

/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */

/** Characters in one native call: about 2 ms of JSON.stringify, so one turn of the event loop as well. */
const CHUNK_CHARS = 512 * 1024;

const OPENING_BRACE = 0x7b;

// Taken at load: a test that replaces the timers later must not stop a write half-way.
const { setImmediate } = globalThis;

/**
 * Refuses what is no object. `index` is for an element of the array `name`.
 * @param {string} name
 * @param {unknown} event
 * @param {number} [index]
 */
function checkEvent(name, event, index) {
  if (typeof event === 'object' && event !== null && !Array.isArray(event)) return;
  throw wrongType(index === undefined ? name : `${name}[${index}]`, 'an event object', event);
}

/**
 * JSON text of one event.
 * @param {string} name
 * @param {unknown} event
 * @param {number} [index]
 * @returns {string}
 */
function eventText(name, event, index) {
  checkEvent(name, event, index);
  /** @type {string | undefined} */
  let text;
  /** @type {unknown} */
  let cause;
  try {
    text = JSON.stringify(event);
  } catch (error) {
    cause = error;
  }
  // A toJSON() may return anything, undefined included.
  if (text?.charCodeAt(0) === OPENING_BRACE) return text;
  const argument = index === undefined ? name : `${name}[${index}]`;
  const reason = cause instanceof Error ? cause.message : 'its JSON is not an object';
  throw typeError(`${argument} cannot be stored as JSON: ${reason}`, cause);
}

/** Gathers the texts of many events and hands them over in large pieces. */
class EventBatch {
  #native = new Batch();
  /** @type {string[]} */
  #texts = [];
  #chars = 0;

  /**
   * @param {string} text
   * @returns {boolean} whether a piece was handed over: a good moment to let others run.
   */
  add(text) {
    this.#texts.push(text);
    this.#chars += text.length;
    return this.#chars >= CHUNK_CHARS && this.#handOver();
  }

  /** The native batch with all that was added. */
  finish() {
    if (this.#texts.length > 0) this.#handOver();
    return this.#native;
  }

  #handOver() {
    this.#native.push(this.#texts.join('\n'));
    this.#texts = [];
    this.#chars = 0;
    return true;
  }
}

/**
 * The texts of an array's events, written in this turn of the event loop.
 * @param {readonly unknown[]} events
 */
function batchOf(events) {
  const batch = new EventBatch();
  for (let i = 0; i < events.length; i++) batch.add(eventText('events', events[i], i));
  return batch.finish();
}

/**
 * The same in slices of a few milliseconds, with the positions of the events. Until it is done the first
 * `length` elements must stay; only holes may be filled meanwhile.
 * @param {readonly unknown[]} events
 * @param {number} length how many of the array to look at
 * @param {number} [sealed] a hole below this position is a sealed event and passed over
 */
async function batchInTurns(events, length, sealed = 0) {
  const batch = new EventBatch();
  const positions = [];
  for (let i = 0; i < length; i++) {
    if (i < sealed && events[i] === undefined) continue;
    positions.push(i);
    if (batch.add(eventText('events', events[i], i))) await new Promise((resolve) => setImmediate(resolve));
  }
  return { batch: batch.finish(), positions: Uint32Array.from(positions) };
}

/**
 * What identifies the events in the log, for native calls that ask for no more: the id alone, or the whole text
 * where there is none. An event without id that has been made unwritable since cannot be recognised.
 * @param {readonly RunEvent[]} events
 */
function batchOfIds(events) {
  const batch = new EventBatch();
  for (const event of events) {
    const { eventId } = event;
    try {
      batch.add(typeof eventId === 'string' ? JSON.stringify({ eventId }) : eventText('event', event));
    } catch {}
  }
  return batch.finish();
}

/**
 * A batch of texts made before.
 * @param {readonly string[]} texts
 */
function batchOfTexts(texts) {
  const batch = new EventBatch();
  for (const text of texts) batch.add(text);
  return batch.finish();
}

module.exports = { batchOfTexts, batchInTurns, batchOf, batchOfIds, checkEvent, eventText };
