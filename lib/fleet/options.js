'use strict';

// The options of a fleet's stores and ledgers: defaults and checks.
//
// What is not said here the environment may say: GUIDANCE_FLEET_URL, _LEDGER, _SCHEMA and _LABEL, then the variables of
// PostgreSQL's own programs. The file `.events.fleet` of a folder is never read: a folder can come from a stranger, and
// would choose where events go.

const check = require('../shared/arguments.js');
const { STORE_OPTIONS, storeOptionsOf } = require('../store/store-options.js');

/** @typedef {import('../../fleet.d.ts').FleetStoreOptions} FleetStoreOptions */
/** @typedef {import('../../fleet-binding.js').FleetCore} FleetCore */
/** @typedef {{ url: string | undefined, ledger: string, schema: string | undefined, label: string | undefined }} Place */

const OF_THE_FLEET = ['url', 'ledger', 'schema', 'label', 'ship', 'pending', 'onError'];
const OF_THE_FOLDER = ['storagePath', ...STORE_OPTIONS];
const OPTIONS = [...OF_THE_FLEET, ...OF_THE_FOLDER];
const USAGE = "createFleetStore({ url: 'postgres://user@host/database', storagePath: 'path/to/folder' })";

/** Any of these says where a server is. */
const OF_POSTGRESQL = ['PGHOST', 'PGHOSTADDR', 'PGSERVICE'];

/** @param {string} name */
function variable(name) {
  return process.env[name] || undefined;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string | undefined}
 */
function checkText(name, value) {
  if (value === undefined || typeof value === 'string') return value;
  throw check.wrongType(name, 'a string', value);
}

/**
 * @template {string} T
 * @param {string} name
 * @param {unknown} value
 * @param {readonly T[]} among the first is the default
 * @returns {T}
 */
function checkChoice(name, value, among) {
  if (value === undefined) return among[0];
  const found = among.find((each) => each === value);
  if (found !== undefined) return found;
  const expected = among.map((each) => `'${each}'`).join(' or ');
  throw typeof value === 'string'
    ? check.outOfRange(name, expected, value)
    : check.wrongType(name, expected, value);
}

/**
 * A connection string. It may hold a password, so no message quotes it.
 * @param {unknown} value
 */
function checkUrl(value) {
  if (value !== undefined && typeof value !== 'string') {
    throw check.typeError(
      `url must be a connection string, not ${value === null ? 'null' : `a ${typeof value}`}. Use ${USAGE}`,
    );
  }
  const url = value ?? variable('GUIDANCE_FLEET_URL');
  if (url || OF_POSTGRESQL.some((name) => variable(name) !== undefined)) return url || undefined;
  throw check.typeError(
    `no store is named: neither by url nor by $GUIDANCE_FLEET_URL or $PGHOST. Use ${USAGE}`,
  );
}

/**
 * @param {unknown} value
 */
function readOptions(value) {
  if (value !== undefined && (typeof value !== 'object' || value === null || check.isArray(value))) {
    throw check.typeError(`${check.wrongType('options', 'an object', value).message}. Use ${USAGE}`);
  }
  const options = check.checkOptions('options', value, OPTIONS, 'refuse');
  const url = checkUrl(options.url);
  const ledger = checkText('ledger', options.ledger) ?? variable('GUIDANCE_FLEET_LEDGER') ?? 'default';
  const schema = checkText('schema', options.schema) ?? variable('GUIDANCE_FLEET_SCHEMA');
  const label = checkText('label', options.label) ?? variable('GUIDANCE_FLEET_LABEL');
  const ship = checkChoice('ship', options.ship, /** @type {const} */ (['manual', 'auto', 'background']));
  const beside = OF_THE_FOLDER.concat(ship === 'manual' ? [] : 'ship');
  const without = beside.find((name) => options[name] !== undefined && options.storagePath === undefined);
  if (without !== undefined) {
    throw check.typeError(`${without} is about a folder, and no storagePath names one. Use ${USAGE}`);
  }
  return {
    place: { url, ledger, schema, label },
    storagePath:
      options.storagePath === undefined
        ? undefined
        : check.checkPath('storagePath', options.storagePath, USAGE),
    folder: storeOptionsOf(options),
    // The operator's switch for a whole machine.
    ship: variable('GUIDANCE_FLEET') === 'off' ? 'manual' : ship,
    pending: checkChoice('pending', options.pending, /** @type {const} */ (['include', 'exclude'])),
    onError:
      options.onError === undefined
        ? undefined
        : /** @type {(error: Error) => void} */ (check.checkFunction('onError', options.onError)),
  };
}

/**
 * A ledger in a shared store. The first one loads the second addon, which knows whether the settings can be used.
 * @param {Place} place
 * @returns {FleetCore}
 */
function coreOf(place) {
  return new (require('./native.js').FleetCore)(place);
}

module.exports = { coreOf, readOptions };
