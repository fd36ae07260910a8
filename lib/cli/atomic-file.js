'use strict';

// A file that is there whole or not at all.
//
// It is written under another name beside its place, brought to the disk, and then renamed. Whatever ends the
// process before that, a signal included, leaves the old file as it was; what can still be tidied up is.

const { randomBytes } = require('node:crypto');
const { existsSync, realpathSync, rmSync, statSync } = require('node:fs');
const { open, rename } = require('node:fs/promises');
const { basename, dirname, join, resolve } = require('node:path');
const { isFolder, isStoreFile } = require('./folder.js');
const { UsageError } = require('./usage-error.js');

/** Events may hold secrets: a new file is its owner's. */
const MODE = 0o600;
/** @type {[NodeJS.Signals, number][]} */
const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
];

/**
 * The place that is really written: a link's target, and never a device, a pipe, a folder or a store's file.
 * @param {string} path
 * @param {import('./folder.js').StoreFolder} folder
 * @param {string} flag
 */
function place(path, folder, flag) {
  const parent = dirname(resolve(path));
  if (!isFolder(parent)) {
    const [code, what] = existsSync(parent) ? ['ENOTDIR', 'is no folder'] : ['ENOENT', 'is not there'];
    throw Object.assign(new Error(`${code}: ${parent}, where ${flag} would be, ${what}`), { code });
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isFile()) throw new UsageError(`${flag} must be an ordinary file; ${path} is none`);
  const real = found ? realpathSync(path) : resolve(path);
  if (isStoreFile(folder, real)) throw new UsageError(`${flag} must not be a file of the store; got ${path}`);
  return { real, mode: found ? found.mode & 0o777 : MODE };
}

/**
 * @param {string} path
 * @param {import('./folder.js').StoreFolder} folder
 * @param {string} flag the option that named the path
 * @param {(write: (text: string) => Promise<void>) => Promise<void>} compose writes the content
 */
async function writeAtomically(path, folder, flag, compose) {
  const { real, mode } = place(path, folder, flag);
  const temporary = join(dirname(real), `.${basename(real)}.${randomBytes(6).toString('hex')}.tmp`);
  const tidy = () => rmSync(temporary, { force: true });
  const handlers = SIGNALS.map(([signal, code]) => ({ signal, end: () => process.exit(code) }));
  process.on('exit', tidy);
  for (const { signal, end } of handlers) process.on(signal, end);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await compose(async (text) => {
        await handle.appendFile(text);
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, real);
    await syncFolder(dirname(real));
  } catch (error) {
    tidy();
    throw error;
  } finally {
    process.off('exit', tidy);
    for (const { signal, end } of handlers) process.off(signal, end);
  }
}

/**
 * Brings a rename to the disk. Windows opens no folders, and its renames need no help.
 * @param {string} path
 */
async function syncFolder(path) {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

module.exports = { syncFolder, writeAtomically };
