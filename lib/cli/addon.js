'use strict';

// The package, loaded when a command needs it: help and doctor work where the binary does not load.

/** @returns {typeof import('../../index.d.ts')} */
const addon = () => require('../../index.js');

module.exports = { addon };
