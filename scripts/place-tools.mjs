/**
 * Puts the executable and the second addon of each target into its folder under `npm/`, where `napi artifacts` has put
 * the first addon: `node scripts/place-tools.mjs ARTIFACTS`, where
 * ARTIFACTS has a folder `binary-TARGET` for each target, as the workflow's jobs leave them.
 */

import { copyFileSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const artifacts = resolve(process.argv[2] ?? 'artifacts');
const ARCHITECTURES = { x86_64: 'x64', aarch64: 'arm64' };
const SYSTEMS = {
  'unknown-linux-gnu': ['linux', '-gnu'],
  'unknown-linux-musl': ['linux', '-musl'],
  'apple-darwin': ['darwin', ''],
  'pc-windows-msvc': ['win32', '-msvc'],
};

for (const target of JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).napi.targets) {
  const [architecture, ...rest] = target.split('-');
  const [system, kind] = SYSTEMS[rest.join('-')];
  const name = system === 'win32' ? 'guidance-ledger.exe' : 'guidance-ledger';
  const platform = `${system}-${ARCHITECTURES[architecture]}${kind}`;
  for (const file of [name, `guidance-ledger-fleet.${platform}.node`])
    copyFileSync(join(artifacts, `binary-${target}`, file), join(root, 'npm', platform, file));
}
