'use strict';

// `guidance-ledger/guidance`: the very exports of the main entry. Only the types differ; see guidance.d.ts.

module.exports = require('./index.js');
