'use strict';

// Starts `guidance-ledger fleet ship` for a folder: it ships what waits, stays for half a minute, and ends by itself.
//
// It belongs to no terminal, holds no file of this process, and outlives it. Where to ship it learns through its
// environment: other users of the machine can see the arguments of a process.

const { spawn } = require('node:child_process');
const { dirname, join } = require('node:path');

/** How long it stays after the last event. */
const LINGER = '30s';

/** The executable of this package. Asked for by name: a bundle has no neighbours. */
function executable() {
  const folder = dirname(require.resolve('guidance-ledger/package.json'));
  const [found] = require(join(folder, 'bin', 'executable.js')).candidates();
  if (found === undefined) throw new Error(`there is no executable of guidance-ledger beside ${folder}`);
  return found;
}

/**
 * @param {string} folder
 * @param {import('./options.js').Place} place
 * @returns {Promise<void>} once it runs
 */
function startShipper(folder, { url, ledger, schema, label }) {
  const env = {
    ...process.env,
    // What names no server leaves that to the variables of PostgreSQL.
    GUIDANCE_FLEET_URL: url ?? 'postgresql://',
    GUIDANCE_FLEET_LEDGER: ledger,
    GUIDANCE_FLEET_SCHEMA: schema ?? '',
    GUIDANCE_FLEET_LABEL: label ?? '',
  };
  const args = ['fleet', 'ship', '--linger', LINGER, '--dir', folder];
  return new Promise((resolve, reject) => {
    const child = spawn(executable(), args, {
      env,
      detached: true,
      stdio: 'ignore',
      windowsHide: true,
      cwd: folder,
    });
    child.once('error', reject);
    child.once('spawn', () => resolve());
    child.unref();
  });
}

module.exports = { startShipper };
