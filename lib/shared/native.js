'use strict';

// The native addon, and a readable error when it cannot be loaded.
//
// This is the only file that requires the generated loader. The loader's own error is a list of failed
// attempts; what a user needs first is the platform, the package that should have been there, and the real
// cause. Nothing here runs again after the first load, and what only the error needs is looked up after a
// failure.

/** @returns {string} 'gnu', 'musl' or 'msvc'; empty where a platform has but one C library. */
function libc() {
  if (process.platform === 'win32') return 'msvc';
  if (process.platform !== 'linux') return '';
  // The full report resolves host names, which can take minutes.
  const report = Object.assign(process.report, { excludeNetwork: true }).getReport();
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (report);
  return header.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
}

/**
 * Why each attempt failed, in the order of the attempts. The loader chains them as causes, the last one first,
 * under an error of its own that says nothing more; its attempts at a WebAssembly build, which we do not have,
 * would only distract.
 * @param {unknown} error
 * @returns {string[]}
 */
function reasons(error) {
  /** @type {string[]} */
  const found = [];
  for (let cause = error; cause instanceof Error && found.length < 20; cause = cause.cause) {
    found.unshift(cause.message.split('\n', 1)[0]);
  }
  const attempts = found.slice(0, -1).filter((message) => !message.includes('wasi'));
  return attempts.length > 0 ? attempts : [found.at(-1) ?? String(error)];
}

/**
 * @param {unknown} cause
 * @returns {Error}
 */
function loadError(cause) {
  const { name } = require('../../package.json');
  const abi = libc();
  const target = [process.platform, process.arch, abi].filter(Boolean).join('-');
  const system = `${process.platform} ${process.arch}${abi && `, ${abi}`}, Node ${process.version}`;
  const error = new Error(
    `${name}: the native addon could not be loaded on ${system}.\n` +
      `Package tried: ${name}-${target}. Install it without --omit=optional, or build from source.\n` +
      `Cause: ${reasons(cause).join('\n       ')}`,
    { cause },
  );
  return Object.assign(error, { code: 'ERR_NATIVE_ADDON' });
}

/** @returns {typeof import('../../binding.js')} */
function load() {
  try {
    return require('../../binding.js');
  } catch (cause) {
    throw loadError(cause);
  }
}

module.exports = load();
