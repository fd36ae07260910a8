'use strict';

// The mark of an error that this package made.
//
// The mark is a hidden property under a registered symbol, which is the same in every realm and for every copy of
// the package; src/error.rs puts the same one on the errors of the native side. It loads nothing.

const MARK = Symbol.for('guidance-ledger.error');

/**
 * Gives an error its mark and its properties.
 * @template {Error} E
 * @template {object} P
 * @param {E} error
 * @param {P} properties `code`, and whatever else is known
 * @returns {E & P}
 */
function marked(error, properties) {
  Object.defineProperty(error, MARK, { value: true });
  return Object.assign(error, properties);
}

/**
 * @param {unknown} error
 * @returns {error is import('../../index.d.ts').LedgerError}
 */
function isLedgerError(error) {
  try {
    return typeof error === 'object' && error !== null && Reflect.get(error, MARK) === true;
  } catch {
    return false; // a proxy that refuses
  }
}

module.exports = { isLedgerError, marked };
