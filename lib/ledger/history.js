'use strict';

// The events of a ledger, in order: live objects, and sealed ones that JavaScript has not seen yet.
//
// A live event is an ordinary object, and it is the truth: callers hold it and may change it. A sealed event
// exists only on the native side, as the bytes of its line and a few extracted columns. `#events` keeps one
// slot per event; a slot below `sealed.length` that is still a hole belongs to a sealed event. The array methods pass
// over holes, but take milliseconds for 100,000 of them: `#woken` says where the live ones are.
//
// A question first turns the sealed events that match it live, once, and is then answered from the live
// objects by the original's own expressions. So each answer is what a plain array would have given, and
// an object once handed out stays the same object. Nothing is derived from a live event and kept, because its
// owner may change it at any time.

/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('../../binding.js').Sealed} Sealed */

/**
 * @param {number[]} some ascending
 * @param {Uint32Array} others ascending, none of them among the first
 * @returns {number[]} all of them, ascending
 */
function merged(some, others) {
  if (others.length === 0) return some;
  const all = [];
  let next = 0;
  for (const position of some) {
    while (next < others.length && others[next] < position) all.push(others[next++]);
    all.push(position);
  }
  while (next < others.length) all.push(others[next++]);
  return all;
}

class History {
  /** @type {RunEvent[]} */
  #events = [];
  /** @type {Sealed | null} */
  #sealed = null;
  /** How many events are still sealed; zero is the fast path of every question. */
  #asleep = 0;
  /** @type {number[]} positions of the sealed events that are live now, ascending; empty once all are */
  #woken = [];
  /** No event is sealed from this position on. */
  #liveFrom = 0;

  get length() {
    return this.#events.length;
  }

  /** The array itself, holes included. It only grows at its end, gets holes filled, or is replaced. */
  get slots() {
    return this.#events;
  }

  /** The native set that the holes stand for; null if this history began without one. */
  get sealed() {
    return this.#sealed;
  }

  /** @param {RunEvent} event */
  push(event) {
    this.#events.push(event);
  }

  /**
   * Removes the oldest events. Only for a history without a sealed set, whose positions must not move.
   * @param {number} count
   */
  trim(count) {
    this.#events.splice(0, count);
  }

  /** Gives back the file that sealed events are read from; they are found again by its name. */
  release() {
    this.#sealed?.release();
  }

  clear() {
    this.release();
    this.#events = [];
    this.#sealed = null;
    this.#asleep = 0;
    this.#woken = [];
    this.#liveFrom = 0;
  }

  /**
   * Begins again with the events of `sealed`, none of them live.
   * @param {Sealed} sealed
   */
  install(sealed) {
    this.release();
    this.#events = new Array(sealed.length);
    this.#sealed = sealed;
    this.#asleep = sealed.length;
    this.#woken = [];
    this.#liveFrom = sealed.length;
  }

  /** All events in a new array. */
  all() {
    return this.#awake().slice();
  }

  /** @param {string} taskId */
  byTask(taskId) {
    // The native side compares strings; whatever else was asked for is left to `===`.
    if (typeof taskId === 'string') this.#wake((sealed) => sealed.byTask(JSON.stringify(taskId)));
    else this.#awake();
    return this.live((e) => e.taskId === taskId);
  }

  /**
   * @param {number} startMs
   * @param {number} endMs
   */
  inRange(startMs, endMs) {
    // Dates, strings and bigints have comparisons of their own; and nothing lies within a NaN.
    if (typeof startMs !== 'number' || typeof endMs !== 'number') this.#awake();
    else if (startMs <= endMs) this.#wake((sealed) => sealed.inRange(startMs, endMs));
    return this.live((e) => e.timestamp >= startMs && e.timestamp <= endMs);
  }

  /** @param {number} count */
  recent(count) {
    const { length } = this.#events;
    const from = -count;
    // The start that slice() will choose. A bigint is left to it: it throws.
    if (typeof from === 'number') {
      const offset = Math.trunc(from) || 0;
      const start = offset < 0 ? Math.max(length + offset, 0) : Math.min(offset, length);
      if (start < this.#liveFrom) {
        this.#wake((sealed) => sealed.between(start, length));
        this.#liveFrom = start;
      }
    }
    return this.#events.slice(from);
  }

  /**
   * The live events that satisfy `predicate`; none is turned live.
   * @param {(event: RunEvent) => boolean} predicate
   */
  live(predicate) {
    if (this.#asleep === 0) return this.#events.filter(predicate);
    return this.liveInOrder().events.filter(predicate);
  }

  /**
   * The live events without holes, in order, and the position of each. Looking for a few of them among 100,000
   * holes would take a millisecond.
   * @returns {{ events: RunEvent[], positions: number[] }}
   */
  liveInOrder() {
    const positions = this.#woken.slice();
    for (let position = this.#sealed?.length ?? 0; position < this.#events.length; position++) {
      positions.push(position);
    }
    return { events: positions.map((position) => this.#events[position]), positions };
  }

  /** The live array with no hole left in it. */
  awake() {
    return this.#awake();
  }

  /**
   * The sealed set if an event of it is still sealed, its irregular events turned live before: those whose shape the
   * sums over violations and rework lines have to meet in JavaScript. Otherwise null: then `slots` is all there is.
   */
  regular() {
    this.#wake((sealed) => (sealed.irregularCount > 0 ? sealed.irregular() : null));
    return this.#asleep > 0 ? this.#sealed : null;
  }

  #awake() {
    this.#wake((sealed) => sealed.all());
    return this.#events;
  }

  /** @param {(sealed: Sealed) => Uint32Array | null} choose positions of sealed events */
  #wake(choose) {
    if (this.#asleep === 0 || this.#sealed === null) return;
    const positions = choose(this.#sealed);
    if (positions === null) return;
    let start = 0;
    try {
      while (start < positions.length) {
        /** @type {RunEvent[]} */
        const events = JSON.parse(this.#sealed.take(positions, start));
        for (const event of events) this.#events[positions[start++]] = event;
      }
    } finally {
      this.#asleep -= start;
      this.#woken = this.#asleep === 0 ? [] : merged(this.#woken, positions.subarray(0, start));
    }
  }
}

module.exports = { History };
