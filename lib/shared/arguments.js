'use strict';

// Checks of what callers hand in.
//
// Every argument is judged here, before any native call, so that a refused call has changed nothing. A wrong
// type is a TypeError and a right type out of bounds a RangeError; both name the argument, say what was
// expected and what came, and carry the `code` that Node's own functions use. What comes may be a proxy that
// throws at each look: a look that fails is an answer too, and never an error without that code.

const { marked } = require('./ledger-error.js');

/**
 * Name of an object's class; empty for a plain object.
 * @param {object} value
 * @returns {string}
 */
function className(value) {
  const name = value.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? name : '';
}

/**
 * What was thrown, in words. It may be anything, of any realm.
 * @param {unknown} thrown
 * @returns {string}
 */
function reasonOf(thrown) {
  try {
    const message = Object(thrown) === thrown ? Reflect.get(Object(thrown), 'message') : undefined;
    return typeof message === 'string' && message !== '' ? message : String(thrown);
  } catch {
    return 'what was thrown cannot be shown';
  }
}

/**
 * @param {unknown} value
 * @returns {value is unknown[]} false for a revoked proxy, too
 */
function isArray(value) {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * Whether the names of an object's properties can be had: not those of a revoked proxy.
 * @param {object} value
 */
function canBeRead(value) {
  try {
    return Object.keys(value) !== undefined;
  } catch {
    return false;
  }
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function describe(value) {
  try {
    return name(value);
  } catch {
    return 'an object that cannot be looked at';
  }
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function name(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) {
    const type = className(value);
    return type ? `an instance of ${type}` : 'an object';
  }
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

/**
 * @param {string} message
 * @param {{ cause?: unknown }} [options]
 * @returns {TypeError}
 */
function typeError(message, options) {
  return marked(new TypeError(message, options), { code: 'ERR_INVALID_ARG_TYPE' });
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 * @returns {TypeError}
 */
function wrongType(name, expected, value) {
  return typeError(`${name} must be ${expected}; got ${describe(value)}`);
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 * @returns {RangeError}
 */
function outOfRange(name, expected, value) {
  const error = new RangeError(`${name} must be ${expected}; got ${describe(value)}`);
  return marked(error, { code: 'ERR_OUT_OF_RANGE' });
}

/**
 * A number of events: a non-negative integer, or Infinity.
 * @param {string} name
 * @param {unknown} value
 * @returns {number}
 */
function checkCount(name, value) {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value);
  if (value === Infinity || (Number.isInteger(value) && value >= 0)) return value;
  throw outOfRange(name, 'a non-negative integer or Infinity', value);
}

/**
 * A time span in milliseconds: non-negative and finite.
 * @param {string} name
 * @param {unknown} value
 * @returns {number}
 */
function checkMilliseconds(name, value) {
  if (typeof value !== 'number') throw wrongType(name, 'a number of milliseconds', value);
  if (Number.isFinite(value) && value >= 0) return value;
  throw outOfRange(name, 'a non-negative, finite number of milliseconds', value);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean}
 */
function checkBoolean(name, value) {
  if (typeof value === 'boolean') return value;
  throw wrongType(name, 'a boolean', value);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {(...args: any[]) => any}
 */
function checkFunction(name, value) {
  if (typeof value === 'function') return /** @type {(...args: any[]) => any} */ (value);
  throw wrongType(name, 'a function', value);
}

/**
 * @template T
 * @param {Iterable<T>} events
 * @returns {Iterable<T>}
 */
function checkIterable(events) {
  try {
    if (typeof events[Symbol.iterator] === 'function') return events;
  } catch {}
  throw wrongType('events', 'an iterable of events', events);
}

/**
 * A folder's path. `usage` shows the right call to somebody who passed something else.
 * @param {string} name
 * @param {unknown} value
 * @param {string} usage
 * @returns {string}
 */
function checkPath(name, value, usage) {
  if (typeof value !== 'string') throw typeError(`${wrongType(name, 'a path', value).message}. Use ${usage}`);
  if (value !== '' && !value.includes('\0')) return value;
  throw typeError(`${name} must be a non-empty path without NUL; got ${describe(value)}. Use ${usage}`);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {import('../../index.d.ts').Durability}
 */
function checkDurability(name, value) {
  if (value === 'process' || value === 'disk') return value;
  const expected = "'process' or 'disk'";
  throw typeof value === 'string' ? outOfRange(name, expected, value) : wrongType(name, expected, value);
}

/**
 * An object of options; none at all is an empty one.
 * @param {string} name
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function checkOptions(name, value) {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || isArray(value) || !canBeRead(value)) {
    throw wrongType(name, 'an object', value);
  }
  return /** @type {Record<string, unknown>} */ (value);
}

module.exports = {
  canBeRead,
  checkBoolean,
  checkCount,
  checkDurability,
  checkFunction,
  checkIterable,
  checkMilliseconds,
  checkOptions,
  checkPath,
  className,
  isArray,
  outOfRange,
  reasonOf,
  typeError,
  wrongType,
};
