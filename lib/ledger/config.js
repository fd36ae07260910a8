'use strict';

// The configuration of a persistent ledger: defaults and checks.
//
// An option given as undefined means its default. An unknown option is ignored as long as the folder is named;
// without a folder's name it is taken for a misspelt one and refused, because the events would silently go to
// the default folder.

const check = require('../shared/arguments.js');

/** @typedef {import('../../index.d.ts').PersistenceConfig} PersistenceConfig */
/** @typedef {Required<Omit<PersistenceConfig, 'onError'>> & Pick<PersistenceConfig, 'onError'>} FullConfig */

/** @type {FullConfig} */
const DEFAULTS = {
  storagePath: '.claude-flow/guidance',
  maxEvents: 10_000,
  compactIntervalMs: 60 * 60 * 1000,
  enableWAL: true,
  durability: 'process',
  lockTimeoutMs: 0,
  onError: undefined,
};

const USAGE = "createPersistentLedger({ storagePath: 'path/to/folder' })";

/**
 * @param {unknown} config
 * @returns {Record<string, unknown>}
 */
function checkShape(config) {
  if (config === undefined || config === null) return {};
  // An instance without keys of its own is a store or a URL, and no configuration.
  const unreadable = typeof config !== 'object' || check.isArray(config) || !check.canBeRead(config);
  if (unreadable || (check.className(config) && Object.keys(config).length === 0)) {
    const { message } = check.wrongType('config', 'an object of options', config);
    throw check.typeError(`${message}. Use ${USAGE}`);
  }
  const options = /** @type {Record<string, unknown>} */ (config);
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(DEFAULTS, key));
  if (unknown !== undefined && options.storagePath === undefined) {
    throw check.typeError(`config has the unknown option '${unknown}' and no storagePath. Use ${USAGE}`);
  }
  return options;
}

/**
 * @param {unknown} config
 * @returns {FullConfig}
 */
function readConfig(config) {
  const options = checkShape(config);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  /** @type {Record<string, unknown>} */
  const full = { ...DEFAULTS, ...given };
  return {
    storagePath: check.checkPath('storagePath', full.storagePath, USAGE),
    maxEvents: check.checkCount('maxEvents', full.maxEvents),
    compactIntervalMs: check.checkMilliseconds('compactIntervalMs', full.compactIntervalMs),
    enableWAL: check.checkBoolean('enableWAL', full.enableWAL),
    durability: check.checkDurability('durability', full.durability),
    lockTimeoutMs: check.checkMilliseconds('lockTimeoutMs', full.lockTimeoutMs),
    onError: full.onError === undefined ? undefined : check.checkFunction('onError', full.onError),
  };
}

module.exports = { readConfig };
