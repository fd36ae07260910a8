// The program's own threads beside an fsync of 300 ms and beside calls that wait for a lock.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SHIM = fileURLToPath(new URL('../../__test__/support/shim/fault.c', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../support/shared-threads.mjs', import.meta.url));

/** What the program prints, in a process whose calls of fsync take so many milliseconds longer. */
function measured(folder, what, fsyncMs) {
  const library = join(folder, 'fault.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SHIM, '-ldl', '-lpthread']);
  const rules = join(folder, 'rules');
  writeFileSync(rules, fsyncMs === 0 ? '' : `fsync * 1+ delay ${fsyncMs}\n`);
  const store = join(folder, 'store');
  mkdirSync(store);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', PROGRAM, store, what], {
    env: { ...process.env, LD_PRELOAD: library, FAULT_RULES: rules },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${what}: ended with ${status}\n${stderr}`);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
}

export default {
  title: "the program's threads beside an fsync of 300 ms, and beside a hundred calls that wait for the lock",
  note:
    'The longest of all calls of the API on the main thread, without `logEvent` and `finalizeEvent` in `disk` mode, which ' +
    'promise their fsync; and the longest `fs.stat` of the same process meanwhile.',
  unit: { callMs: 'ms, the longest call', statMs: 'ms, the longest `fs.stat`' },
  rounds: { full: 3, quick: 1 },
  contenders: {
    'fsync of 300 ms': ({ folder }) => measured(folder, 'calls', 300),
    'a held lock': ({ folder }) => measured(folder, 'lock', 0),
  },
  targets: [
    {
      what: 'ms, the longest call beside an fsync of 300 ms',
      atMost: 10,
      of: (r) => r.median('fsync of 300 ms', 'callMs'),
    },
    {
      what: 'ms, the longest `fs.stat` beside waiting calls',
      atMost: 50,
      of: (r) => Math.max(r.median('fsync of 300 ms', 'statMs'), r.median('a held lock', 'statMs')),
    },
  ],
};
