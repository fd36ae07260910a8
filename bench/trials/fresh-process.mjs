// A process is started, appends one event, and exits: the hook's life.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ours } from '../support/contenders.mjs';
import { event } from '../support/event.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';

const STORED = 100_000;
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const OURS = `require(${JSON.stringify(PACKAGE)}).createEventStore(process.argv[1]).append(JSON.parse(process.argv[2]))`;
const ORIGINAL = `import('@claude-flow/guidance/persistence').then((m) => m.createEventStore(process.argv[1]).append(JSON.parse(process.argv[2])))`;

let number = STORED;

/** Milliseconds of a process's life. */
function life(code, folder) {
  const args = ['-e', code, folder, JSON.stringify(event(number++, STORED))];
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: PACKAGE, encoding: 'utf8' });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(stderr);
  return ms;
}

/** All take turns within this one contender, so that its rounds are seconds, not minutes, apart. */
async function lives({ data, folder, quick }) {
  const store = copyOf(fixture(data, STORED, STORED), `${folder}/store`);
  const theirs = copyOf(fixture(data, STORED, STORED), `${folder}/original`);
  // Some hook was the first one; it read the log that the original left.
  await ours().createEventStore(store).append(event(number++, STORED));
  const times = { bare: [], full: [], empty: [], original: [] };
  for (let turn = 0; turn < (quick ? 15 : 40); turn++) {
    const empty = `${folder}/empty-${turn}`;
    mkdirSync(empty);
    times.bare.push(life('0', store));
    times.full.push(life(OURS, store));
    times.empty.push(life(OURS, empty));
    times.original.push(life(ORIGINAL, theirs));
  }
  const middle = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
  const paired = (list, base) => middle(list.map((ms, turn) => ms - base[turn]));
  return {
    bare: middle(times.bare),
    overBare: paired(times.full, times.bare),
    emptyOverBare: paired(times.empty, times.bare),
    overEmpty: paired(times.full, times.empty),
    originalOverBare: paired(times.original, times.bare),
  };
}

export default {
  note: 'The first column is the life of a process that does nothing; the others are differences to one that ran beside it.',
  title: 'a fresh process appends one event to a store of 100,000 and exits',
  unit: {
    bare: 'ms, bare `node`',
    overBare: 'ms over it',
    emptyOverBare: 'ms over it, empty store',
    overEmpty: 'ms over an empty store',
    originalOverBare: 'ms over it, the original',
  },
  rounds: { full: 2, quick: 1 },
  prepare: ({ data }) => {
    fixture(data, STORED, STORED);
  },
  contenders: { 'guidance-ledger': lives },
  targets: [
    { what: 'ms over bare `node`', atMost: 10, of: (r) => r.median('guidance-ledger', 'overBare') },
    { what: 'ms over an empty store', atMost: 2, of: (r) => r.median('guidance-ledger', 'overEmpty') },
  ],
};
