/** Loading the addon: it is ours and of this version, or one error says the cause and the remedy. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder } from './support/folder.mjs';
import { describeOurs } from './support/implementations.mjs';
import { ROOT } from './support/markdown.mjs';

const require = createRequire(import.meta.url);
const { version } = require('guidance-ledger/package.json');
const [binary] = readdirSync(ROOT).filter((name) => /^guidance-ledger\..+\.node$/.test(name));
const target = /^guidance-ledger\.(.+)\.node$/.exec(binary)[1];

/** A folder with the package and that of its platform, as npm installs them. */
function installed() {
  const project = folder();
  const [ours, theirs] = ['guidance-ledger', `guidance-ledger-${target}`].map((name) => {
    const path = join(project, 'node_modules', name);
    mkdirSync(path, { recursive: true });
    return path;
  });
  for (const name of [
    'index.js',
    'index.mjs',
    'index.bundle.mjs',
    'index.node.mjs',
    'lib',
    'binding.js',
    'package.json',
  ])
    cpSync(join(ROOT, name), join(ours, name), { recursive: true });
  copyFileSync(join(ROOT, 'npm', target, 'package.json'), join(theirs, 'package.json'));
  copyFileSync(join(ROOT, binary), join(theirs, binary));
  return { project, theirs, file: join(theirs, binary) };
}

const PROGRAM = `
  try {
    require('guidance-ledger').createEventStore('x');
    console.log('loaded');
  } catch (error) {
    const { isLedgerError } = require('./node_modules/guidance-ledger/lib/shared/ledger-error.js');
    console.log(JSON.stringify([error.code, isLedgerError(error), error.message]));
  }
`;

/** What a program in `project` gets. */
function load(project, { flags = [], env = {}, program = PROGRAM, command = [] } = {}) {
  const [file, ...words] = [...command, process.execPath, ...flags, '-e', program];
  const { stdout, stderr } = spawnSync(file, words, {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', ...env },
  });
  return stdout.trim() || stderr;
}

/** Expects one error with this cause and this remedy. */
function expectError(said, cause, remedy) {
  const [code, marked, message] = JSON.parse(said);
  expect([code, marked]).toEqual(['ERR_NATIVE_ADDON', true]);
  const [, why, what] =
    /^guidance-ledger cannot load its native addon on \S+: (.+?)\. ([A-Z][^.]*(?:\.\S+[^.]*)*)\.$/.exec(
      message,
    ) ?? [];
  expect(why, message).toMatch(cause);
  expect(what, message).toMatch(remedy);
}

describeOurs('the addon', () => {
  test('of the platform package is loaded', () => {
    expect(load(installed().project)).toBe('loaded');
  });

  test('has the version of the package, which the loader knows', () => {
    expect(require(join(ROOT, binary)).ADDON_VERSION).toBe(version);
    expect(readFileSync(join(ROOT, 'binding.js'), 'utf8')).toContain(`const VERSION = '${version}';`);
  });

  test.skipIf(process.platform === 'win32')(
    'of another version is passed over for the one that Node finds',
    () => {
      const { project, theirs, file } = installed();
      const nested = join(
        project,
        'node_modules',
        'guidance-ledger',
        'node_modules',
        `guidance-ledger-${target}`,
      );
      cpSync(theirs, nested, { recursive: true });
      const other = version.replace(/\d/g, '9');
      const text = readFileSync(file, 'latin1');
      expect(text).toContain(version);
      writeFileSync(file, text.replaceAll(version, other), 'latin1');
      expect(load(project)).toBe('loaded');
    },
  );

  test('beside the loader comes first', () => {
    const { project, theirs } = installed();
    copyFileSync(join(ROOT, binary), join(project, 'node_modules', 'guidance-ledger', binary));
    rmSync(theirs, { recursive: true });
    expect(load(project)).toBe('loaded');
  });

  test('can be named by the environment', () => {
    const { project, theirs } = installed();
    rmSync(theirs, { recursive: true });
    expect(load(project, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: join(ROOT, binary) } })).toBe('loaded');
  });

  test('is required by names that a bundler can read, one for each platform', () => {
    const source = readFileSync(join(ROOT, 'binding.js'), 'utf8');
    for (const platform of readdirSync(join(ROOT, 'npm'))) {
      expect(source).toContain(`require('guidance-ledger-${platform}')`);
      expect(source).toContain(`require('./guidance-ledger.${platform}.node')`);
    }
  });
});

