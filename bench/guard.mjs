// A guard against growing slow: fails only on ratios of one run, with wide margins, so that a busy machine passes and a
// forgotten scan of the log does not. Needs no rivals but the original.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figure } from './support/page.mjs';
import { runTrial } from './support/run-trial.mjs';

const GUARDS = [
  {
    trial: 'append',
    only: ['guidance-ledger, 100 tasks', 'guidance-ledger, 100,000 tasks'],
    what: 'an awaited append at 100,000 tasks costs at most twice that at 100',
    of: (r) => r.ratio('guidance-ledger, 100,000 tasks', 'guidance-ledger, 100 tasks', 'medianUs'),
    atMost: 2,
  },
  {
    trial: 'log-event',
    only: ['guidance-ledger', 'write alone'],
    what: 'a logged event costs at most ten times a bare write',
    of: (r) => r.ratio('guidance-ledger', 'write alone', 'us'),
    atMost: 10,
  },
  {
    trial: 'init',
    only: ['guidance-ledger', 'original'],
    what: 'a ledger of 100,000 events loads in at most half the time of the original',
    of: (r) => r.ratio('guidance-ledger', 'original', 'ms'),
    atMost: 0.5,
  },
  {
    trial: 'read-range',
    only: ['guidance-ledger, a checkpoint, 200,000', 'guidance-ledger, a checkpoint, 20,000'],
    what: 'the first readRange of a process takes at most four times as long over ten times the log',
    of: (r) =>
      r.ratio('guidance-ledger, a checkpoint, 200,000', 'guidance-ledger, a checkpoint, 20,000', 'cold'),
    atMost: 4,
    rounds: 5,
  },
  {
    trial: 'fresh-process',
    what: 'a hook by require takes at most 20 % longer than bare node',
    of: (r) => r.median('guidance-ledger', 'share'),
    atMost: 20,
    rounds: 1,
  },
  {
    trial: 'fresh-process',
    // 7 to 10 % here; it was 35 % when Node read the names of a CommonJS file first.
    what: 'a hook by import takes at most 20 % longer than bare node',
    of: (r) => r.median('guidance-ledger', 'importShare'),
    atMost: 20,
    rounds: 1,
  },
];

const root = mkdtempSync(join(tmpdir(), 'guidance-ledger-guard-'));
let failed = 0;
try {
  for (const { trial: name, only, what, of, atMost, rounds = 3 } of GUARDS) {
    const { default: trial } = await import(`./trials/${name}.mjs`);
    const value = of(runTrial(name, trial, { root, quick: true, rounds, only }));
    const passed = value <= atMost;
    if (!passed) failed++;
    process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${what}: ${figure(value)}\n`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
process.stdout.write(`${GUARDS.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
