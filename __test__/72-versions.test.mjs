/** One version: every place that names it names the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const read = (...path) => readFileSync(join(ROOT, ...path), 'utf8');
const json = (...path) => JSON.parse(read(...path));

const { version } = json('package.json');

test('the packages of the platforms', () => {
  const platforms = readdirSync(join(ROOT, 'npm'));
  expect(platforms.length).toBe(8);
  for (const platform of platforms)
    expect(json('npm', platform, 'package.json').version, platform).toBe(version);
});

test('the lock files', () => {
  const { version: locked, packages } = json('package-lock.json');
  expect([locked, packages[''].version]).toEqual([version, version]);
  // Packages of the workspace have no source.
  const crates = ['Cargo.lock', 'fuzz/Cargo.lock'].flatMap((name) =>
    read(name)
      .split('[[package]]')
      .slice(1)
      .filter((entry) => !entry.includes('\nsource = '))
      .map((entry) => [/name = "(.+)"/.exec(entry)[1], /version = "(.+)"/.exec(entry)[1]]),
  );
  expect(crates.length).toBeGreaterThan(7);
  // The fuzz targets are no part of a release.
  expect(crates.filter(([name, found]) => found !== version && !name.includes('fuzz'))).toEqual([]);
});

test('the workspace of crates', () => {
  const [, workspace] = read('Cargo.toml').split('[workspace.package]');
  expect(/^version = "(.+)"$/m.exec(workspace)[1]).toBe(version);
});

test('the loaders of the addons', () => {
  for (const loader of ['binding.js', 'fleet-binding.js'])
    expect(read(loader), loader).toContain(`const VERSION = '${version}';`);
});

test('the newest heading of the changelog, and the example of doctor', () => {
  expect(/^## (.+)$/m.exec(read('CHANGELOG.md'))[1]).toMatch(
    new RegExp(`^${version.replaceAll('.', '\\.')} \\(\\d{4}-\\d{2}-\\d{2}\\)$`),
  );
  expect(read('docs', 'cli.md')).toContain(`guidance-ledger ${version}\n`);
});
