// The command-line tool: one event from a process of its own, beside a program that does nothing and beside Node; and
// looking into a large log.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { event } from '../support/event.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';

const STORED = 100_000;
const LARGE = 1_000_000;
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const TOOL = join(PACKAGE, process.platform === 'win32' ? 'guidance-ledger.exe' : 'guidance-ledger');
const TIMER = fileURLToPath(new URL('../support/time-process.c', import.meta.url));
const APPEND = `require(${JSON.stringify(PACKAGE)}).createEventStore(process.argv[1]).append(JSON.parse(process.argv[2]))`;

/** Compiles a C program of a few lines. */
function compiled(source, program) {
  execFileSync('cc', ['-O2', source, '-o', program]);
  return program;
}

async function lives({ data, folder, quick }) {
  const source = join(folder, 'empty.c');
  writeFileSync(source, 'int main(void) { return 0; }\n');
  const empty = compiled(source, join(folder, 'empty'));
  const timer = compiled(TIMER, join(folder, 'time-process'));
  /** Milliseconds of a process's life, several times. */
  const life = (count, ...command) =>
    execFileSync(timer, [String(count), ...command], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);

  const store = copyOf(fixture(data, STORED, STORED), `${folder}/store`);
  const large = fixture(data, quick ? STORED : LARGE, 1000);
  const record = [TOOL, 'record', '--dir', store, '--task', 'T-17', '--tool', 'Edit', '--file', 'src/a.rs'];
  life(1, ...record); // some process was the first one
  const times = { empty: [], record: [], node: [], query: [], tail: [] };
  for (let turn = 0; turn < (quick ? 10 : 40); turn++) {
    times.empty.push(...life(5, empty));
    times.record.push(...life(5, ...record));
    times.node.push(...life(1, process.execPath, '-e', APPEND, store, JSON.stringify(event(turn, STORED))));
    times.tail.push(...life(2, TOOL, 'tail', '-n', '10', '--dir', large));
    if (turn % 4 === 0)
      times.query.push(...life(1, TOOL, 'query', '--task', 'task-0000002a', '--dir', large));
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
