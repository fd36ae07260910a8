'use strict';

// The native addon: which file it is, and that it is ours.
//
// A binary beside this file comes first (a clone that built its own, a bundle that it was copied to), then the
// package of the platform; NAPI_RS_NATIVE_LIBRARY_PATH, if it is set, takes the place of both. Each request is
// spelled out, so that bundlers see it. What this file hands out is the addon of this package in this version; all
// else is an error with `code: 'ERR_NATIVE_ADDON'`. It never starts a process, and uses no network.

/** The version of package.json and Cargo.toml, of which no other addon is taken. */
const VERSION = '0.2.0';

/** @typedef {import('./lib/shared/native-error.js').Attempt} Attempt */

/** How much of the running program is looked at. Its headers and the name of its loader are at the beginning. */
const HEAD_BYTES = 4096;

/**
 * The C library that this program runs on. Each has a dynamic loader of its own, and a system may have both; then
 * the program says which is its. Empty if neither can be found.
 * @returns {'gnu' | 'musl' | ''}
 */
function libc() {
  try {
    const { closeSync, existsSync, openSync, readSync } = require('node:fs');
    if (!existsSync(`/lib/ld-musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`)) return 'gnu';
    const head = new Uint8Array(HEAD_BYTES);
    const fd = openSync('/proc/self/exe', 'r');
    try {
      readSync(fd, head, 0, HEAD_BYTES, 0);
    } finally {
      closeSync(fd);
    }
    const text = require('node:buffer').Buffer.from(head.buffer).toString('latin1');
    if (text.includes('/ld-musl')) return 'musl';
    return text.includes('/ld-linux') ? 'gnu' : '';
  } catch {
    return '';
  }
}

/** The platforms that a binary may be for, the likeliest first. */
function targets() {
  const { platform, arch } = process;
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  if (platform !== 'linux') return [`${platform}-${arch}`];
  const found = libc();
  return (found === '' ? ['gnu', 'musl'] : [found]).map((name) => `linux-${arch}-${name}`);
}

/**
 * Whether a binary for `target` lies beside this file.
 * @param {string} target
 */
function isHere(target) {
  try {
    return require('node:fs').existsSync(`${__dirname}/guidance-ledger.${target}.node`);
  } catch {
    return false; // a bundle without a folder of its own, or no right to look
  }
}

/**
 * The addon in the package of its platform, if that lies where package managers put it: beside this one. Node's own
 * search for it takes longer than to load it. An error is no answer: the search will have it, or a better one.
 * @param {string} target
 */
function sibling(target) {
  try {
    const { basename, dirname, join, toNamespacedPath } = require('node:path');
    const folder = dirname(__dirname);
    if (basename(folder) !== 'node_modules') return undefined;
    const file = join(folder, `guidance-ledger-${target}`, `guidance-ledger.${target}.node`);
    /** @type {{ exports: Attempt['addon'] }} */
    const module = { exports: {} };
    process.dlopen(module, toNamespacedPath(file));
    return module.exports;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} target
 * @returns {Attempt}
 */
function attempt(target) {
  const here = isHere(target);
  const request = here ? `guidance-ledger.${target}.node` : `guidance-ledger-${target}`;
  const addon = here ? undefined : sibling(target);
  if (addon?.ADDON_VERSION === VERSION) return { target, request, addon };
  try {
    // Within the `try`, or bundlers refuse what is not installed.
    switch (target) {
      case 'linux-x64-gnu':
        if (here) return { target, request, addon: require('./guidance-ledger.linux-x64-gnu.node') };
        return { target, request, addon: require('guidance-ledger-linux-x64-gnu') };
      case 'linux-x64-musl':
        if (here) return { target, request, addon: require('./guidance-ledger.linux-x64-musl.node') };
        return { target, request, addon: require('guidance-ledger-linux-x64-musl') };
      case 'linux-arm64-gnu':
        if (here) return { target, request, addon: require('./guidance-ledger.linux-arm64-gnu.node') };
        return { target, request, addon: require('guidance-ledger-linux-arm64-gnu') };
      case 'linux-arm64-musl':
        if (here) return { target, request, addon: require('./guidance-ledger.linux-arm64-musl.node') };
        return { target, request, addon: require('guidance-ledger-linux-arm64-musl') };
      case 'darwin-x64':
        if (here) return { target, request, addon: require('./guidance-ledger.darwin-x64.node') };
        return { target, request, addon: require('guidance-ledger-darwin-x64') };
      case 'darwin-arm64':
        if (here) return { target, request, addon: require('./guidance-ledger.darwin-arm64.node') };
        return { target, request, addon: require('guidance-ledger-darwin-arm64') };
      case 'win32-x64-msvc':
        if (here) return { target, request, addon: require('./guidance-ledger.win32-x64-msvc.node') };
        return { target, request, addon: require('guidance-ledger-win32-x64-msvc') };
      case 'win32-arm64-msvc':
        if (here) return { target, request, addon: require('./guidance-ledger.win32-arm64-msvc.node') };
        return { target, request, addon: require('guidance-ledger-win32-arm64-msvc') };
      default:
        return { target, request: '' };
    }
  } catch (error) {
    return { target, request, error };
  }
}

/**
 * The addon that the environment names. A bundler must not look for it, hence no plain `require`.
 * @param {string} path
 * @returns {Attempt}
 */
function named(path) {
  try {
    return { path, request: path, addon: require('node:module').createRequire(__filename)(path) };
  } catch (error) {
    return { path, request: path, error };
  }
}

/** The binary that the environment names. Deno may forbid to ask. */
function namedPath() {
  try {
    return process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  } catch {
    return undefined;
  }
}

function load() {
  const path = namedPath();
  /** @type {Attempt[]} */
  const attempts = [];
  for (const target of path ? [path] : targets()) {
    const tried = path ? named(path) : attempt(target);
    if (tried.addon?.ADDON_VERSION === VERSION) return tried.addon;
    attempts.push(tried);
  }
  throw require('./lib/shared/native-error.js').nativeError(attempts, VERSION);
}

module.exports = load();
