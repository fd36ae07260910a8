'use strict';

// The second native addon, as the rest of lib/fleet gets it. The only file that requires its loader.

/** @type {typeof import('../../fleet-binding.js')} */
module.exports = require('../../fleet-binding.js');
