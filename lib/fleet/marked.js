'use strict';

// Marks an error as the ledger's own. What does so is loaded by the first error: a hook has none.

/** @type {typeof import('../shared/ledger-error.js').marked} */
module.exports = (...args) => require('../shared/ledger-error.js').marked(...args);
