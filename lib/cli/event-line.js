'use strict';

// One event as one line for a reader.

const { safe } = require('./safe-text.js');
const { counted, pad } = require('./table.js');
const { showSpan, showTime } = require('./times.js');

/** @typedef {import('./terminal.js').Colours} Colours */

/** @param {unknown} value */
const list = (value) => (Array.isArray(value) ? value : []);

/** @param {unknown} value */
const number = (value) => (typeof value === 'number' ? value : 0);

/**
 * @param {any} event of any shape
 * @param {Colours} colours
 */
function outcome(event, colours) {
  if (event.outcomeAccepted === true) return colours.green('accepted');
  return event.outcomeAccepted === false ? colours.red('rejected') : colours.dim('open    ');
}

/**
 * @param {any} event
 * @param {Colours} colours
 */
function tests(event, colours) {
  const results = event.testResults;
  if (typeof results !== 'object' || results === null || results.ran !== true) return '';
  const failed = number(results.failed);
  if (failed > 0)
    return colours.red(`${failed} of ${counted(failed + number(results.passed), 'test')} failed`);
  return `${counted(number(results.passed), 'test')} passed`;
}

/**
 * @param {any} event
 * @param {Colours} colours
 */
function violations(event, colours) {
  const broken = list(event.violations);
  if (broken.length === 0) return '';
  const rules = broken.slice(0, 3).map((violation) => safe(violation?.ruleId, 40));
  const more = broken.length > 3 ? `, ${broken.length - 3} more` : '';
  return colours.yellow(`broke ${rules.join(', ')}${more}`);
}

/**
 * @param {Record<string, unknown>} event from the log, so of any shape
 * @param {Colours} colours
 * @returns {string}
 */
function eventLine(event, colours) {
  const rework = number(event.reworkLines);
  const duration = number(event.durationMs);
  const parts = [
    violations(event, colours),
    tests(event, colours),
    rework > 0 ? `rework ${rework}` : '',
    duration > 0 ? showSpan(duration) : '',
  ].filter(Boolean);
  const head = [
    colours.dim(pad(safe(showTime(event.timestamp), 30), 20)),
    pad(safe(event.intent, 16), 12),
    pad(safe(event.taskId, 60), 16),
    outcome(event, colours),
  ];
  return [...head, parts.join('; ')].join('  ').trimEnd();
}

module.exports = { eventLine };