describeOurs('what can be wrong', () => {
  test('the package is not installed', () => {
    const { project, theirs } = installed();
    rmSync(theirs, { recursive: true });
    expectError(
      load(project),
      new RegExp(`^the package guidance-ledger-${target} is not installed`),
      /^Install again without --omit=optional/,
    );
  });

  test('its file is missing', () => {
    const { project, file } = installed();
    rmSync(file);
    expectError(load(project), /is not installed, or not as a whole$/, /^Install again/);
  });

  test.each([
    ['text', 'garbage'],
    ['nothing', ''],
  ])('the file holds %s', (_, content) => {
    const { project, file } = installed();
    writeFileSync(file, content);
    expectError(load(project), /\.node is damaged/, /^Remove node_modules and install again/);
  });

  test.skipIf(process.platform !== 'linux' || process.getuid() !== 0)('no right to read it', () => {
    const { project, file } = installed();
    chmodSync(project, 0o755);
    chmodSync(file, 0);
    const said = load(project, { command: ['setpriv', '--reuid', '65534', '--clear-groups'] });
    expectError(said, /^this user may not read .*\.node$/, /^Give the user the right to read/);
  });

  test('--no-addons', () => {
    const said = load(installed().project, { flags: ['--no-addons'] });
    expectError(said, /--no-addons$/, /^Start it without that flag/);
  });

  test('the permission model', () => {
    const { project } = installed();
    const flag =
      Number(process.versions.node.split('.')[0]) >= 24 ? '--permission' : '--experimental-permission';
    const said = load(project, { flags: [flag, '--allow-fs-read=*'] });
    expectError(said, /permission model keeps native addons out$/, /--allow-addons/);
  });

  test('a platform for which there is no binary', () => {
    const program = `Object.defineProperty(process, 'arch', { value: 'riscv64' });${PROGRAM}`;
    expectError(load(installed().project, { program }), /^there is no binary for \S+riscv64/, /^Use Linux/);
  });

  test.skipIf(process.platform !== 'linux')('the C library is that of the program', () => {
    const { project } = installed();
    // Both libraries are there, and the program names musl's loader.
    const program = `
      const fs = require('node:fs');
      const { existsSync, readSync } = fs;
      fs.existsSync = (path) => path.startsWith('/lib/ld-musl-') || existsSync(path);
      fs.readSync = (fd, bytes) => Buffer.from(bytes.buffer).write('/lib/ld-musl-x86_64.so.1', 792);
      ${PROGRAM}`;
    expectError(load(project, { program }), /^the package guidance-ledger-linux-\w+-musl is not/, /^Install/);
    const both = program.replace('/lib/ld-musl-x86_64.so.1', '/lib64/ld-linux-x86-64.so.2');
    if (target.endsWith('-gnu')) expect(load(project, { program: both })).toBe('loaded');
    // A program without a loader of its own: both are tried.
    expect(load(project, { program: program.replace('/lib/ld-musl-x86_64.so.1', 'static') })).toBe('loaded');
  });

  /** Names a module that does as `source` says in place of a binary. */
  function naming(source) {
    const { project } = installed();
    const path = join(project, 'stand-in.js');
    writeFileSync(path, source);
    return load(project, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: path } });
  }
  const throwing = (message, properties) =>
    naming(`throw Object.assign(new Error(${JSON.stringify(message)}), ${JSON.stringify(properties ?? {})})`);

  test('it is named and not there', () => {
    const { project } = installed();
    const env = { NAPI_RS_NATIVE_LIBRARY_PATH: join(project, 'none.node') };
    expectError(
      load(project, { env }),
      /^there is no .*none\.node$/,
      /^Let NAPI_RS_NATIVE_LIBRARY_PATH name/,
    );
  });

  test.each([
    ['another package', 'module.exports = { transform() {} }', /is not the addon of this package$/],
    ['nothing', 'module.exports = undefined', /is not the addon of this package$/],
    [
      'another version',
      "module.exports = { ADDON_VERSION: '0.0.9' }",
      /has version 0\.0\.9, and this package has/,
    ],
    ['a version before that', 'exports.StoreCore = class {}', /has another version than this package$/],
  ])('it is that of %s', (_, source, cause) => {
    expectError(naming(source), cause, /^Let NAPI_RS_NATIVE_LIBRARY_PATH name a binary of this package/);
  });

  // As the systems say it.
  test.each([
    [
      "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.39' not found (required by /a/b.node)",
      /newer C library.*GLIBC_2\.39/,
      /^Use a newer system/,
    ],
    [
      '/a/b.node: failed to map segment from shared object: Operation not permitted',
      /noexec/,
      /without noexec/,
    ],
    [
      '/a/b.node: cannot open shared object file: Permission denied',
      /may not read \/a\/b\.node/,
      /^Give the user/,
    ],
    ['Error relocating /a/b.node: __res_init: symbol not found', /does not fit/, /^Let NAPI/],
    [
      'libfoo.so.1: cannot open shared object file: No such file or directory',
      /a library .* is missing/,
      /^Install that/,
    ],
    [
      'Requires ffi access to "/a/b.node", run again with the --allow-ffi flag',
      /^Deno was started without --allow-ffi$/,
      /^Start it with --allow-ffi$/,
    ],
    [
      'Access to this API has been restricted',
      /forbids reading/,
      /--allow-fs-read/,
      { code: 'ERR_ACCESS_DENIED' },
    ],
    [
      'Dynamic require of "./a.node" is not supported',
      /bundled as an ES module/,
      /^Leave guidance-ledger out of the bundle/,
    ],
    ['something else', /failed to load \(something else\)/, /^Let NAPI/],
  ])('the system says %s', (message, cause, remedy, properties) => {
    expectError(throwing(message, properties), cause, remedy);
  });

  test.each([
    'null',
    'undefined',
    "'text'",
    '{ get message() { throw 1 } }',
    'new Proxy({}, { get() { throw 1 } })',
  ])('what is thrown is %s', (thrown) => {
    // A thrown undefined looks like a module that gives nothing.
    expectError(naming(`throw ${thrown === "'text'" ? thrown : `(${thrown})`}`), /./, /^Let NAPI/);
  });

  test('an uncaught one is no long list, and no noise comes first', () => {
    const { project, theirs } = installed();
    rmSync(theirs, { recursive: true });
    const said = load(project, { program: "require('guidance-ledger').createEventStore('x')" });
    expect(said.split('\n').length).toBeLessThan(25);
    expect(said).toMatch(/^Error: guidance-ledger cannot load its native addon/m);
  });
});

describe('the folder of the clone', () => {
  test('has a loader that is written by hand', () => {
    expect(execFileSync('git', ['ls-files', 'binding.js'], { cwd: ROOT, encoding: 'utf8' }).trim()).toBe(
      'binding.js',
    );
    expect(readFileSync(join(ROOT, 'binding.js'), 'utf8').length).toBeLessThan(8000);
  });
});
