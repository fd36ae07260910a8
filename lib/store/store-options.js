'use strict';

// The options of a store: names, defaults and checks. A ledger and a fleet's store take the same and pass them on.

const check = require('../shared/arguments.js');

/** @typedef {import('../../index.d.ts').StoreOptions} StoreOptions */

/** @type {Required<StoreOptions>} */
const STORE_DEFAULTS = { durability: 'process', lockTimeoutMs: 0, warnAtExit: true };
const STORE_OPTIONS = Object.keys(STORE_DEFAULTS);

/**
 * Those of a store among the options of something that has one.
 * @param {Record<string, unknown>} options
 * @returns {StoreOptions}
 */
function storeOptionsOf(options) {
  return Object.fromEntries(STORE_OPTIONS.map((name) => [name, options[name]]));
}

/**
 * @param {Record<string, unknown>} options of which those that are not given have their defaults
 * @returns {Required<StoreOptions>}
 */
function checkStoreOptions(options) {
  const {
    durability = STORE_DEFAULTS.durability,
    lockTimeoutMs = STORE_DEFAULTS.lockTimeoutMs,
    warnAtExit = STORE_DEFAULTS.warnAtExit,
  } = options;
  return {
    durability: check.checkDurability('durability', durability),
    lockTimeoutMs: check.checkMilliseconds('lockTimeoutMs', lockTimeoutMs),
    warnAtExit: check.checkBoolean('warnAtExit', warnAtExit),
  };
}

module.exports = { STORE_DEFAULTS, STORE_OPTIONS, checkStoreOptions, storeOptionsOf };
