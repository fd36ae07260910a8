'use strict';

// Metrics and rankings over events.
//
// `metricsOf` and `rankingOf` are the original's algorithms over any given events. `metricsOfHistory` and
// `rankingOfHistory` answer the same for a ledger without turning its sealed events live: the native side's sums
// over the sealed are added to JavaScript's over the live.
//
// Such an answer must equal the original's to the last bit. Sums of integers do not depend on the order of
// adding as long as they stay exact; so a value that is not an integer, or a sum that grows past LIMIT, on either
// side, turns all events live and lets the original's algorithm run. Errors are the same as well: sealed events
// are regular and never throw, so the first live event that throws is the one the original would meet.
// The names `evts`, `e`, `event` and `violation` stand in V8's messages ("event.violations is not iterable").

/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('../../index.d.ts').OptimizationMetrics} OptimizationMetrics */
/** @typedef {import('../../index.d.ts').ViolationRanking} ViolationRanking */
/** @typedef {import('./history.js').History} History */
/** @typedef {{ violations: number, corrected: number, rework: number }} Tally */
/** @typedef {{ frequency: number, totalRework: number, position: number, index: number }} Stats */

/** Half of what is exact in a double, since two sums meet. */
const LIMIT = 2 ** 52;

/**
 * Sums over events.
 * @param {readonly RunEvent[]} evts
 * @returns {Tally}
 */
function tally(evts) {
  return {
    violations: evts.reduce((sum, e) => sum + e.violations.length, 0),
    corrected: evts.reduce((sum, e) => sum + e.violations.filter((v) => v.autoCorrected).length, 0),
    rework: evts.reduce((sum, e) => sum + e.reworkLines, 0),
  };
}

/**
 * Whether adding up these events gives the same in any order.
 * @param {readonly RunEvent[]} events
 */
function addsExactly(events) {
  let magnitude = 0;
  return events.every((e) => {
    if (!Number.isInteger(e.reworkLines) || !Number.isInteger(e.violations.length)) return false;
    magnitude += Math.abs(e.reworkLines) + Math.abs(e.violations.length);
    return magnitude <= LIMIT;
  });
}

/**
 * @param {Tally} sums
 * @param {number} taskCount at least one
 * @returns {OptimizationMetrics}
 */
function metricsFrom({ violations, corrected, rework }, taskCount) {
  return {
    violationRate: (violations / taskCount) * 10,
    selfCorrectionRate: violations > 0 ? corrected / violations : 1,
    reworkLines: rework / taskCount,
    clarifyingQuestions: 0,
    taskCount,
  };
}

/**
 * @param {readonly RunEvent[]} evts
 * @returns {OptimizationMetrics}
 */
function metricsOf(evts) {
  if (evts.length === 0) {
    return { violationRate: 0, selfCorrectionRate: 0, reworkLines: 0, clarifyingQuestions: 0, taskCount: 0 };
  }
  return metricsFrom(tally(evts), evts.length);
}

/**
 * @param {History} history
 * @returns {OptimizationMetrics}
 */
function metricsOfHistory(history) {
  const sealed = history.regular();
  if (sealed === null) return metricsOf(history.slots);
  const { events } = history.liveInOrder();
  const live = tally(events);
  const [, violations, corrected, rework, exact] = sealed.metrics();
  if (exact !== 1 || !addsExactly(events)) return metricsOf(history.awake());
  const sums = {
    violations: live.violations + violations,
    corrected: live.corrected + corrected,
    rework: live.rework + rework,
  };
  return metricsFrom(sums, history.length);
}

/**
 * @param {Iterable<[string, { frequency: number, totalRework: number }]>} found in the order of first occurrence
 * @returns {ViolationRanking[]}
 */
function rankingFrom(found) {
  const rankings = [];
  for (const [ruleId, stats] of found) {
    const cost = stats.totalRework / stats.frequency;
    rankings.push({ ruleId, frequency: stats.frequency, cost, score: stats.frequency * cost });
  }
  return rankings.sort((a, b) => b.score - a.score);
}

/**
 * @param {Iterable<RunEvent>} evts
 * @returns {ViolationRanking[]}
 */
function rankingOf(evts) {
  /** @type {Map<string, { frequency: number, totalRework: number }>} */
  const found = new Map();
  for (const event of evts) {
    for (const violation of event.violations) {
      const existing = found.get(violation.ruleId) ?? { frequency: 0, totalRework: 0 };
      existing.frequency++;
      existing.totalRework += event.reworkLines;
      found.set(violation.ruleId, existing);
    }
  }
  return rankingFrom(found);
}

/**
 * Adds the live events to what was found in the sealed ones.
 * @param {Map<string, Stats>} found
 * @param {{ events: RunEvent[], positions: number[] }} live
 * @returns {boolean} false if the sums may depend on the order of adding
 */
function addLive(found, { events, positions }) {
  let magnitude = 0;
  let exact = true;
  events.forEach((event, at) => {
    const position = positions[at];
    let index = 0;
    for (const violation of event.violations) {
      const existing = found.get(violation.ruleId) ?? { frequency: 0, totalRework: 0, position, index };
      existing.frequency++;
      existing.totalRework += event.reworkLines;
      if (position < existing.position) Object.assign(existing, { position, index });
      found.set(violation.ruleId, existing);
      exact &&= Number.isInteger(event.reworkLines);
      if (exact) magnitude += Math.abs(event.reworkLines);
      index++;
    }
  });
  return exact && magnitude <= LIMIT;
}

/**
 * @param {History} history
 * @returns {ViolationRanking[]}
 */
function rankingOfHistory(history) {
  const sealed = history.regular();
  if (sealed === null) return rankingOf(history.slots);
  /** @type {[string, number, number, number, number][]} */
  const rows = JSON.parse(sealed.ranking());
  /** @type {Map<string, Stats>} */
  const found = new Map();
  for (const [ruleId, frequency, totalRework, position, index] of rows) {
    found.set(ruleId, { frequency, totalRework, position, index });
  }
  const exact = addLive(found, history.liveInOrder()) && sealed.metrics()[4] === 1;
  if (!exact) return rankingOf(history.awake());
  return rankingFrom([...found].sort(([, a], [, b]) => a.position - b.position || a.index - b.index));
}

module.exports = { metricsOf, metricsOfHistory, rankingOf, rankingOfHistory };
