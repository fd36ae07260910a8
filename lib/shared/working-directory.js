'use strict';

// A relative path where the working directory is gone, or has a name that Node cannot show.
//
// Node shows what is not UTF-8 as U+FFFD, which may also be part of a name: the folder itself decides. A path that
// would lead to another folder is refused. Loaded only where the name looks wrong.

const { statSync } = require('node:fs');
const { resolve } = require('node:path');
const { outOfRange } = require('./argument-error.js');
const { marked } = require('./ledger-error.js');

/**
 * Whether the working directory is the folder of this name.
 * @param {string} cwd
 */
function isHere(cwd) {
  const [here, there] = ['.', cwd].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return here !== undefined && here.ino === there?.ino && here.dev === there.dev;
}

/**
 * @param {string} name
 * @param {string} path
 * @returns {string} absolute
 */
function resolveFrom(name, path) {
  let cwd;
  try {
    cwd = process.cwd();
  } catch (cause) {
    const error = new Error(`The working directory is gone. Give an absolute ${name}`, { cause });
    throw marked(error, { code: 'ENOENT', path, syscall: 'uv_cwd' });
  }
  if (isHere(cwd)) return resolve(cwd, path);
  throw outOfRange(name, 'absolute, since the name of the working directory is not UTF-8', path);
}

module.exports = { resolveFrom };
