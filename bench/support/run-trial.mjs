// Runs a trial: contenders in turn, several rounds, each in a process and a folder of its own.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Results } from './results.mjs';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));

/**
 * @typedef {object} Context what a contender is given
 * @property {string} data folder of this trial's fixtures, kept over its rounds
 * @property {string} folder an empty folder for this contender and round
 * @property {boolean} quick whether sizes are small
 */

/**
 * @param {string} name
 * @param {{ rounds: { full: number, quick: number }, contenders: object, prepare?: Function }} trial
 * @param {{ root: string, quick: boolean, rounds?: number, only?: string[], report?: (text: string) => void }} options
 */
export function runTrial(name, trial, { root, quick, rounds, only, report = () => {} }) {
  const data = join(root, 'data');
  mkdirSync(data, { recursive: true });
  if (trial.prepare) run(name, 'prepare', { data, folder: data, quick });
  const contenders = Object.keys(trial.contenders).filter((each) => !only || only.includes(each));
  const results = new Results(contenders);
  const count = rounds ?? (quick ? trial.rounds.quick : trial.rounds.full);
  for (let round = 0; round < count; round++) {
    // Every other round backwards: no contender always runs after the same neighbour.
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const folder = join(root, 'work');
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      report(`${name}: round ${round + 1} of ${count}, ${contender}`);
      results.add(contender, run(name, contender, { data, folder, quick }));
    }
  }
  rmSync(join(root, 'work'), { recursive: true, force: true });
  return results;
}

/** @param {string} name @param {string} contender @param {Context} context */
function run(name, contender, context) {
  const args = ['--expose-gc', '--max-old-space-size=8192', CHILD, name, contender, JSON.stringify(context)];
  const { status, signal, stdout, stderr, error } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status !== 0) {
    throw new Error(`${name}, ${contender}: ended with ${signal ?? status}\n${error ?? stderr}`);
  }
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
}
