#!/usr/bin/env node
'use strict';

// The command-line tool. All of it is in lib/cli, which nothing else loads.

require('../lib/cli/main.js').main(process.argv.slice(2));
