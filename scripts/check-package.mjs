/**
 * The package as a user gets it: packed as a release packs it, installed into an empty folder, used.
 *
 *     node scripts/check-package.mjs      (Linux x64 with glibc, after `npm run build`)
 *
 * The steps are those of a release: prepare-release.mjs completes the manifests, `npm pack` makes the
 * archives. Binaries of the seven platforms that were not built are stand-ins, which no install here may
 * touch. The runtimes and linters come from `scripts/runtimes`, about 1.2 GB. Nothing is published, and the
 * installation asks no registry. In the working tree only the ignored `scripts/runtimes/node_modules` is
 * written.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { checkBundlers } from './check-bundlers.mjs';

if (process.platform !== 'linux' || process.arch !== 'x64') {
  throw new Error('This check needs Linux x64: its runtimes are built for that.');
}

const HERE = 'linux-x64-gnu';
const root = resolve(import.meta.dirname, '..');
const manifest = json(join(root, 'package.json'));
const { name, version } = manifest;
const platforms = readdirSync(join(root, 'npm'));
const work = mkdtempSync(join(tmpdir(), 'guidance-ledger-package-'));
const npm = npmScript();
const modules = join(root, 'scripts', 'runtimes', 'node_modules');
const tool = (path) => join(modules, path);
let passed = 0;
let failed = 0;

try {
  run(process.execPath, [npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: dirname(modules),
  });
  checkClone();
  const archives = pack(stage());
  checkArchives(archives);
  const project = install(archives);
  checkRuntimes(project);
  checkBundlers({ check, attempt, quiet, tool, root, work }, project, archives);
  checkTypes(project);
  checkLinters(archives);
  checkLoaderError(project);
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function json(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function check(what, found, expected) {
  if (isDeepStrictEqual(found, expected)) {
    passed++;
    console.log(`ok      ${what}`);
  } else {
    failed++;
    console.log(
      `FAILED  ${what}\n        expected ${JSON.stringify(expected)}\n        found    ${JSON.stringify(found)}`,
    );
  }
}

/** Runs a program that has to succeed, and returns its output. */
function run(program, args, options = {}) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
}

/** Runs a program; its output if it succeeded, else what it complained about. */
function attempt(program, args, options = {}) {
  const ran = spawnSync(program, args, { encoding: 'utf8', timeout: 120_000, ...options });
  return ran.status === 0 ? ran.stdout.trim() : `${ran.status ?? ran.signal}: ${ran.stdout}${ran.stderr}`;
}

/** The npm to run with our own Node, whatever PATH says later. */
function npmScript() {
  if (process.env.npm_execpath?.endsWith('.js')) return process.env.npm_execpath;
  return run('sh', ['-c', 'realpath "$(command -v npm)"']).trim();
}

/** A clone builds for itself: it names no platform package, so it asks for none. */
function checkClone() {
  check(
    'the manifest in the repository has no optional dependency',
    manifest.optionalDependencies,
    undefined,
  );
  const locked = Object.keys(json(join(root, 'package-lock.json')).packages);
  check(
    'the lockfile names no platform package',
    locked.filter((path) => path.includes(`node_modules/${name}`)),
    [],
  );
  check('a folder for each target', platforms.length, manifest.napi.targets.length);
}

