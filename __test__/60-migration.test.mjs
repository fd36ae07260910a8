/** The ways from the guidance module's own ledger to ours, each as its example in `examples/` shows it. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logged } from './support/disk.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const root = resolve(import.meta.dirname, '..');
const example = (name) => join(root, 'examples', name);

async function node(script, ...args) {
  const { stdout } = await run(process.execPath, [script, ...args], { cwd: root, timeout: 60_000 });
  return stdout;
}

/** Compiles with every check that a strict user has on, those of declaration files included. */
async function compile(folder, files, ...options) {
  const tsc = require.resolve('typescript/bin/tsc');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--lib', 'es2022'];
  const modules = ['--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  return run(process.execPath, [tsc, ...strict, ...modules, ...options, ...files], { cwd: folder }).catch(
    ({ stdout }) => {
      throw new Error(stdout);
    },
  );
}

/** A project with `guidance-ledger` and the guidance module installed; a module that will be changed is copied. */
function project({ copied }) {
  const folder = mkdtempSync(join(tmpdir(), 'guidance-ledger-'));
  const modules = join(folder, 'node_modules');
  const scope = join(modules, '@claude-flow');
  mkdirSync(scope, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(root, join(modules, 'guidance-ledger'));
  symlinkSync(join(root, 'node_modules', '@types'), join(modules, '@types'));
  const published = join(root, 'node_modules', '@claude-flow');
  symlinkSync(join(published, 'hooks'), join(scope, 'hooks'));
  if (copied) cpSync(join(published, 'guidance'), join(scope, 'guidance'), { recursive: true });
  else symlinkSync(join(published, 'guidance'), join(scope, 'guidance'));
  return folder;
}

describeOurs('two re-export files inside the guidance module', () => {
  const own = project({ copied: true });
  const untouched = project({ copied: true });
  const dist = join(own, 'node_modules', '@claude-flow', 'guidance', 'dist');
  const use = join(import.meta.dirname, 'support', 'guidance-use.mjs');

  beforeAll(() => {
    for (const name of ['ledger', 'persistence']) {
      const source = readFileSync(example(`reexport/${name}.ts`), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      writeFileSync(join(dist, `${name}.js`), outputText);
      writeFileSync(join(dist, `${name}.d.ts`), source);
    }
    for (const folder of [own, untouched]) cpSync(use, join(folder, 'use.mjs'));
  });

  afterAll(() => {
    for (const folder of [own, untouched]) rmSync(folder, { recursive: true, force: true });
  });

  test('the module then hands out our classes', async () => {
    const script = join(own, 'classes.mjs');
    writeFileSync(
      script,
      `import * as guidance from '@claude-flow/guidance';
       import * as ledger from '@claude-flow/guidance/ledger';
       import * as persistence from '@claude-flow/guidance/persistence';
       import * as ours from 'guidance-ledger';
       const names = Object.keys(ours).filter((name) => guidance[name] === ours[name]);
       const plane = guidance.createGuidanceControlPlane();
       console.log(JSON.stringify([
         names.length,
         ledger.RunLedger === ours.RunLedger && persistence.EventStore === ours.EventStore,
         plane.getLedger() instanceof ours.RunLedger,
       ]));`,
    );
    // The module's own index names what it hands out; isLedgerError is no name of the original.
    const names = Object.keys(ours).filter((name) => name !== 'isLedgerError');
    expect(JSON.parse(await node(script))).toEqual([names.length, true, true]);
  });

  test('hooks, headless runner, optimizer, conformance kit and control plane say the same as before', async () => {
    const [folder, before] = [fresh(), fresh()];
    for (const each of [folder, before]) mkdirSync(each, { recursive: true });
    const now = JSON.parse(await node(join(own, 'use.mjs'), folder));
    expect(now).toEqual(JSON.parse(await node(join(untouched, 'use.mjs'), before)));
    expect(now.conformance.passed).toBe(true);
    expect(now.hooks.outcomes).toEqual([true, true, true, true, false, true]);
    expect(now.controlPlane.events).toBe(12);
    expect(now.stored).toBe(24);
    expect(logged(join(folder, 'store'))).toHaveLength(24);
  });

  test("the module's declarations compile against ours, and its functions take our ledger", async () => {
    writeFileSync(
      join(own, 'typed.ts'),
      `import { createGates, createGuidanceHooks, createHeadlessRunner, createRetriever } from '@claude-flow/guidance';
       import { createPersistentLedger as fromGuidance } from '@claude-flow/guidance/persistence';
       import { createPersistentLedger, type PersistentLedger } from 'guidance-ledger';
       const ledger: PersistentLedger = fromGuidance({ durability: 'disk' });
       createGuidanceHooks(createGates(), createRetriever(), ledger);
       createHeadlessRunner(undefined, createPersistentLedger(), 'hash');`,
    );
    const declarations = readdirSync(dist)
      .filter((name) => name.endsWith('.d.ts'))
      .map((name) => join(dist, name));
    expect(declarations.length).toBeGreaterThan(25);
    await compile(own, ['typed.ts', ...declarations], '--noEmit');
  }, 180_000);
});

describeOurs('our ledger given to the published module', () => {
  const folder = project({ copied: false });
  const built = join(folder, 'built');

  beforeAll(async () => {
    for (const name of ['hooks.mts', 'headless.mts']) cpSync(example(name), join(folder, name));
    await compile(folder, ['hooks.mts', 'headless.mts'], '--outDir', built);
  }, 180_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('createGuidanceHooks from JavaScript', async () => {
    const store = fresh();
    expect(await node(example('hooks.mjs'), store)).toBe('1 runs recorded\n');
    expect(logged(store)).toMatchObject([{ taskId: 'task-1', intent: 'bug-fix', outcomeAccepted: true }]);
  });

  test('createGuidanceHooks from TypeScript, without a cast', async () => {
    const store = fresh();
    expect(await node(join(built, 'hooks.mjs'), store)).toBe('1 runs recorded\n');
    expect(await node(join(built, 'hooks.mjs'), store)).toBe('2 runs recorded\n');
    expect(logged(store).map(({ taskId }) => taskId)).toEqual(['task-1', 'task-1']);
  });

  test('createHeadlessRunner from TypeScript, without a cast', async () => {
    const store = fresh();
    expect(await node(join(built, 'headless.mjs'), store)).toBe('1 of 1 tasks passed, 1 runs recorded\n');
    expect(logged(store)).toMatchObject([{ taskId: 'login', filesTouched: ['login.ts'], violations: [] }]);
  });

  test('no example casts', () => {
    for (const name of [
      'hooks.mjs',
      'hooks.mts',
      'headless.mts',
      'reexport/ledger.ts',
      'reexport/persistence.ts',
    ])
      expect(readFileSync(example(name), 'utf8')).not.toMatch(/\bas (any|never|unknown)\b|@ts-/);
  });

  test('the subpath is the main entry at run time', async () => {
    const subpath = require('guidance-ledger/guidance');
    expect(subpath).toBe(require('guidance-ledger'));
    const imported = await import('guidance-ledger/guidance');
    for (const [name, value] of Object.entries(subpath)) expect(imported[name], name).toBe(value);
    expect('default' in imported).toBe(false);
  });
});
