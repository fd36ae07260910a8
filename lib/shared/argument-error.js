'use strict';

// The errors of arguments that were refused: which argument, what was expected, what came.
//
// Loaded when there is something to refuse. What came may be anything, a proxy that throws at each look included;
// it is described all the same, and so is what was thrown, of any realm.

const { className } = require('./class-name.js');
const { marked } = require('./ledger-error.js');

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
 * @returns {string}
 */
function describeUnguarded(value) {
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
 * @param {unknown} value
 * @returns {string}
 */
function describe(value) {
  try {
    return describeUnguarded(value);
  } catch {
    return 'an object that cannot be looked at';
  }
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

module.exports = { outOfRange, reasonOf, typeError, wrongType };
