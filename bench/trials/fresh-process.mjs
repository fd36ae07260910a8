// A process is started, appends one event, and exits: the hook's life. Of the package as it is published: bundled, found by
// its name, with the addon in the package of its platform.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleFace } from '../../scripts/bundle-face.mjs';
import { ours } from '../support/contenders.mjs';
import { event } from '../support/event.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';

const STORED = 100_000;
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const APPEND = 'createEventStore(process.argv[2]).append(JSON.parse(process.argv[3]));\n';
/** Each beside one that does nothing, of the same module system. */
const PROGRAMS = {
  'bare.cjs': '',
  'bare.mjs': '',
  'hook.cjs': `const { createEventStore } = require('guidance-ledger');\n${APPEND}`,
  'hook.mjs': `import { createEventStore } from 'guidance-ledger';\nawait ${APPEND}`,
  'original.mjs': `import { createEventStore } from ${JSON.stringify(import.meta.resolve('@claude-flow/guidance/persistence'))};\nawait ${APPEND}`,
};

let number = STORED;

/** A project with the published packages and the programs. */
function install(project) {
  const binary = readdirSync(PACKAGE).find((name) => /^guidance-ledger\..+\.node$/.test(name));
  const target = binary.split('.')[1];
  const [path, platform] = ['guidance-ledger', `guidance-ledger-${target}`].map((name) => {
    const made = join(project, 'node_modules', name);
    mkdirSync(made, { recursive: true });
    return made;
  });
  for (const name of ['index.mjs', 'index.node.mjs', 'package.json'])
    copyFileSync(join(PACKAGE, name), join(path, name));
  bundleFace(path);
  copyFileSync(join(PACKAGE, 'npm', target, 'package.json'), join(platform, 'package.json'));
  copyFileSync(join(PACKAGE, binary), join(platform, binary));
  for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(join(project, name), text);
  return project;
}

/** Milliseconds of a process's life. */
function life(project, program, folder) {
  const args = [join(project, program), folder, JSON.stringify(event(number++, STORED))];
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(stderr);
  return ms;
}

/** All take turns within this one contender, so that its rounds are seconds, not minutes, apart. */
async function lives({ data, folder, quick }) {
  const store = copyOf(fixture(data, STORED, STORED), `${folder}/store`);
  const theirs = copyOf(fixture(data, STORED, STORED), `${folder}/original`);
  const project = install(`${folder}/project`);
  // Some hook was the first one; it read the log that the original left.
  const first = ours().createEventStore(store);
  await first.append(event(number++, STORED));
  await first.close();
  const times = { bare: [], bareImport: [], required: [], imported: [], empty: [], original: [] };
  for (let turn = 0; turn < (quick ? 15 : 40); turn++) {
    const empty = `${folder}/empty-${turn}`;
    mkdirSync(empty);
    times.bare.push(life(project, 'bare.cjs', store));
    times.required.push(life(project, 'hook.cjs', store));
    times.empty.push(life(project, 'hook.cjs', empty));
    times.bareImport.push(life(project, 'bare.mjs', store));
    times.imported.push(life(project, 'hook.mjs', store));
    times.original.push(life(project, 'original.mjs', theirs));
  }
  const middle = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
  const over = (list, base) => list.map((ms, turn) => ms - base[turn]);
  const paired = (list, base) => middle(over(list, base));
  const mean = (list, base) => over(list, base).reduce((sum, ms) => sum + ms, 0) / list.length;
  const bare = middle(times.bare);
  return {
    bare,
    overBare: paired(times.required, times.bare),
    meanOverBare: mean(times.required, times.bare),
    importOverBare: paired(times.imported, times.bareImport),
    importMeanOverBare: mean(times.imported, times.bareImport),
    emptyOverBare: paired(times.empty, times.bare),
    overEmpty: paired(times.required, times.empty),
    originalOverBare: paired(times.original, times.bareImport),
    share: (paired(times.required, times.bare) / bare) * 100,
    importShare: (paired(times.imported, times.bareImport) / middle(times.bareImport)) * 100,
  };
}

export default {
  note: 'The first column is the life of a process that does nothing; the others are differences to one that ran beside it, of the same module system. Each is the median of the pairs, unless it says mean. The shares are those of the medians.',
  title: 'a fresh process appends one event to a store of 100,000 and exits',
  unit: {
    bare: 'ms, bare `node`',
    overBare: 'ms over it, by `require`',
    meanOverBare: 'the mean of it',
    importOverBare: 'ms over it, by `import`',
    importMeanOverBare: 'the mean of it',
    emptyOverBare: 'ms over it, empty store',
    overEmpty: 'ms over an empty store',
    originalOverBare: 'ms over it, the original',
    share: '% over it, by `require`',
    importShare: '% over it, by `import`',
  },
  rounds: { full: 2, quick: 1 },
  prepare: ({ data }) => {
    fixture(data, STORED, STORED);
  },
  contenders: { 'guidance-ledger': lives },
  targets: [
    {
      what: 'ms over bare `node`, by `require`',
      atMost: 3,
      of: (r) => r.median('guidance-ledger', 'overBare'),
    },
    {
      what: 'ms over bare `node`, by `import`',
      atMost: 3,
      of: (r) => r.median('guidance-ledger', 'importOverBare'),
    },
    { what: '% over bare `node`, by `require`', atMost: 6, of: (r) => r.median('guidance-ledger', 'share') },
    {
      what: '% over bare `node`, by `import`',
      atMost: 6,
      of: (r) => r.median('guidance-ledger', 'importShare'),
    },
    { what: 'ms over an empty store', atMost: 2, of: (r) => r.median('guidance-ledger', 'overEmpty') },
  ],
};
