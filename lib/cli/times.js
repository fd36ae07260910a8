'use strict';

// Times and time spans, as people type and read them. Days are days of UTC.

const { UsageError } = require('./usage-error.js');

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;
/** @type {Record<string, number>} */
const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };
/** The largest time that a Date can hold. */
const MAX_TIME = 8.64e15;

/**
 * '90s', '2h', '1.5d'; a number alone is milliseconds.
 * @param {string} text
 * @returns {number | null}
 */
function parseSpan(text) {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/.exec(text.trim());
  return match && Number(match[1]) * UNITS[match[2] ?? 'ms'];
}

/**
 * A time: a span before now ('2h'), 'now', 'today', 'yesterday', an ISO date or time (UTC unless it says
 * otherwise), or a number of seconds (up to ten digits) or milliseconds since 1970.
 * @param {string} text
 * @param {boolean} atEnd whether a whole day means its last millisecond, not its first
 * @param {number} now
 * @returns {number | null}
 */
function parseTime(text, atEnd, now) {
  const word = text.trim();
  const day = (/** @type {number} */ start) => (atEnd ? start + DAY_MS - 1 : start);
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  if (word === 'now') return now;
  if (word === 'today') return day(today);
  if (word === 'yesterday') return day(today - DAY_MS);
  if (/^\d+$/.test(word)) return Number(word) * (word.length <= 10 ? 1000 : 1);
  const span = parseSpan(word);
  if (span !== null) return now - span;
  if (!/^\d{4}-\d{2}-\d{2}/.test(word)) return null;
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(word);
  const zoned = whole || /(?:Z|[+-]\d{2}:?\d{2})$/i.test(word);
  const time = Date.parse(zoned ? word : `${word}Z`);
  if (Number.isNaN(time)) return null;
  return whole ? day(time) : time;
}

/**
 * Reader of an option.
 * @param {boolean} atEnd
 * @returns {(text: string, flag: string) => number}
 */
function timeOption(atEnd) {
  return (text, flag) => {
    const time = parseTime(text, atEnd, Date.now());
    if (time !== null && Math.abs(time) <= MAX_TIME) return time;
    const forms = "a span ('2h', '7d'), 'today', an ISO time ('2026-03-01T12:00') or a Unix time";
    throw new UsageError(`${flag} takes ${forms}; got '${text}'`, `${flag} 2h`);
  };
}

/**
 * Reader of an option.
 * @param {string} text
 * @param {string} flag
 * @returns {number}
 */
function spanOption(text, flag) {
  const span = parseSpan(text);
  if (span !== null && Number.isFinite(span)) return span;
  throw new UsageError(`${flag} takes a time span ('500ms', '5s', '2m'); got '${text}'`, `${flag} 5s`);
}

/**
 * @param {unknown} time
 * @returns {string} to the second; whatever is no time is shown as it is
 */
function showTime(time) {
  if (typeof time !== 'number' || !(Math.abs(time) <= MAX_TIME)) return String(time);
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/**
 * @param {number} ms
 * @returns {string}
 */
function showSpan(ms) {
  if (ms < 0) return `-${showSpan(-ms)}`;
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 1000) return `${Number(ms.toFixed(ms < 10 ? 2 : 0))} ms`;
  if (ms >= 2 * YEAR_MS) return `${(ms / YEAR_MS).toFixed(1)} y`;
  const unit = /** @type {const} */ (['d', 'h', 'm', 's']).find((name) => ms >= UNITS[name]);
  return `${Number((ms / UNITS[unit ?? 's']).toFixed(1))} ${unit}`;
}

/**
 * @param {number} day number of days since 1970
 * @returns {string}
 */
function showDay(day) {
  return new Date(day * DAY_MS).toISOString().replace(/T.*$/, '');
}

module.exports = {
  DAY_MS,
  MAX_TIME,
  parseSpan,
  parseTime,
  showDay,
  showSpan,
  showTime,
  spanOption,
  timeOption,
};
