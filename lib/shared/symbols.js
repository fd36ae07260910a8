'use strict';

// Symbols that older Node versions lack. Where `Symbol.asyncDispose` is missing, `await using` is as well, and
// a private symbol keeps the method out of the way.

/** @type {typeof Symbol.asyncDispose} */
const asyncDispose = Symbol.asyncDispose ?? Symbol('Symbol.asyncDispose');

module.exports = { asyncDispose };
