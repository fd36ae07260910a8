'use strict';

// Events as JSON text: the only form in which an event crosses to the native side.
//
// V8's JSON.stringify defines what a line is. An event that it cannot write, or that it does not write as an
// object, is refused with a TypeError that names the argument; so whatever was accepted can be read again.

const { Batch } = require('./native.js');
const { reasonOf, typeError, wrongType } = require('./arguments.js');

/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */

/** Characters in one native call: about 2 ms of JSON.stringify, so one turn of the event loop as well. */
const CHUNK_CHARS = 512 * 1024;

const OPENING_BRACE = 0x7b;

/**
 * Whether an object keeps its content where JSON does not look: a Map would become `{}` without an error.
 * @param {object} event
 */
function hidesContent(event) {
  const prototype = Object.getPrototypeOf(event);
  if (prototype === Object.prototype || prototype === null) return false;
  const { types } = require('node:util');
  const hides =
    ArrayBuffer.isView(event) ||
    types.isMap(event) ||
    types.isSet(event) ||
    types.isAnyArrayBuffer(event) ||
    types.isPromise(event) ||
    types.isRegExp(event) ||
    types.isWeakMap(event) ||
    types.isWeakSet(event) ||
    types.isBoxedPrimitive(event) ||
    types.isGeneratorObject(event) ||
    types.isMapIterator(event) ||
    types.isSetIterator(event);
  return hides && typeof Reflect.get(event, 'toJSON') !== 'function';
}

/**
 * @param {string} name
 * @param {number} [index]
 */
function place(name, index) {
  return index === undefined ? name : `${name}[${index}]`;
}

/**
 * Refuses what is not an object, or one whose content JSON leaves out. `index` is for an element of the array `name`.
 * @param {string} name
 * @param {unknown} event
 * @param {number} [index]
 */
function checkEvent(name, event, index) {
  try {
    if (typeof event === 'object' && event !== null && !Array.isArray(event) && !hidesContent(event)) return;
  } catch (cause) {
    throw typeError(`${place(name, index)} cannot be read: ${reasonOf(cause)}`, { cause });
  }
  throw wrongType(place(name, index), 'an event object', event);
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
  /** @type {{ cause: unknown } | undefined} what was thrown, undefined included */
  let thrown;
  try {
    text = JSON.stringify(event);
  } catch (cause) {
    thrown = { cause };
  }
  // A toJSON() may return anything, undefined included.
  if (text?.charCodeAt(0) === OPENING_BRACE) return text;
  const reason = thrown === undefined ? 'its JSON is not an object' : reasonOf(thrown.cause);
  throw typeError(`${place(name, index)} cannot be stored as JSON: ${reason}`, thrown);
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
 * The texts of an array's events, each made once, in this turn of the event loop.
 * @param {readonly unknown[]} events
 * @param {(text: string, event: any) => void} visit sees each of them
 */
function batchOf(events, visit) {
  const batch = new EventBatch();
  for (let i = 0; i < events.length; i++) {
    const text = eventText('events', events[i], i);
    batch.add(text);
    visit(text, events[i]);
  }
  return batch.finish();
}

/**
 * The texts of an array's events, in slices of a few milliseconds, with the positions of the events. Until it is
 * done the first `length` elements must stay; only holes may be filled meanwhile.
 * @param {readonly unknown[]} events
 * @param {number} length how many of the array to look at
 * @param {number} [sealed] a hole below this position is a sealed event and passed over
 */
async function batchInTurns(events, length, sealed = 0) {
  const batching = batchPieces(events, length, sealed);
  let step = batching.next();
  for (; !step.done; step = batching.next()) await othersTurn();
  return step.value;
}

/**
 * As `batchInTurns`; after each piece the caller may let others run.
 * @param {readonly unknown[]} events
 * @param {number} length
 * @param {number} [sealed]
 * @returns {Generator<void, { batch: Batch, positions: Uint32Array<ArrayBuffer> }, void>}
 */
function* batchPieces(events, length, sealed = 0) {
  const batch = new EventBatch();
  const positions = [];
  for (let i = 0; i < length; i++) {
    if (i < sealed && events[i] === undefined) continue;
    positions.push(i);
    if (batch.add(eventText('events', events[i], i))) yield;
  }
  return { batch: batch.finish(), positions: Uint32Array.from(positions) };
}

/**
 * Lets the event loop do what else is to be done. A message to ourselves, and no timer: tests replace timers, before
 * this file is loaded or later, and jsdom has no setImmediate.
 * @returns {Promise<void>}
 */
function othersTurn() {
  const { MessageChannel } = require('node:worker_threads');
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.once('message', () => {
      port1.close();
      resolve();
    });
    port2.postMessage(null);
  });
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

module.exports = { batchInTurns, batchOf, batchOfTexts, batchPieces, checkEvent, eventText, othersTurn };
