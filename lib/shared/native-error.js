'use strict';

// The error of an addon that could not be loaded: one sentence of cause, one of remedy.
//
// Each cause has a remedy of its own, found by the code and the text of the first failure. What the system said is
// kept as `cause`. Loaded after a failure only; building the message asks nothing of the system and cannot fail.

const { marked } = require('./ledger-error.js');

/**
 * One try at a binary: what it gave, or why it gave nothing. `request` is empty where there is no binary.
 * @typedef {{ request: string, target?: string, path?: string, addon?: any, error?: unknown }} Attempt
 */
/** @typedef {{ what: string, file: string, code: string, text: string, path?: string }} Failure */

/** What each addon is called, and the code of its error. */
const ADDONS = {
  store: { name: 'native addon', code: 'ERR_NATIVE_ADDON' },
  fleet: { name: 'native addon for shared stores', code: 'ERR_FLEET_ADDON' },
};
const PLATFORM = 'on the platform that the program runs on';
const BUILD = 'build the addon from source on this system';
const VARIABLE = 'NAPI_RS_NATIVE_LIBRARY_PATH';

/**
 * In the order of asking: what a failure is known by, the cause, and the remedy if it has one of its own.
 * @type {[(it: Failure) => unknown, (it: Failure) => string, ((it: Failure) => string | undefined)?][]}
 */
const CAUSES = [
  [
    ({ code }) => code === 'ERR_DLOPEN_DISABLED' && Reflect.get(process, 'permission') !== undefined,
    () => "Node's permission model keeps native addons out",
    () => 'Start Node with --allow-addons',
  ],
  [
    ({ code }) => code === 'ERR_DLOPEN_DISABLED',
    () => 'Node was started with --no-addons',
    () => 'Start it without that flag',
  ],
  [
    ({ code }) => code === 'ERR_ACCESS_DENIED',
    ({ what }) => `Node's permission model forbids reading ${what}`,
    () => 'Start Node with --allow-fs-read for the folder node_modules',
  ],
  [
    ({ text }) => /--allow-[a-z]+/.test(text),
    ({ text }) => `Deno was started without ${/--allow-[a-z]+/.exec(text)?.[0]}`,
    ({ text }) => `Start it with ${/--allow-[a-z]+/.exec(text)?.[0]}`,
  ],
  [
    ({ text }) => /^Dynamic require of/.test(text),
    () => 'it was bundled as an ES module, in which there is no require()',
    () => 'Leave guidance-ledger out of the bundle (esbuild: --packages=external), or bundle as CommonJS',
  ],
  [
    ({ code, text }) => isMissing(code) || /^Cannot find (?:module|package)/.test(text),
    ({ what, path }) => (path ? `there is no ${path}` : `${what} is not installed, or not as a whole`),
    ({ path }) =>
      path
        ? undefined
        : `Install again without --omit=optional, ${PLATFORM}; if the lockfile came from another one, remove it first`,
  ],
  [
    ({ text }) => /\bGLIBC(?:XX)?_[\d.]+/.test(text),
    ({ file, text }) =>
      `${file} needs a newer C library than this system has (${/\bGLIBC(?:XX)?_[\d.]+/.exec(text)?.[0]})`,
    () => `Use a newer system, or ${BUILD}`,
  ],
  [
    ({ text }) => /failed to map segment|noexec/.test(text),
    ({ file }) => `the file system of ${file} is mounted without the right to run programs (noexec)`,
    () => 'Install the package on a file system that is mounted without noexec',
  ],
  [
    ({ code, text }) => /^E(?:ACCES|PERM)$/.test(code) || /permission denied|not permitted/i.test(text),
    ({ file }) => `this user may not read ${file}`,
    () => 'Give the user the right to read that file and its folders',
  ],
  [
    ({ text }) => /too short|ELF|mach-o|truncated|file data|not a valid Win32|section header/i.test(text),
    ({ file }) => `${file} is damaged, or for another processor`,
  ],
  [
    ({ text }) => /relocating|symbol|libc\.musl|ld-linux|libc\.so/i.test(text),
    ({ file }) => `${file} does not fit this system's C library, or this Node`,
  ],
  [
    ({ text }) => /shared library|shared object file|Library not loaded/.test(text),
    ({ file, text }) => `a library that ${file} needs is missing (${text})`,
    () => 'Install that library with the package manager of the system',
  ],
  [() => true, ({ what, text }) => `${what} failed to load (${text})`],
];

/** @param {string} code */
function isMissing(code) {
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
}

/**
 * A property of something that was thrown, which may be anything; its first line.
 * @param {unknown} thrown
 * @param {'code' | 'message'} name
 */
function textOf(thrown, name) {
  try {
    const text = String(Reflect.get(Object(thrown), name) ?? (name === 'message' ? thrown : ''));
    return text.split('\n', 1)[0].slice(0, 300);
  } catch {
    return 'no reason is known';
  }
}

/**
 * What was loaded in place of our addon.
 * @param {string} what
 * @param {any} addon
 * @param {string} version
 */
function foreign(what, addon, version) {
  if (typeof addon?.ADDON_VERSION === 'string') {
    return `${what} has version ${addon.ADDON_VERSION.slice(0, 40)}, and this package has ${version}`;
  }
  const ours = typeof addon?.StoreCore === 'function';
  return ours ? `${what} has another version than this package` : `${what} is not the addon of this package`;
}

/**
 * @param {Attempt} attempt
 * @param {string} version that of this package
 * @returns {string[]} cause and remedy
 */
function diagnose({ request, target, path, addon, error }, version) {
  if (request === '') {
    const here = 'Use Linux, macOS or Windows on x64 or arm64';
    return [`there is no binary for ${target}`, `${here}, or ${BUILD} and name it in ${VARIABLE}`];
  }
  const what = path ? `the file ${path}, named by ${VARIABLE},` : `the package ${request}`;
  const remedy = path
    ? `Let ${VARIABLE} name a binary of this package and version, or unset it`
    : `Remove node_modules and install again, ${PLATFORM}`;
  if (error === undefined) return [foreign(what, addon, version), remedy];
  const text = textOf(error, 'message');
  const file = /(?:\/|[A-Z]:\\)[^:]*\.node/.exec(text)?.[0] ?? path ?? request;
  const failure = { what, file, path, text, code: textOf(error, 'code') };
  const [, cause, own] = CAUSES.find(([applies]) => applies(failure)) ?? CAUSES[CAUSES.length - 1];
  return [cause(failure), own?.(failure) ?? remedy];
}

/**
 * What the system said, without the list of files that led to it: printed with an uncaught error, that would bury
 * cause and remedy.
 * @param {unknown} thrown
 */
function reason(thrown) {
  const text = textOf(thrown, 'message');
  return Object.assign(new Error(text), { stack: `Error: ${text}`, code: textOf(thrown, 'code') });
}

/**
 * @param {Attempt[]} attempts at least one
 * @param {string} version that of this package
 * @param {'store' | 'fleet'} [which] of the two addons
 * @returns {Error}
 */
function nativeError(attempts, version, which = 'store') {
  const attempt = attempts.find(({ error }) => !isMissing(textOf(error, 'code'))) ?? attempts[0];
  const { target = `${process.platform}-${process.arch}`, error } = attempt;
  const [cause, remedy] = diagnose(attempt, version);
  const { name, code } = ADDONS[which];
  const message = `guidance-ledger cannot load its ${name} on ${target}: ${cause}. ${remedy}.`;
  const failure = new Error(message, error === undefined ? {} : { cause: reason(error) });
  return marked(failure, { code });
}

module.exports = { nativeError };
