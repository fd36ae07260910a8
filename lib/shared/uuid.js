'use strict';

// Random UUIDs (version 4, RFC 9562), from the addon: loading node:crypto would cost a hook 3 ms.

const { StoreCore } = require('./native.js');

/** UUIDs made at a time, so that one costs no native call of its own. */
const STOCK = 64;

/** @type {string[]} */
let stock = [];

/** @returns {string} */
function randomUUID() {
  if (stock.length === 0) stock = StoreCore.newEventIds(STOCK);
  return /** @type {string} */ (stock.pop());
}

module.exports = { randomUUID };
