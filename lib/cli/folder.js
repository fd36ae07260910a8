'use strict';

// The folder that a command works on, and the names in it that the tool itself looks at.
//
// ```text
// events.ndjson                     the log
// index.json                        courtesy copy of the sums
// events.rejected.ndjson            lines that a rewrite could not understand
// events.backup.<time>.ndjson       copy of the log, made before a repair
// ```

const { existsSync, statSync } = require('node:fs');
const { dirname, join } = require('node:path');

const { DEFAULT_DIR, DIR_VARIABLE, defaultFolder } = require('../ledger/config.js');
const { resolvePath } = require('../shared/arguments.js');

/** @typedef {ReturnType<typeof folderAt>} StoreFolder */

/** @param {string} path */
function isFolder(path) {
  return existsSync(path) && statSync(path).isDirectory();
}

/** @param {string} dir */
function folderAt(dir) {
  const path = resolvePath('the folder', dir);
  return {
    /** As it was given. */
    dir,
    path,
    log: join(path, 'events.ndjson'),
    index: join(path, 'index.json'),
    rejected: join(path, 'events.rejected.ndjson'),
    exists: existsSync(path),
    /** Something that is no folder stands in its place. */
    isFile: existsSync(path) && !isFolder(path),
  };
}

/**
 * Name for a copy of the log that is made now.
 * @param {StoreFolder} folder
 * @param {Date} now
 */
function backupPath(folder, now) {
  return join(folder.path, `events.backup.${now.toISOString().replaceAll(':', '-')}.ndjson`);
}

/**
 * The folder that `options` and the environment name.
 * @param {string | undefined} option
 */
function chosenFolder(option) {
  return folderAt(option ?? defaultFolder());
}

/**
 * Whether a path is one of a store's files: nothing else may be written there.
 * @param {StoreFolder} folder
 * @param {string} path
 */
function isStoreFile(folder, path) {
  const name = path.slice(dirname(path).length + 1);
  if (!/^(?:events\.(?:ndjson|rejected\.|tmp\.)|\.events\.|index\.json$|\.lock$)/.test(name)) return false;
  const at = (/** @type {string} */ place) => statSync(place, { bigint: true, throwIfNoEntry: false });
  const [ours, theirs] = [at(folder.path), at(dirname(path))];
  return ours !== undefined && ours.ino === theirs?.ino && ours.dev === theirs?.dev;
}

module.exports = { DEFAULT_DIR, DIR_VARIABLE, backupPath, chosenFolder, folderAt, isFolder, isStoreFile };
