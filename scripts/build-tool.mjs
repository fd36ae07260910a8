/**
 * Builds the command-line tool and puts it beside the addon, where bin/guidance-ledger.js finds it:
 *
 *     node scripts/build-tool.mjs [--debug] [--target TRIPLE[.GLIBC]] [--zig]
 *
 * A target may name the oldest glibc, as `x86_64-unknown-linux-gnu.2.17` does; with `--zig` cargo-zigbuild builds.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const args = process.argv.slice(2);
const target = args.includes('--target') ? args[args.indexOf('--target') + 1] : undefined;
const profile = args.includes('--debug') ? 'debug' : 'release';

const flags = ['-p', 'guidance-ledger-tool', '--bin', 'guidance-ledger', '--locked'];
if (profile === 'release') flags.push('--release');
if (target !== undefined) flags.push('--target', target);
execFileSync('cargo', [args.includes('--zig') ? 'zigbuild' : 'build', ...flags], {
  cwd: root,
  stdio: 'inherit',
});

const triple = target?.replace(/\.\d+\.\d+$/, '');
const windows = triple?.includes('windows') ?? process.platform === 'win32';
const name = windows ? 'guidance-ledger.exe' : 'guidance-ledger';
const folder = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', ...(triple ? [triple] : []), profile);
// Removed first: a running executable cannot be written to.
rmSync(join(root, name), { force: true });
copyFileSync(join(folder, name), join(root, name));
chmodSync(join(root, name), 0o755);
