'use strict';

// Checks of what callers hand in.
//
// Every argument is judged here, before any native call, so that a refused call has changed nothing. A wrong
// type is a TypeError and a right type out of bounds a RangeError; both name the argument, say what was
// expected and what came, and carry the `code` that Node's own functions use. What comes may be a proxy that
// throws at each look: a look that fails is an answer too, and never an error without that code.

const { isAbsolute, resolve } = require('node:path');

/** @returns {typeof import('./argument-error.js')} */
const errors = () => require('./argument-error.js');

/** @type {typeof import('./argument-error.js').wrongType} */
const wrongType = (name, expected, value) => errors().wrongType(name, expected, value);

/** @type {typeof import('./argument-error.js').outOfRange} */
const outOfRange = (name, expected, value) => errors().outOfRange(name, expected, value);

/** @type {typeof import('./argument-error.js').typeError} */
const typeError = (message, options) => errors().typeError(message, options);

/** @type {typeof import('./argument-error.js').reasonOf} */
const reasonOf = (thrown) => errors().reasonOf(thrown);

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
 * A folder's path. `usage` is the right call, for the error.
 * @param {string} name
 * @param {unknown} value
 * @param {string} usage
 * @returns {string}
 */
function checkPath(name, value, usage) {
  if (typeof value !== 'string') throw typeError(`${wrongType(name, 'a path', value).message}. Use ${usage}`);
  if (value !== '' && !value.includes('\0')) return value;
  throw typeError(`${wrongType(name, 'a non-empty path without NUL', value).message}. Use ${usage}`);
}

/**
 * The absolute path of a folder. A relative one is refused where the working directory has no name that can be
 * trusted: the events would go to another folder.
 * @param {string} name
 * @param {string} path
 * @returns {string}
 */
function resolvePath(name, path) {
  if (isAbsolute(path)) return resolve(path);
  try {
    const cwd = process.cwd();
    if (!cwd.includes('\ufffd')) return resolve(cwd, path);
  } catch {}
  return require('./working-directory.js').resolveFrom(name, path);
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
 * What becomes of options whose name is not known; those without a value do nothing. To be refused where they would
 * change what is read or removed.
 * @param {string} name
 * @param {Record<string, unknown>} options
 * @param {readonly string[]} known
 * @param {'warn' | 'refuse'} consequence
 */
function checkKnown(name, options, known, consequence) {
  const unknown = Object.keys(options).filter((key) => !known.includes(key) && options[key] !== undefined);
  if (unknown.length > 0) require('./unknown-option.js')[consequence](name, unknown, known);
}

/**
 * An object of options; none at all is an empty one.
 * @param {string} name
 * @param {unknown} value
 * @param {readonly string[]} known
 * @param {'warn' | 'refuse'} consequence of an option that is not known
 * @returns {Record<string, unknown>}
 */
function checkOptions(name, value, known, consequence) {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || isArray(value) || !canBeRead(value)) {
    throw wrongType(name, 'an object', value);
  }
  const options = /** @type {Record<string, unknown>} */ (value);
  checkKnown(name, options, known, consequence);
  return options;
}

module.exports = {
  canBeRead,
  checkBoolean,
  checkCount,
  checkDurability,
  checkFunction,
  checkIterable,
  checkKnown,
  checkMilliseconds,
  checkOptions,
  checkPath,
  isArray,
  outOfRange,
  reasonOf,
  resolvePath,
  typeError,
  wrongType,
};
