'use strict';

// What an object calls itself.

/**
 * Name of an object's class; empty for a plain object.
 * @param {object} value
 * @returns {string}
 */
function className(value) {
  const name = value.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? name : '';
}

module.exports = { className };
