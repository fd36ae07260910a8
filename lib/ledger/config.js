'use strict';

// The configuration of a persistent ledger: defaults and checks.
//
// An option given as undefined means its default. Of an unknown option there is a warning as long as the folder is
// named; without a folder's name it is taken for a misspelt one and refused, because the events would silently go
// to the default folder. The environment may choose that folder, for this ledger and for the tool alike.

const check = require('../shared/arguments.js');
const { className } = require('../shared/class-name.js');
const { STORE_DEFAULTS, STORE_OPTIONS, checkStoreOptions } = require('../store/store-options.js');

/** @typedef {import('../../index.d.ts').PersistenceConfig} PersistenceConfig */
/** @typedef {import('../store/event-store.js').EventStore | import('../../index.d.ts').LedgerStore} Store */
/**
 * @typedef {Required<Omit<PersistenceConfig, 'onError' | 'store' | 'maxEvents' | 'retention'>> &
 *   Pick<PersistenceConfig, 'onError'> &
 *   { store: Store | undefined, limits: number | import('../../index.d.ts').Retention }} FullConfig
 */

const DEFAULT_DIR = '.claude-flow/guidance';
const DIR_VARIABLE = 'GUIDANCE_LEDGER_DIR';

/**
 * @type {Omit<FullConfig, 'storagePath' | 'limits'> &
 *   { storagePath: undefined, maxEvents: number, retention: undefined }}
 */
const DEFAULTS = {
  storagePath: undefined,
  maxEvents: 10_000,
  compactIntervalMs: 60 * 60 * 1000,
  enableWAL: true,
  ...STORE_DEFAULTS,
  onError: undefined,
  store: undefined,
  retention: undefined,
};

const OPTIONS = Object.keys(DEFAULTS);
/** What a store that was given has of its own. */
const OF_THE_STORE = ['storagePath', ...STORE_OPTIONS];
const USAGE = "createPersistentLedger({ storagePath: 'path/to/folder' })";

/**
 * @param {unknown} config
 * @returns {Record<string, unknown>}
 */
function checkShape(config) {
  if (config === undefined || config === null) return {};
  // An instance without keys of its own is a store or a URL, and no configuration.
  const unreadable = typeof config !== 'object' || check.isArray(config) || !check.canBeRead(config);
  if (unreadable || (className(config) && Object.keys(config).length === 0)) {
    const { message } = check.wrongType('config', 'an object of options', config);
    throw check.typeError(`${message}. Use ${USAGE}`);
  }
  const options = /** @type {Record<string, unknown>} */ (config);
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined && options.storagePath === undefined && options.store === undefined) {
    const { refuse } = require('../shared/unknown-option.js');
    refuse('config', [unknown], OPTIONS, `There is no storagePath. Use ${USAGE}`);
  }
  check.checkKnown('config', options, OPTIONS, 'warn');
  return options;
}

/** The folder where none is named: of the environment, else that of the original. */
function defaultFolder() {
  const path = process.env[DIR_VARIABLE] || DEFAULT_DIR;
  if (!path.includes('\ufffd')) return path;
  throw check.outOfRange(DIR_VARIABLE, 'a path in UTF-8', path);
}

/**
 * The store that was given, if one was. It has its own folder and durability: what is said here of such things
 * would be passed over.
 * @param {Record<string, unknown>} options
 */
function givenStore({ store, ...options }) {
  if (store === undefined) return undefined;
  const beside = OF_THE_STORE.find((name) => options[name] !== undefined);
  if (beside === undefined) return require('../store/ledger-store.js').checkStore(store);
  throw check.typeError(
    `${beside} cannot stand beside store, which has its own: leave ${beside} out, or store`,
  );
}

/**
 * What a compaction keeps: a number of events, or limits. The default number is a limit only where no other is named.
 * @param {Record<string, unknown>} given
 * @returns {number | import('../../index.d.ts').Retention}
 */
function limitsOf({ retention, maxEvents }) {
  const most = check.checkCount('maxEvents', maxEvents === undefined ? DEFAULTS.maxEvents : maxEvents);
  if (retention === undefined) return most;
  const { checkRetention, namesNone } = require('../shared/retention.js');
  const { limits, archive } = checkRetention('retention', retention);
  if (namesNone(limits) || (limits.maxEvents === undefined && maxEvents !== undefined))
    limits.maxEvents = most;
  const named = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return {
    ...Object.fromEntries(named),
    ...(archive === null ? {} : { archive: archive === '' ? true : archive }),
  };
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
  const store = givenStore(given);
  if (full.storagePath === undefined) full.storagePath = defaultFolder();
  return {
    store,
    storagePath: check.checkPath('storagePath', full.storagePath, USAGE),
    limits: limitsOf(given),
    compactIntervalMs: check.checkMilliseconds('compactIntervalMs', full.compactIntervalMs),
    enableWAL: check.checkBoolean('enableWAL', full.enableWAL),
    ...checkStoreOptions(full),
    onError: full.onError === undefined ? undefined : check.checkFunction('onError', full.onError),
  };
}

module.exports = { DEFAULT_DIR, DIR_VARIABLE, defaultFolder, readConfig };
