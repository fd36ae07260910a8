'use strict';

// An option of a name that is not known: a typing error, most likely.
//
// Where it would change what is read or removed, it is refused; elsewhere it is passed over, as the original does,
// with one warning for each name. Loaded only when there is such an option.

const { typeError } = require('./argument-error.js');
const { distance, nearest } = require('./nearest.js');

/** More names than a program can mistype; beyond that the set would be a leak. */
const MOST_WARNINGS = 100;

/** @type {Set<string>} what was warned about */
const warned = new Set();

/**
 * @param {string} name of the argument
 * @param {string} option
 * @param {readonly string[]} known
 */
function sentence(name, option, known) {
  const best = nearest(option, known);
  // A hint that is far off would mislead.
  const near = best !== undefined && distance(option, best) <= best.length / 3 ? best : undefined;
  const shown = option.length > 40 ? `${option.slice(0, 40)}…` : option;
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`;
  return `${name} has the unknown option '${shown}'; ${hint}`;
}

/**
 * @param {string} name
 * @param {readonly string[]} options that are not known
 * @param {readonly string[]} known
 */
function warn(name, options, known) {
  for (const option of options) {
    const key = `${name} ${option}`;
    if (warned.has(key) || warned.size >= MOST_WARNINGS) continue;
    warned.add(key);
    process.emitWarning(`guidance-ledger: ${sentence(name, option, known)}`, 'Warning', 'UNKNOWN_OPTION');
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} options that are not known, at least one
 * @param {readonly string[]} known
 * @param {string} [more] sentences that follow
 * @returns {never}
 */
function refuse(name, options, known, more) {
  const said = sentence(name, options[0], known);
  if (more === undefined) throw typeError(said);
  throw typeError(`${said}${said.endsWith('?') ? '' : '.'} ${more}`);
}

module.exports = { refuse, warn };