/** What a release starts from: the files of the repository, a binary in each platform folder. */
function stage() {
  const staged = join(work, 'staged');
  mkdirSync(staged);
  const files = run('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: root }).split('\0');
  for (const file of files.filter((path) => path !== '' && existsSync(join(root, path)))) {
    mkdirSync(dirname(join(staged, file)), { recursive: true });
    copyFileSync(join(root, file), join(staged, file));
  }
  for (const platform of platforms) {
    const folder = join(staged, 'npm', platform);
    const executable = executableOf(platform);
    for (const file of [...addonsOf(platform), executable]) {
      if (platform === HERE) copyFileSync(join(root, file), join(folder, file));
      else writeFileSync(join(folder, file), 'a stand-in');
    }
    // As an artifact brings it.
    chmodSync(join(folder, executable), 0o644);
  }
  symlinkSync(join(root, 'node_modules'), join(staged, 'node_modules'));
  // As the workflow of a repository runs it.
  const env = { ...process.env, GITHUB_REPOSITORY: 'owner/guidance-ledger' };
  run(process.execPath, [join(root, 'scripts', 'prepare-release.mjs'), staged], { env });
  const wanted = Object.fromEntries(platforms.map((platform) => [`${name}-${platform}`, version]));
  check(
    'a release names each platform package in its exact version',
    json(join(staged, 'package.json')).optionalDependencies,
    wanted,
  );
  const { homepage, bugs, repository } = json(join(staged, 'package.json'));
  check(
    'a release says where it comes from, and where faults are reported',
    [homepage, bugs.url, repository.url],
    ['#readme', '/issues', '.git'].map(
      (end) => `${end === '.git' ? 'git+' : ''}https://github.com/owner/guidance-ledger${end}`,
    ),
  );
  return staged;
}

/** The addons in a platform's package: the store's, and the fleet's. */
function addonsOf(platform) {
  return [`${name}.${platform}.node`, `${name}-fleet.${platform}.node`];
}

/** The executable's name in a platform's package. */
function executableOf(platform) {
  return platform.startsWith('win32') ? `${name}.exe` : name;
}

/** The archives of the package (under '') and of each platform. */
function pack(staged) {
  const archives = new Map();
  for (const platform of ['', ...platforms]) {
    const output = run(
      process.execPath,
      [npm, 'pack', '--json', '--ignore-scripts', '--pack-destination', work],
      { cwd: platform === '' ? staged : join(staged, 'npm', platform) },
    );
    const [packed] = Object.values(JSON.parse(output));
    const files = packed.files.map(({ path }) => path).sort();
    archives.set(platform, { path: join(work, packed.filename), files, staged });
  }
  return archives;
}

function checkArchives(archives) {
  const { files, staged } = archives.get('');
  const allowed =
    /^(index|guidance|fleet)\.(js|mjs|d\.ts|d\.mts)$|^index\.node\.mjs$|^(index|fleet)\.bundle\.mjs$|^lib\/(ledger|workings|rare)\.js$|^bin\/.+\.js$|^docs\/[^/]+\.(md|svg|png|json)$|^examples\/([^/]+\.m[jt]s|reexport\/.+\.ts|tool\/[^/]+)$|^(README|ARCHITECTURE|CHANGELOG|THIRD-PARTY-LICENSES)\.md$|^LICENSE$|^package\.json$/;
  check(
    'nothing is packed that a user does not need',
    files.filter((file) => !allowed.test(file)),
    [],
  );
  const named = [manifest.main, manifest.types, ...Object.values(manifest.bin), 'LICENSE', 'README.md'];
  check(
    'nothing that a user needs is missing',
    named.map((file) => file.replace(/^\.\//, '')).filter((file) => !files.includes(file)),
    [],
  );
  for (const platform of platforms) {
    check(
      `${platform} is two addons, an executable, a manifest, a line to read and two licence files`,
      archives.get(platform).files,
      [
        ...['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES.md', executableOf(platform)],
        ...[...addonsOf(platform), 'package.json'],
      ].sort(),
    );
  }
  const ran = ['preinstall', 'install', 'postinstall', 'prepare'];
  for (const folder of ['', ...platforms.map((platform) => `npm/${platform}`)]) {
    const { scripts = {}, engines } = json(join(staged, folder, 'package.json'));
    check(
      `${folder || name} runs nothing when installed, from Node 20 on`,
      [ran.filter((script) => script in scripts), engines.node],
      [[], '>=20.0.0'],
    );
  }
}

/**
 * Installs the archives into an empty folder, on a PATH with Node and nothing else: no compiler, no cargo.
 */
function install(archives) {
  const project = join(work, 'project');
  const path = join(work, 'path');
  for (const folder of [project, path]) mkdirSync(folder);
  symlinkSync(process.execPath, join(path, 'node'));
  const overrides = Object.fromEntries(
    platforms.map((platform) => [`${name}-${platform}`, `file:${archives.get(platform).path}`]),
  );
  const dependencies = { [name]: `file:${archives.get('').path}` };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, dependencies, overrides }));
  const flags = ['--offline', '--no-audit', '--no-fund', '--cache', join(work, 'cache')];
  run(process.execPath, [npm, 'install', ...flags], { cwd: project, env: { PATH: path, HOME: work } });
  check(
    'the package and the one binary for this platform are installed, and no other',
    readdirSync(join(project, 'node_modules'))
      .filter((entry) => !entry.startsWith('.'))
      .sort(),
    [name, `${name}-${HERE}`],
  );
  cpSync(join(root, 'scripts', 'consumer'), project, { recursive: true });
  return project;
}

