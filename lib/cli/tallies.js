'use strict';

// Sums over events: all together, by day, by rule, by kind of work. One pass, whatever the number of events.
//
// The rates are those of `computeMetrics()` and `rankViolations()`. An event that those would throw at (no
// array of violations, rework lines that are no number) is left out and counted as irregular.

const { DAY_MS, MAX_TIME } = require('./times.js');

/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */

class Tally {
  events = 0;
  violations = 0;
  corrected = 0;
  rework = 0;
  /** Events with at least one violation. */
  broken = 0;
  accepted = 0;
  judged = 0;
  testsPassed = 0;
  testsRun = 0;

  /** @param {RunEvent} event a regular one */
  add(event) {
    this.events++;
    this.violations += event.violations.length;
    this.corrected += event.violations.filter((violation) => violation?.autoCorrected).length;
    this.broken += event.violations.length > 0 ? 1 : 0;
    this.rework += event.reworkLines;
    if (typeof event.outcomeAccepted === 'boolean') {
      this.judged++;
      this.accepted += event.outcomeAccepted ? 1 : 0;
    }
    const { ran, passed, failed } = event.testResults ?? {};
    if (ran === true && Number.isFinite(passed) && Number.isFinite(failed)) {
      this.testsPassed += passed;
      this.testsRun += passed + failed;
    }
  }

  /** Violations per ten events; null without events, as the following. */
  get violationRate() {
    return this.events > 0 ? (this.violations / this.events) * 10 : null;
  }

  /** Null if nothing was there to correct. */
  get selfCorrectionRate() {
    return this.violations > 0 ? this.corrected / this.violations : null;
  }

  get reworkLines() {
    return this.events > 0 ? this.rework / this.events : null;
  }

  /** Null if no outcome is known. */
  get acceptanceRate() {
    return this.judged > 0 ? this.accepted / this.judged : null;
  }

  /** Null if no tests ran. */
  get testPassRate() {
    return this.testsRun > 0 ? this.testsPassed / this.testsRun : null;
  }
}

/** @typedef {{ ruleId: string, frequency: number, corrected: number, rework: number, days: Map<number, number> }} RuleTally */

class Tallies {
  total = new Tally();
  /** @type {Map<number, Tally>} by number of days since 1970 */
  days = new Map();
  /** @type {Map<string, Tally>} */
  intents = new Map();
  /** @type {Map<string, RuleTally>} */
  rules = new Map();
  irregular = 0;
  /** Events whose time lies on no day. */
  undated = 0;

  /** @param {RunEvent} event of any shape */
  add(event) {
    if (!isRegular(event)) {
      this.irregular++;
      return;
    }
    this.total.add(event);
    entry(this.intents, String(event.intent), () => new Tally()).add(event);
    const dated = typeof event.timestamp === 'number' && Math.abs(event.timestamp) <= MAX_TIME;
    const day = dated ? Math.floor(event.timestamp / DAY_MS) : null;
    if (day === null) this.undated++;
    else entry(this.days, day, () => new Tally()).add(event);
    for (const violation of event.violations) this.#addViolation(violation, event.reworkLines, day);
  }

  /**
   * @param {import('../../index.d.ts').Violation} violation
   * @param {number} rework
   * @param {number | null} day
   */
  #addViolation({ ruleId, autoCorrected }, rework, day) {
    const blank = () => ({ ruleId, frequency: 0, corrected: 0, rework: 0, days: new Map() });
    const rule = entry(this.rules, ruleId, blank);
    rule.frequency++;
    rule.rework += rework;
    rule.corrected += autoCorrected ? 1 : 0;
    if (day !== null) rule.days.set(day, (rule.days.get(day) ?? 0) + 1);
  }

  /** As `computeMetrics()`. */
  metrics() {
    const { events, violationRate, selfCorrectionRate, reworkLines } = this.total;
    return {
      violationRate: violationRate ?? 0,
      selfCorrectionRate: selfCorrectionRate ?? (events > 0 ? 1 : 0),
      reworkLines: reworkLines ?? 0,
      clarifyingQuestions: 0,
      taskCount: events,
    };
  }

  /** As `rankViolations()`: the highest score first, each with its tally. */
  ranking() {
    return [...this.rules.values()]
      .map((tally) => {
        const cost = tally.rework / tally.frequency;
        return {
          ruleId: tally.ruleId,
          frequency: tally.frequency,
          cost,
          score: tally.frequency * cost,
          tally,
        };
      })
      .sort((a, b) => b.score - a.score);
  }

  /** Days that have events, in order. */
  dayList() {
    return [...this.days].sort(([a], [b]) => a - b);
  }
}

/** @param {RunEvent} event */
function isRegular(event) {
  const { violations, reworkLines } = event;
  return (
    Array.isArray(violations) &&
    violations.every((violation) => typeof violation === 'object' && violation !== null) &&
    Number.isFinite(reworkLines)
  );
}

/**
 * @template K, V
 * @param {Map<K, V>} map
 * @param {K} key
 * @param {() => V} blank
 * @returns {V}
 */
function entry(map, key, blank) {
  const found = map.get(key) ?? blank();
  map.set(key, found);
  return found;
}

/**
 * A span of days as at most `most` stretches of equal length; null where there are no events.
 * @param {Tallies} tallies
 * @param {number} most
 */
function stretches(tallies, most) {
  const days = tallies.dayList();
  if (days.length === 0) return { first: 0, step: 1, list: /** @type {Stretch[]} */ ([]) };
  const first = days[0][0];
  const count = days[days.length - 1][0] - first + 1;
  const step = Math.ceil(count / most);
  const list = Array.from({ length: Math.ceil(count / step) }, (_, i) => ({
    first: first + i * step,
    tally: new Tally(),
  }));
  for (const [day, tally] of days) merge(list[Math.floor((day - first) / step)].tally, tally);
  return { first, step, list };
}

/** @typedef {{ first: number, tally: Tally }} Stretch */

/**
 * Adds `more` to `tally`.
 * @param {Tally} tally
 * @param {Tally} more
 */
function merge(tally, more) {
  for (const key of /** @type {('events')[]} */ (Object.keys(more))) tally[key] += more[key];
}

module.exports = { Tallies, Tally, merge, stretches };
