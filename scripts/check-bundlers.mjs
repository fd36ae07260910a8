/**
 * What docs/bundlers.md says, tried with the packed package: bundlers, test runners, package managers.
 *
 * Each gets the one line that the page gives it, and what comes out is run. Next is tried by hand: it is too large
 * for a check.
 */

import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const GOOD = 'true true 1';

/**
 * @param {object} kit
 * @param {(what: string, found: unknown, expected: unknown) => void} kit.check
 * @param {(program: string, args: string[], options?: object) => string} kit.attempt
 * @param {() => Record<string, string>} kit.quiet an environment
 * @param {(path: string) => string} kit.tool a path in the folder of tools
 * @param {string} kit.root of the repository
 * @param {string} kit.work a temporary folder
 */
export function checkBundlers({ check, attempt, quiet, tool, root, work }, project, archives) {
  const node = process.execPath;
  const store = () => mkdtempSync(join(work, 'store-'));
  const run = (cwd, ...args) => attempt(node, args, { cwd, env: quiet() });
  /** Runs a program with nothing beside it that was not bundled. */
  const alone = (folder, program) => {
    const place = mkdtempSync(join(work, 'alone-'));
    cpSync(folder, place, { recursive: true });
    return run(place, join(place, program), store());
  };

  const esbuild = (...flags) => attempt(tool('@esbuild/linux-x64/bin/esbuild'), flags, { cwd: project });
  esbuild(
    'use.mjs',
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--packages=external',
    '--outfile=esbuild/a.mjs',
  );
  check('esbuild, left out of the bundle', run(project, 'esbuild/a.mjs', store()), GOOD);
  esbuild('use.cjs', '--bundle', '--platform=node', '--loader:.node=copy', '--outfile=esbuild-copy/a.cjs');
  check('esbuild, in the bundle', alone(join(project, 'esbuild-copy'), 'a.cjs'), GOOD);

  const webpack = `
    const config = { mode: 'production', target: 'node', entry: './use.cjs', context: ${JSON.stringify(project)},
      output: { path: ${JSON.stringify(join(project, 'webpack'))}, filename: 'a.cjs' },
      externals: [/^guidance-ledger/], externalsType: 'commonjs' };
    require(${JSON.stringify(tool('webpack'))})(config, (error, stats) => {
      const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
      console.log(error ?? [...errors, ...warnings].map(({ message }) => message).join('\\n'));
    });`;
  check('webpack: no error and no warning', run(project, '-e', webpack), '');
  check('webpack: the output runs', run(project, 'webpack/a.cjs', store()), GOOD);

  run(project, tool('@vercel/ncc/dist/ncc/cli.js'), 'build', 'use.cjs', '-o', 'ncc');
  check('ncc, with nothing said', alone(join(project, 'ncc'), 'index.cjs'), GOOD);

  attempt(tool('@oven/bun-linux-x64/bin/bun'), ['build', 'use.mjs', '--target=bun', '--outdir=bun'], {
    cwd: project,
    env: quiet(),
  });
  const bun = mkdtempSync(join(work, 'alone-'));
  cpSync(join(project, 'bun'), bun, { recursive: true });
  check(
    'bun build',
    attempt(tool('@oven/bun-linux-x64/bin/bun'), ['use.js', store()], { cwd: bun, env: quiet() }),
    GOOD,
  );

  checkRunners({ check, attempt, quiet, tool, root }, project);
  checkManagers({ check, attempt, quiet, tool, work }, project, archives);
}

/** Jest and Vitest, each with the test that `scripts/consumer` holds. */
function checkRunners({ check, attempt, quiet, tool, root }, project) {
  for (const environment of ['node', 'jsdom']) {
    const testEnvironment = environment === 'node' ? environment : tool('jest-environment-jsdom');
    const config = {
      rootDir: project,
      testMatch: ['**/runner.test.cjs'],
      moduleFileExtensions: ['cjs', 'js'],
      testEnvironment,
    };
    const args = [tool('jest/bin/jest.js'), '--ci', '--config', JSON.stringify(config)];
    const { passed, said } = outcome(
      attempt(process.execPath, args, { cwd: project, env: quiet(), stdio: 'pipe' }),
    );
    check(`Jest, ${environment}`, passed || said, true);
  }
  for (const pool of ['forks', 'threads', 'vmForks', 'vmThreads']) {
    const args = [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      project,
      '--globals',
      '--pool',
      pool,
    ];
    const said = attempt(process.execPath, [...args, 'runner.test.mjs'], { cwd: project, env: quiet() });
    check(`Vitest, ${pool}`, /Tests +1 passed/.test(said) || said, true);
  }
}

/** Jest says on stderr what it did; `attempt` gives that only of a failure. */
function outcome(said) {
  return { passed: !/^\d+: /.test(said), said };
}

/** Each installs the archives into an empty folder, without a registry, and runs both programs. */
function checkManagers({ check, attempt, quiet, tool, work }, project, archives) {
  const file = (platform) => `file:${archives.get(platform).path}`;
  const platforms = [...archives.keys()].filter((platform) => platform !== '');
  const binaries = Object.fromEntries(platforms.map((it) => [`guidance-ledger-${it}`, file(it)]));
  const yarn = tool('@yarnpkg/cli-dist/bin/yarn.js');
  const managers = [
    {
      name: 'pnpm',
      install: [tool('pnpm/bin/pnpm.cjs'), 'install', '--offline', '--ignore-scripts'],
      files: { 'pnpm-workspace.yaml': `overrides: ${JSON.stringify(binaries)}\n` },
      program: [],
    },
    ...['pnp', 'node-modules'].map((linker) => ({
      name: `yarn, ${linker}`,
      install: [yarn, 'install', '--no-immutable'],
      files: {
        '.yarnrc.yml': `nodeLinker: ${linker}\npnpEnableEsmLoader: true\nenableNetwork: false\nenableTelemetry: false\n`,
        'yarn.lock': '',
      },
      program: [yarn, 'node'],
    })),
  ];
  for (const { name, install, files, program } of managers) {
    const folder = mkdtempSync(join(work, 'managed-'));
    const manifest = { private: true, dependencies: { 'guidance-ledger': file('') }, resolutions: binaries };
    for (const [path, content] of Object.entries({ ...files, 'package.json': JSON.stringify(manifest) })) {
      writeFileSync(join(folder, path), content);
    }
    for (const each of ['use.mjs', 'use.cjs']) cpSync(join(project, each), join(folder, each));
    const env = { ...quiet(), HOME: mkdtempSync(join(work, 'home-')) };
    const installed = attempt(process.execPath, install, { cwd: folder, env });
    for (const each of ['use.mjs', 'use.cjs']) {
      const place = mkdtempSync(join(work, 'store-'));
      const said = attempt(process.execPath, [...program, each, place], { cwd: folder, env });
      check(`${name}: ${each}`, said === GOOD ? said : `${installed}\n${said}`, GOOD);
    }
  }
}