function checkRuntimes(project) {
  const runtimes = [
    ['Node 20.0', tool('node-20.0/bin/node'), []],
    ['Node 20', tool('node-20/bin/node'), []],
    ['Node 22', tool('node-22/bin/node'), []],
    ['Node 24', tool('node-24/bin/node'), []],
    ['Bun', tool('@oven/bun-linux-x64/bin/bun'), []],
    [
      'Deno',
      tool('@deno/linux-x64-glibc/deno'),
      ['run', '--quiet', '--no-lock', '--allow-ffi', '--allow-read', '--allow-write', '--allow-env'],
    ],
  ];
  const programs = [
    ['ESM', 'use.mjs', 'true true 1'],
    ['CommonJS', 'use.cjs', 'true true 1'],
    ['worker threads', 'workers.mjs', '200 0'],
    ['shared stores, with the same classes', 'fleet.mjs', 'true true EFLEETDOWN 1'],
  ];
  for (const [runtime, binary, flags] of runtimes) {
    for (const [what, program, expected] of programs) {
      const store = mkdtempSync(join(work, 'store-'));
      const found = attempt(binary, [...flags, program, store], { cwd: project, env: quiet() });
      check(`${runtime}: ${what}`, found, expected);
    }
  }
  const store = mkdtempSync(join(work, 'store-'));
  attempt(process.execPath, ['use.mjs', store], { cwd: project });
  const stats = attempt(join(project, 'node_modules', '.bin', name), ['stats', '--json', '--dir', store]);
  check('the command-line tool', /"(?:events|eventCount)":\s*1\b/.test(stats) || stats, true);
  const executable = attempt(join(project, 'node_modules', '.bin', name), ['which']);
  check(
    'it is the executable of the platform package, which runs by itself',
    [executable, (statSync(executable).mode & 0o111) !== 0, attempt(executable, ['--version'], { env: {} })],
    [join(project, 'node_modules', `${name}-${HERE}`, name), true, version],
  );
}

/** No home folder of the user, no colours, no network. */
function quiet() {
  return { PATH: process.env.PATH, HOME: work, DENO_DIR: join(work, 'deno'), NO_COLOR: '1' };
}

function checkTypes(project) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const scope = join(project, 'node_modules', '@claude-flow');
  mkdirSync(scope);
  for (const entry of ['guidance', 'hooks']) {
    symlinkSync(join(root, 'node_modules', '@claude-flow', entry), join(scope, entry));
  }
  symlinkSync(join(root, 'node_modules', '@types'), join(project, 'node_modules', '@types'));
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--types', 'node'];
  const compile = (...options) =>
    attempt(process.execPath, [tsc, ...strict, '--target', 'es2022', '--lib', 'es2022', ...options], {
      cwd: project,
    });
  for (const resolution of ['node16', 'nodenext']) {
    const out = join(project, resolution);
    const files = resolution === 'node16' ? ['types.mts'] : ['types.mts', 'types.cts'];
    check(`TypeScript, ${resolution}`, compile('--module', resolution, '--outDir', out, ...files), '');
    const store = mkdtempSync(join(work, 'store-'));
    check(
      `TypeScript, ${resolution}: the output runs`,
      files.map((file) =>
        attempt(process.execPath, [join(out, file.replace('ts', 'js')), store], { cwd: project }),
      ),
      files.map((_, index) => `true true ${index + 1}`),
    );
  }
  check('TypeScript, node16: CommonJS', compile('--module', 'node16', '--noEmit', 'types.cts'), '');
  check(
    'TypeScript, bundler',
    compile('--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit', 'types.mts'),
    '',
  );
}

function checkLinters(archives) {
  const { path } = archives.get('');
  const publint = attempt(process.execPath, [tool('publint/src/cli.js'), 'run', path, '--strict']);
  check('publint', /All good!/.test(publint) || publint, true);
  const attw = attempt(process.execPath, [
    tool('@arethetypeswrong/cli/dist/index.js'),
    path,
    '--profile',
    'strict',
  ]);
  check('attw', /No problems found/.test(attw) || attw, true);
}

/** Without its binary the package says what it looked for. */
function checkLoaderError(project) {
  const binary = join(project, 'node_modules', `${name}-${HERE}`);
  renameSync(binary, join(work, 'away'));
  const said = attempt(process.execPath, ['use.mjs', work], { cwd: project });
  check(
    'a missing binary is named, with the platform',
    said.includes(`on ${HERE}: the package ${name}-${HERE} is not installed`) || said,
    true,
  );
}
