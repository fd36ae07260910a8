/** The face as the published package carries it: a few files in place of lib/, and an append loads one of them. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleFace } from '../scripts/bundle-face.mjs';
import { logged } from './support/disk.mjs';
import { folder } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { ROOT } from './support/markdown.mjs';

const binaries = readdirSync(ROOT).filter((name) => name.endsWith('.node'));
const binary = binaries.find((name) => name.startsWith('guidance-ledger.'));
const target = /^guidance-ledger\.(.+)\.node$/.exec(binary)[1];

/** A project with the package as it is published, and that of its platform. */
function installed() {
  const project = folder();
  const [path, platform] = ['guidance-ledger', `guidance-ledger-${target}`].map((name) => {
    const made = join(project, 'node_modules', name);
    mkdirSync(made, { recursive: true });
    return made;
  });
  const entries = ['index.mjs', 'index.node.mjs', 'guidance.js', 'guidance.mjs', 'fleet.mjs', 'package.json'];
  for (const name of entries) copyFileSync(join(ROOT, name), join(path, name));
  bundleFace(path);
  copyFileSync(join(ROOT, 'npm', target, 'package.json'), join(platform, 'package.json'));
  for (const name of binaries) copyFileSync(join(ROOT, name), join(platform, name));
  return { project, path, platform };
}

