/**
 * Makes the folders ready for `npm publish`: `node scripts/prepare-release.mjs [FOLDER]`, in a clean checkout with
 * the addons and the executable of each target in its folder under `npm/` (`napi artifacts` and place-tools.mjs put
 * them there).
 *
 * The face is bundled, and its sources are removed. Platform packages get the licences; the manifest gets one optional
 * dependency per platform, in the exact version, and loses `prepare`, which is for clones. The changes are for the
 * archive only: never commit them.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleFace } from './bundle-face.mjs';

const root = resolve(process.argv[2] ?? '.');
const platforms = readdirSync(join(root, 'npm')).map((platform) => join(root, 'npm', platform));

for (const platform of platforms) {
  for (const file of ['LICENSE', 'THIRD-PARTY-LICENSES.md'])
    copyFileSync(join(root, file), join(platform, file));
  // Artifacts lose the executable bit. Fails if the executable is missing.
  chmodSync(join(platform, platform.includes('win32') ? 'guidance-ledger.exe' : 'guidance-ledger'), 0o755);
}

bundleFace(root);
const sources = ['binding.js', 'binding.d.ts', 'fleet-binding.js', 'fleet-binding.d.ts'];
for (const source of [...sources, 'lib/fleet', 'lib/ledger', 'lib/shared', 'lib/store'])
  rmSync(join(root, source), { recursive: true });

// Provenance ties a package to the repository it names. Only the workflow knows where that is.
const { GITHUB_REPOSITORY: repository } = process.env;
const address = `https://github.com/${repository}`;
for (const folder of [root, ...platforms]) {
  const path = join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  delete manifest.scripts?.prepare;
  if (repository) {
    manifest.repository = { type: 'git', url: `git+${address}.git` };
    manifest.bugs = { url: `${address}/issues` };
    manifest.homepage = `${address}#readme`;
  }
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

// Refuses if a binary is missing, and sets the versions. It publishes nothing with these flags.
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js'),
    ...['pre-publish', '-t', 'npm', '--skip-optional-publish', '--no-gh-release'],
  ],
  { cwd: root, stdio: 'inherit' },
);
