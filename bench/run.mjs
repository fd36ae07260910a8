// Runs the trials and writes docs/benchmarks.md and docs/benchmarks.svg.
//
// node bench/run.mjs [--quick] [--only trial[,trial]] [--rounds n]
//
// A part of the trials (`--only`) is printed, not written: the document is always of one whole run.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from './support/machine.mjs';
import { page, section } from './support/page.mjs';
import { plot } from './support/plot.mjs';
import { runTrial } from './support/run-trial.mjs';

const ORDER = [
  'log-event',
  'append',
  'many-writers',
  'fresh-process',
  'tool',
  'init',
  'read-all',
  'read-range',
  'follow',
  'in-memory',
  'compact',
  'archive',
  'beside-compact',
  'shared-threads',
  'large-log',
  'many-ledgers',
  'memory',
  'disk',
  'million',
];
const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, rounds: { type: 'string' } },
});
const quick = options.quick ?? false;
const rounds = options.rounds === undefined ? undefined : Number(options.rounds);
const names = options.only?.split(',') ?? ORDER;

// Beside the repository: a memory disk would make every contender faster, and fsync most of all.
const root = mkdtempSync(join(HERE, '.run-'));
const report = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
const done = [];
try {
  for (const name of names) {
    const { default: trial } = await import(`./trials/${name}.mjs`);
    const results = runTrial(name, trial, { root, quick, rounds, report });
    report('');
    process.stdout.write(`\n${section(trial, results)}\n`);
    done.push({ name, trial, results });
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

if (options.only === undefined) {
  const about = { ...machine(), command: `npm run bench${quick ? ' -- --quick' : ''}` };
  writeFileSync(join(DOCS, 'benchmarks.md'), page(done, about));
  writeFileSync(join(DOCS, 'benchmarks.svg'), plot(done));
  process.stderr.write(
    `Written: ${readdirSync(DOCS)
      .filter((name) => name.startsWith('benchmarks'))
      .join(', ')}\n`,
  );
}