/** What a program prints as JSON. In a file: `-e` loads parts of Node that a program does not. */
function run(project, program, name = 'program.cjs') {
  writeFileSync(join(project, name), program);
  const { stdout, stderr } = spawnSync(process.execPath, [name], {
    cwd: project,
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const hook = (store) => `
  process.env.CI = '1'; // where no program is started that ships
  ${store}.append({ eventId: 'e', taskId: 't', timestamp: 1 }).then(() => {
    const loaded = Object.keys(cache).map((path) => path.split(/[\\\\/]guidance-ledger[\\\\/]/)[1]);
    const builtin = process.moduleLoadList.map((name) => name.replace('NativeModule ', ''));
    const slow = ['crypto', 'module', 'perf_hooks', 'worker_threads', 'internal/deps/cjs-module-lexer/lexer'];
    console.log(JSON.stringify([loaded.filter(Boolean), slow.filter((name) => builtin.includes(name))]));
  });`;

describeOurs('the bundled face', () => {
  const names = Object.keys(ours).filter((name) => name !== 'default' && name !== 'module.exports');

  test.each([
    ['require', "require('guidance-ledger')"],
    ['import', "await import('guidance-ledger')"],
    ['the entry of an older Node', "await import('./node_modules/guidance-ledger/index.node.mjs')"],
  ])('exports the same names by each way, and one copy of each class: %s comes first', (_, first) => {
    const { project } = installed();
    const program = `
      import { createRequire } from 'node:module';
      const require = createRequire(process.cwd() + '/program.js');
      ${first};
      const required = require('guidance-ledger');
      const others = [await import('guidance-ledger'), await import('guidance-ledger/guidance'),
        require('guidance-ledger/guidance'), await import('./node_modules/guidance-ledger/index.mjs'),
        await import('./node_modules/guidance-ledger/index.node.mjs')];
      const differ = others.flatMap((other) => Object.keys(other).filter((name) => other[name] !== required[name]));
      console.log(JSON.stringify([Object.keys(required).sort(), others.map((it) => Object.keys(it).length), differ]));`;
    const [required, counts, differ] = run(project, program, 'program.mjs');
    expect(required).toEqual(names.toSorted());
    expect(counts).toEqual(counts.map(() => names.length));
    expect(differ).toEqual([]);
  });

  const STORE = "createEventStore('store')";
  const FLEET =
    "createFleetStore({ url: 'postgres://127.0.0.1:1/none', storagePath: 'store', ship: 'auto' })";

  test.each([
    ['index.js', 'guidance-ledger', STORE],
    ['fleet.js', 'guidance-ledger/fleet', FLEET],
  ])('an append by require loads %s and the addon', (file, name, store) => {
    const { project } = installed();
    const program = `const { cache } = require; const { ${store.split('(')[0]} } = require('${name}'); ${hook(store)}`;
    expect(run(project, program)).toEqual([[file], []]);
    expect(logged(join(project, 'store'))).toHaveLength(1);
  });

  test.each([
    ['guidance-ledger', STORE],
    ['guidance-ledger/fleet', FLEET],
  ])('an append by import of %s requires nothing, and needs no parser for CommonJS', (name, store) => {
    const { project } = installed();
    const program = `import { ${store.split('(')[0]} } from '${name}'; const cache = {}; ${hook(store)}`;
    expect(run(project, program, 'program.mjs')).toEqual([[], []]);
    expect(logged(join(project, 'store'))).toHaveLength(1);
  });

  test.each(['require', 'await import'])('a ledger lives in it, and what is rare is found: %s', (by) => {
    const { project } = installed();
    const program = `(async () => {
      const { createPersistentLedger, createEventStore, RunLedger, isLedgerError } = ${by}('guidance-ledger');
      const ledger = createPersistentLedger({ storagePath: 'store', compactIntervalMs: 0 });
      ledger.finalizeEvent(ledger.createEvent('task', 'feature', 'hash'));
      await ledger.save();
      await ledger.destroy();
      const store = createEventStore('store');
      const read = [(await store.readAll()).length, (await store.readByTask('task')).length];
      for await (const event of store.stream()) read.push(event.taskId);
      const refused = await store.append(5).catch((error) => [error.name, isLedgerError(error), error.message]);
      let option;
      try { store.stream({ form: 1 }); } catch (error) { option = error.message; }
      console.log(JSON.stringify([ledger instanceof RunLedger, read, refused, option]));
    })()`;
    const [isLedger, read, refused, option] = run(project, program);
    expect([isLedger, read]).toEqual([true, [1, 1, 'task']]);
    expect(refused).toEqual(['TypeError', true, 'event must be an event object; got 5']);
    expect(option).toContain("did you mean 'from'?");
  });

  test('an addon that is missing is missed at each attempt, by its cause', () => {
    const { project, platform } = installed();
    rmSync(join(platform, binary));
    const program = `
      const codes = [1, 2].map(() => {
        try { require('guidance-ledger').createEventStore; } catch (error) { return error.code; }
      });
      console.log(JSON.stringify(codes));`;
    expect(run(project, program)).toEqual(['ERR_NATIVE_ADDON', 'ERR_NATIVE_ADDON']);
  });

  test.each(['index.node.mjs', 'index.bundle.mjs'])(
    'a bundle that took the entry of Node and not its neighbours finds the package by its name: %s',
    (entry) => {
      const { project, path } = installed();
      cpSync(join(path, entry), join(project, 'bundle.mjs'));
      const program = `import('./bundle.mjs').then((it) => console.log(JSON.stringify(
      [Object.keys(it).length, it.RunLedger === require('guidance-ledger').RunLedger])))`;
      expect(run(project, program)).toEqual([names.length, true]);
    },
  );

  test('shared stores are in a file of their own, with the same classes, and load the second addon', () => {
    const { project } = installed();
    const program = `
      import { createRequire } from 'node:module';
      import { EventStore, PersistentLedger } from 'guidance-ledger';
      const { cache } = createRequire(import.meta.url);
      const loaded = () => Object.keys(cache).map((path) => path.split('node_modules').at(-1));
      const before = loaded().some((name) => /fleet/.test(name));
      const { createFleetLedger, createFleetStore } = await import('guidance-ledger/fleet');
      const place = { url: 'postgres://agent@127.0.0.1:1/agents', storagePath: 'store' };
      const store = createFleetStore(place);
      await store.append({ eventId: 'e', taskId: 't', timestamp: 1 });
      const down = await store.readAll().catch((error) => error.code);
      const read = await new EventStore('store').readAll();
      const kept = createFleetLedger(place) instanceof PersistentLedger;
      console.log(JSON.stringify([before, loaded().some((name) => /fleet.+node$/.test(name)), down, read.length, kept]));`;
    expect(run(project, program, 'program.mjs')).toEqual([false, true, 'EFLEETDOWN', 1, true]);
    expect(
      run(
        project,
        `
      const { FleetStore } = require('guidance-ledger/fleet');
      import('guidance-ledger/fleet').then((it) => console.log(it.FleetStore === FleetStore));`,
      ),
    ).toBe(true);
    for (const name of ['fleet.mjs', 'fleet.bundle.mjs'])
      expect(
        run(
          project,
          `
      import('./node_modules/guidance-ledger/${name}').then((it) =>
        console.log(it.FleetLedger === require('guidance-ledger/fleet').FleetLedger));`,
        ),
      ).toBe(true);
  });

  test('it holds every file of lib/', () => {
    const { path } = installed();
    const text = ['index.js', 'lib/ledger.js', 'lib/workings.js', 'lib/rare.js', 'fleet.js']
      .map((name) => readFileSync(join(path, name), 'utf8'))
      .join('');
    const sources = readdirSync(join(ROOT, 'lib'), { recursive: true })
      .filter((name) => name.endsWith('.js'))
      .map((name) => `'lib/${name.replaceAll('\\', '/')}':`);
    expect(sources.filter((name) => !text.includes(name))).toEqual([]);
  });
});
