'use strict';

// Events as rows of a spreadsheet: RFC 4180, with a guard.
//
// A spreadsheet runs a cell that begins with one of = + - @ as a formula, and events are written by anybody.
// A text that begins so, after whatever white space, gets an apostrophe before it, which spreadsheets take
// for "this is text". Numbers are left alone. Control characters other than tabs and line ends, and marks
// that reorder text, are written as escapes, since a table may end up in a terminal. So the guard changes
// some texts: NDJSON keeps all exactly.

/** @typedef {Record<string, any>} Loose an event of any shape */

const { escaped } = require('./safe-text.js');

const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r]/;
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** @param {unknown} value */
const list = (value) => (Array.isArray(value) ? value : []);

/** @param {unknown} value */
const joined = (value) =>
  list(value)
    .map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item)))
    .join('; ');

/** @param {unknown} time */
function iso(time) {
  return typeof time === 'number' && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : '';
}

/** @type {[column: string, value: (event: Loose) => unknown][]} */
const COLUMNS = [
  ['eventId', (e) => e.eventId],
  ['timestamp', (e) => e.timestamp],
  ['time', (e) => iso(e.timestamp)],
  ['taskId', (e) => e.taskId],
  ['sessionId', (e) => e.sessionId],
  ['intent', (e) => e.intent],
  ['durationMs', (e) => e.durationMs],
  ['outcomeAccepted', (e) => e.outcomeAccepted],
  ['reworkLines', (e) => e.reworkLines],
  ['violations', (e) => list(e.violations).length],
  ['autoCorrected', (e) => list(e.violations).filter((v) => v?.autoCorrected).length],
  ['brokenRules', (e) => joined(list(e.violations).map((v) => v?.ruleId))],
  ['testsRan', (e) => e.testResults?.ran],
  ['testsPassed', (e) => e.testResults?.passed],
  ['testsFailed', (e) => e.testResults?.failed],
  ['testsSkipped', (e) => e.testResults?.skipped],
  ['linesAdded', (e) => e.diffSummary?.linesAdded],
  ['linesRemoved', (e) => e.diffSummary?.linesRemoved],
  ['filesChanged', (e) => e.diffSummary?.filesChanged],
  ['toolsUsed', (e) => joined(e.toolsUsed)],
  ['filesTouched', (e) => joined(e.filesTouched)],
  ['retrievedRuleIds', (e) => joined(e.retrievedRuleIds)],
  ['guidanceHash', (e) => e.guidanceHash],
];

/**
 * @param {unknown} value
 * @returns {string}
 */
function cell(value) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const guarded = (FORMULA.test(text) ? `'${text}` : text).replace(CONTROL, escaped);
  return /[",\r\n]/.test(guarded) || guarded !== guarded.trim()
    ? `"${guarded.replaceAll('"', '""')}"`
    : guarded;
}

/** @param {readonly unknown[]} values */
const row = (values) => `${values.map(cell).join(',')}\r\n`;

/** The head of the table. */
const csvHead = () => row(COLUMNS.map(([column]) => column));

/** @param {object} event */
const csvRow = (event) => row(COLUMNS.map(([, value]) => value(event)));

module.exports = { csvHead, csvRow };
