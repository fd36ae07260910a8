#!/usr/bin/env node
'use strict';

// The command-line tool is an executable of its own, beside the addon. This file finds it and runs it: the same
// stdin, stdout and stderr, the same arguments, signals and exit code. `guidance-ledger which` says where it is, for
// those who want to run it without Node.

const { spawn } = require('node:child_process');
const { candidates, packages } = require('./executable.js');

/** @type {NodeJS.Signals[]} */
const SIGNALS =
  process.platform === 'win32' ? ['SIGINT', 'SIGBREAK'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** @param {string} cause */
function missing(cause) {
  process.stderr.write(
    [
      'guidance-ledger: the executable could not be run.',
      `Platform: ${process.platform} ${process.arch}. Package tried: ${packages().join(', ')}.`,
      `Cause: ${cause}`,
      'Install again without --omit=optional; in a clone, run npm run build.',
      '',
    ].join('\n'),
  );
  process.exitCode = 4;
}

/** @param {string[]} paths the first is run; the others, if it does not start */
function run([path, ...others]) {
  const child = spawn(path, process.argv.slice(2), { stdio: 'inherit' });
  const forward = SIGNALS.map((signal) => /** @type {const} */ ([signal, () => child.kill(signal)]));
  for (const [signal, handler] of forward) process.on(signal, handler);
  const done = () => {
    for (const [signal, handler] of forward) process.off(signal, handler);
  };
  child.on('error', (error) => {
    done();
    if (others.length > 0) run(others);
    else missing(error.message);
  });
  child.on('exit', (code, signal) => {
    done();
    if (signal === null) process.exitCode = code ?? 4;
    else process.kill(process.pid, signal);
  });
}

const found = candidates();
if (found.length > 0) run(found);
else missing('it is not there');
