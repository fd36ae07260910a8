'use strict';

// The second native addon, which speaks to shared stores: which file it is, and that it is ours.
//
// A binary beside this file comes first (a clone that built its own), then the package of the platform, which holds it
// beside the first addon. What this file hands out is the addon of this package in this version; all else is an error
// with `code: 'ERR_FLEET_ADDON'`. It never starts a process, and uses no network.

/** The version of package.json and Cargo.toml, of which no other addon is taken. */
const VERSION = '0.2.0';

/** @typedef {import('./lib/shared/native-error.js').Attempt} Attempt */

/** The platforms that a binary may be for. Of two C libraries the one loads that the program runs on. */
function targets() {
  const { platform, arch } = process;
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  return platform === 'linux' ? [`linux-${arch}-gnu`, `linux-${arch}-musl`] : [`${platform}-${arch}`];
}

/**
 * @param {string} target
 * @param {string} request
 * @returns {Attempt}
 */
function attempt(target, request) {
  try {
    return { target, request, addon: require(request) };
  } catch (error) {
    return { target, request, error };
  }
}

function load() {
  /** @type {Attempt[]} */
  const attempts = [];
  for (const target of targets()) {
    const file = `guidance-ledger-fleet.${target}.node`;
    for (const request of [`./${file}`, `guidance-ledger-${target}/${file}`]) {
      const tried = attempt(target, request);
      if (tried.addon?.ADDON_VERSION === VERSION) return tried.addon;
      attempts.push(tried);
    }
  }
  throw require('./lib/shared/native-error.js').nativeError(attempts, VERSION, 'fleet');
}

module.exports = load();
