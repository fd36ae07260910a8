'use strict';

// RunLedger: run events in memory, evaluators, metrics.
//
// It answers exactly as the original does, odd arguments included, and knows no file. The events live in a
// History; the ledger that loads from a store fills the same History with sealed events and inherits every
// question asked here unchanged. `historyOf` is for that subclass alone and is not exported by the package.

const { defaultEvaluators } = require('./evaluators.js');
const { isArray } = require('../shared/arguments.js');
const { randomUUID } = require('../shared/uuid.js');

/** @typedef {import('../../index.d.ts').IEvaluator} IEvaluator */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('../../index.d.ts').TaskIntent} TaskIntent */

/** Loaded by the first ledger. */
const workings = () => require('./workings.js');

/** @type {(ledger: RunLedger) => import('./history.js').History} */
let historyOf;

/**
 * What logEvent keeps: a copy under a fresh id, whatever id the event had.
 * @param {RunEvent | Omit<RunEvent, 'eventId'>} event
 * @returns {RunEvent}
 */
function stamp(event) {
  return { ...event, eventId: randomUUID() };
}

/**
 * An event with an id, a time and nothing in it.
 * @param {string} taskId
 * @param {TaskIntent} intent
 * @param {string} guidanceHash
 * @returns {RunEvent}
 */
function emptyEvent(taskId, intent, guidanceHash) {
  return {
    eventId: randomUUID(),
    taskId,
    guidanceHash,
    retrievedRuleIds: [],
    toolsUsed: [],
    filesTouched: [],
    diffSummary: { linesAdded: 0, linesRemoved: 0, filesChanged: 0 },
    testResults: { ran: false, passed: 0, failed: 0, skipped: 0 },
    violations: [],
    outcomeAccepted: null,
    reworkLines: 0,
    intent,
    timestamp: Date.now(),
    durationMs: 0,
  };
}

/**
 * An event made of what is given of it; what is undefined counts as not given.
 * @param {import('../../index.d.ts').NewEvent} given
 * @returns {RunEvent}
 */
function completed(given) {
  const { taskId, intent, guidanceHash } = given;
  const rest = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.assign(emptyEvent(taskId, intent, guidanceHash), Object.fromEntries(rest));
}

/**
 * Whether `createEvent` got an object of its properties.
 * @param {unknown} value
 * @returns {value is import('../../index.d.ts').NewEvent}
 */
function isNewEvent(value) {
  return typeof value === 'object' && value !== null && !isArray(value);
}

/**
 * @template T
 * @param {T | null | undefined} value
 * @returns {value is T}
 */
function isGiven(value) {
  return value !== undefined && value !== null;
}

class RunLedger {
  #workings = workings();
  #history = new this.#workings.History();
  /** @type {IEvaluator[]} */
  #evaluators = defaultEvaluators();
  #maxEvents;

  static {
    historyOf = (ledger) => ledger.#history;
  }

  constructor(maxEvents = 0) {
    this.#maxEvents = maxEvents;
  }

  /** @param {IEvaluator} evaluator */
  addEvaluator(evaluator) {
    this.#evaluators.push(evaluator);
  }

  /** @param {string} name */
  removeEvaluator(name) {
    this.#evaluators = this.#evaluators.filter((e) => e.name !== name);
  }

  /**
   * @param {RunEvent | Omit<RunEvent, 'eventId'>} event
   * @returns {RunEvent}
   */
  logEvent(event) {
    return this.#keep(stamp(event));
  }

  /**
   * @param {string | import('../../index.d.ts').NewEvent} taskId
   * @param {TaskIntent} [intent]
   * @param {string} [guidanceHash]
   * @returns {RunEvent}
   */
  createEvent(taskId, intent, guidanceHash) {
    if (intent === undefined && guidanceHash === undefined && isNewEvent(taskId)) return completed(taskId);
    // Other arguments are taken as they are.
    return emptyEvent(.../** @type {[string, TaskIntent, string]} */ ([taskId, intent, guidanceHash]));
  }

  /**
   * @param {RunEvent} event
   * @returns {RunEvent} the same object
   */
  finalizeEvent(event) {
    event.durationMs = Date.now() - event.timestamp;
    return this.#keep(event);
  }

  /** @param {RunEvent} event */
  async evaluate(event) {
    const results = [];
    for (const evaluator of this.#evaluators) {
      results.push(await evaluator.evaluate(event));
    }
    return results;
  }

  getEvents() {
    return this.#history.all();
  }

  /** @param {string} taskId */
  getEventsByTask(taskId) {
    return this.#history.byTask(taskId);
  }

  /**
   * @param {number} startMs
   * @param {number} endMs
   */
  getEventsInRange(startMs, endMs) {
    return this.#history.inRange(startMs, endMs);
  }

  /** @param {number} count */
  getRecentEvents(count) {
    return this.#history.recent(count);
  }

  /** @param {RunEvent[]} [events] */
  computeMetrics(events) {
    const { metricsOf, metricsOfHistory } = this.#workings;
    return isGiven(events) ? metricsOf(events) : metricsOfHistory(this.#history);
  }

  /** @param {RunEvent[]} [windowEvents] */
  rankViolations(windowEvents) {
    const { rankingOf, rankingOfHistory } = this.#workings;
    return isGiven(windowEvents) ? rankingOf(windowEvents) : rankingOfHistory(this.#history);
  }

  get eventCount() {
    return this.#history.length;
  }

  exportEvents() {
    return this.#history.all();
  }

  /** @param {RunEvent[]} events */
  importEvents(events) {
    // All of them are fetched before one is kept: an iterable may throw half-way.
    for (const event of [...events]) this.#history.push(event);
  }

  clear() {
    this.#history.clear();
  }

  /** @param {RunEvent} event */
  #keep(event) {
    this.#history.push(event);
    // A tenth at a time, so that the cost of moving the rest is paid rarely.
    if (this.#maxEvents > 0 && this.#history.length > this.#maxEvents) {
      this.#history.trim(Math.max(1, Math.floor(this.#maxEvents * 0.1)));
    }
    return event;
  }
}

/** @param {number} [maxEvents] */
function createLedger(maxEvents = 0) {
  return new RunLedger(maxEvents);
}

module.exports = { RunLedger, createLedger, historyOf, stamp };
