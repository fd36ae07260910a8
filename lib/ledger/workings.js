'use strict';

// What is inside a ledger: loaded when the first one is made.
//
// `import` of this package names both classes of ledgers, so that it has to evaluate them. A program that makes none
// pays for the classes alone.

module.exports = {
  ...require('./history.js'),
  ...require('./metrics.js'),
  ...require('./background.js'),
  ...require('./held-events.js'),
  ...require('./known.js'),
  ...require('./config.js'),
  ...require('./turns.js'),
  ...require('../store/ledger-store.js'),
};
