'use strict';

// Where the executable of this package may be. Loaded by the command and by what starts it from a program.

const { existsSync } = require('node:fs');
const { dirname, join } = require('node:path');

const NAME = process.platform === 'win32' ? 'guidance-ledger.exe' : 'guidance-ledger';

/** The packages that may hold the executable for this platform. A system may have both C libraries. */
function packages() {
  const { platform, arch } = process;
  const kinds = platform === 'linux' ? ['-gnu', '-musl'] : [platform === 'win32' ? '-msvc' : ''];
  return kinds.map((kind) => `guidance-ledger-${platform}-${arch}${kind}`);
}

/** The executables that are there: beside the addon of a clone, then in the package of the platform. */
function candidates() {
  const found = [join(__dirname, '..', NAME)];
  for (const name of packages()) {
    try {
      found.push(join(dirname(require.resolve(`${name}/package.json`)), NAME));
    } catch {
      // Not installed: npm installs the one for this platform only.
    }
  }
  return found.filter((path) => existsSync(path));
}

module.exports = { candidates, packages };
