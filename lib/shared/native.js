'use strict';

// The native addon, as the rest of lib/ gets it: with classes of this realm.
//
// The only file that requires the loader; a failure to load is the loader's error, which says what to do.

const binding = require('../../binding.js');

const isOurRealm = Object.getPrototypeOf(binding.StoreCore) === Function.prototype;

/** @type {typeof import('../../binding.js')} */
module.exports = isOurRealm ? binding : require('./realm.js').adopted(binding);
