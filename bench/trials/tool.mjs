// The command-line tool: one event from a process of its own, beside a program that does nothing and beside Node; and
// looking into a large log.

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { event } from '../support/event.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';

const STORED = 100_000;
const LARGE = 1_000_000;
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const TOOL = join(PACKAGE, process.platform === 'win32' ? 'guidance-ledger.exe' : 'guidance-ledger');
const APPEND = `require(${JSON.stringify(PACKAGE)}).createEventStore(process.argv[1]).append(JSON.parse(process.argv[2]))`;

/** Milliseconds of a process's life. */
function life(program, args) {
  const start = performance.now();
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ms = performance.now() - start;
  if (status !== 0) throw error ?? new Error(`${program} ended with ${status}`);
  return ms;
}

/** A program that does nothing, for the price of a process. */
function emptyProgram(folder) {
  const source = join(folder, 'empty.c');
  writeFileSync(source, 'int main(void) { return 0; }\n');
  execFileSync('cc', ['-O2', source, '-o', join(folder, 'empty')]);
  return join(folder, 'empty');
}

async function lives({ data, folder, quick }) {
  const empty = emptyProgram(folder);
  const store = copyOf(fixture(data, STORED, STORED), `${folder}/store`);
  const large = fixture(data, quick ? STORED : LARGE, 1000);
  const record = ['record', '--dir', store, '--task', 'T-17', '--tool', 'Edit', '--file', 'src/a.rs'];
  life(TOOL, record); // some process was the first one
  const times = { empty: [], record: [], node: [], query: [], tail: [] };
  for (let turn = 0; turn < (quick ? 20 : 200); turn++) {
    times.empty.push(life(empty, []));
    times.record.push(life(TOOL, record));
    if (turn % 10 === 0)
      times.node.push(life(process.execPath, ['-e', APPEND, store, JSON.stringify(event(turn, STORED))]));
    if (turn % 20 === 0) times.query.push(life(TOOL, ['query', '--task', 'task-0000002a', '--dir', large]));
    if (turn % 4 === 0) times.tail.push(life(TOOL, ['tail', '-n', '10', '--dir', large]));
  }
  const middle = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
  return {
    empty: middle(times.empty),
    overEmpty: middle(times.record.map((ms, turn) => ms - times.empty[turn])),
    nodeRatio: middle(times.node) / middle(times.record),
    query: middle(times.query),
    tail: middle(times.tail),
  };
}

export default {
  title: 'the command-line tool: `record` of one event into a store of 100,000; a log of 1,000,000',
  unit: {
    empty: 'ms, a C program that does nothing',
    overEmpty: 'ms over it, `record`',
    nodeRatio: 'times as long: Node that appends',
    query: 'ms, `query --task`',
    tail: 'ms, `tail -n 10`',
  },
  rounds: { full: 3, quick: 1 },
  prepare: ({ data, quick }) => {
    fixture(data, STORED, STORED);
    fixture(data, quick ? STORED : LARGE, 1000);
  },
  contenders: { 'guidance-ledger': lives },
  targets: [
    {
      what: 'ms over a program that does nothing',
      atMost: 1,
      of: (r) => r.median('guidance-ledger', 'overEmpty'),
    },
    {
      what: 'times as long: Node that appends',
      atLeast: 40,
      of: (r) => r.median('guidance-ledger', 'nodeRatio'),
    },
    { what: 'ms, `tail -n 10`', atMost: 10, of: (r) => r.median('guidance-ledger', 'tail') },
  ],
};
