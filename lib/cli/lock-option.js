'use strict';

// --lock-timeout, of every command that takes the lock.

const { addon } = require('./addon.js');
const { spanOption } = require('./times.js');

const LOCK_TIMEOUT_MS = 5000;

/** @type {import('./options.js').Options} */
const LOCK_OPTION = {
  'lock-timeout': {
    type: 'string',
    value: 'SPAN',
    help: 'how long to wait for another holder of the lock (default: 5s)',
    read: spanOption,
  },
};

/**
 * A store that waits for the lock as long as the options say.
 * @param {import('./folder.js').StoreFolder} folder
 * @param {Record<string, any>} options
 * @param {import('../../index.d.ts').StoreOptions} [more]
 */
function lockingStore(folder, options, more) {
  return addon().createEventStore(folder.path, {
    lockTimeoutMs: options['lock-timeout'] ?? LOCK_TIMEOUT_MS,
    ...more,
  });
}

module.exports = { LOCK_OPTION, lockingStore };
