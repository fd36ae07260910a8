'use strict';

// The native addon, as the rest of lib/ gets it.
//
// The only file that requires the loader; a failure to load is the loader's error, which says what to do.

module.exports = require('../../binding.js');
