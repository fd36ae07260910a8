/**
 * The differential test's core, free of any test runner:
 *
 *   node __test__/support/differential.mjs --seeds 10000 [--from 1] [--kind memory|store|ledger] [--twin]
 *
 * A seed makes a sequence of calls with hostile values, and of bytes written into the folder by hand between them. Three contestants go
 * through it in step, each in a folder of its own: the original, the model (the original with the numbered differences, see `model.mjs`)
 * and the subject. After each awaited step are compared: the answer or the error's class, which objects are the same object, the bytes of
 * the log, the content of index.json, the lock, the lines set aside. The subject must agree with the model in everything, always, and with the original in
 * everything that the differences fired in that step do not touch. Afterwards the original's files are brought to where the model's are, or, if a
 * difference has reached the original's memory, the original leaves the sequence.
 *
 * `--twin` compares the original with itself, without a model: nothing may differ, which is a test of this file.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import * as originalLedger from '@claude-flow/guidance/ledger';
import * as originalPersistence from '@claude-flow/guidance/persistence';
import { describeError, differ, differingLine, Ids, show } from './compare.mjs';
import { Contestant } from './contestant.mjs';
import { difference } from './differences.mjs';
import { bytes } from './disk.mjs';
import { dissect, fired, model, truth } from './model.mjs';
import { quiet } from './quiet.mjs';
import { Random } from './random.mjs';
import { hand, IMMEDIATE, KINDS, STATS, sequence, WRITES } from './steps.mjs';

export const original = { ...originalLedger, ...originalPersistence };

async function perform(contestant, step, plan, subject) {
  const random = new Random(step.seed);
  if (hand[step.name]) {
    hand[step.name](contestant, random, plan.settings);
    return { answer: undefined, trace: null };
  }
  const outcome = { answer: undefined, trace: null };
  let early;
  try {
    const pending = KINDS[plan.kind].steps[step.name](contestant, random, plan.settings);
    if (contestant === subject && contestant.ledger?.flush && IMMEDIATE.has(step.name))
      early = contestant.log();
    outcome.answer = await pending;
    if (!STATS.has(step.name)) outcome.trace = contestant.trace(outcome.answer);
  } catch (error) {
    outcome.error = describeError(error);
  }
  if (plan.kind === 'ledger') await quiet(contestant.ledger);
  // Ours follows in the background.
  if (contestant === subject && plan.kind !== 'memory')
    await new contestant.implementation.EventStore(contestant.folder).flush?.().catch(() => {});
  if (early !== undefined) {
    const late = contestant.log();
    const written = early === null ? late === null : late !== null && early.equals(late);
    if (!written) outcome.late = 'the line was not in the log when the call returned (difference 15)';
  }
  return outcome;
}

/** The log with each event's line serialised anew: for what a ledger holds live, its bytes are not kept. */
function canonical(buffer) {
  if (buffer === null) return null;
  return Buffer.concat(
    dissect(buffer).flatMap((line) => [
      line.kind === 'event' ? Buffer.from(JSON.stringify(line.event)) : line.raw,
      Buffer.from('\n'),
    ]),
  );
}

/** Whether our `index.json` tells the truth of the log: of all its lines but one that has no newline yet. */
function tellsTheTruth(ours) {
  const log = ours.log();
  const whole = log?.subarray(0, log.lastIndexOf(0x0a) + 1) ?? null;
  const events = dissect(whole).filter((line) => line.kind === 'event');
  return isDeepStrictEqual(ours.index(), plain(truth(events.map((line) => line.event))));
}

function compareStep(a, b, outcomes, ids, { excused, loose, step, plan, rejected }) {
  const [left, right] = [outcomes.get(a), outcomes.get(b)];
  if (!excused.has(STATS.has(step.name) ? 'stats' : 'answer')) {
    if (left.error !== right.error)
      return `error: ${left.error ?? show(left.answer)} against ${right.error ?? show(right.answer)}`;
    if (!left.error) {
      const found =
        differ(left.answer, right.answer, ids) ??
        (plan.kind === 'store' ? null : differ(left.trace, right.trace, ids, 'identity'));
      if (found) return found;
    }
  }
  if (right.late) return right.late;
  if (plan.kind === 'memory') return null;
  if (!excused.has('log')) {
    const [x, y] = [ids.bytes(a.log()), ids.bytes(b.log())];
    if (x !== y && !(loose && ids.bytes(canonical(a.log())) === ids.bytes(canonical(b.log()))))
      return `log: ${differingLine(x, y)}`;
  }
  if (!excused.has('index')) {
    const found = differ(a.index(), b.index(), ids, 'index');
    if (found) return found;
  }
  if (!excused.has('lock') && a.lock() !== b.lock()) return `lock: ${a.lock()} against ${b.lock()}`;
  if (rejected) {
    const [x, y] = [ids.bytes(bytes(a.paths.rejected)), ids.bytes(bytes(b.paths.rejected))];
    if (x !== y) return `rejected lines: ${differingLine(x, y)}`;
  }
  return null;
}

const plain = (value) => JSON.parse(JSON.stringify(value));

/** Brings one contestant's files to where another's are. */
function bring(from, to, ids, names = ['log', 'index']) {
  if (!existsSync(from.folder)) return rmSync(to.folder, { recursive: true, force: true });
  mkdirSync(to.folder, { recursive: true });
  for (const name of names) {
    const content = bytes(from.paths[name]);
    if (content === null) rmSync(to.paths[name], { force: true });
    else writeFileSync(to.paths[name], ids.translate(content, to.name));
  }
  return undefined;
}

/** What was compared: how many steps, how many of them with the original still in the sequence, and which differences were met. */
export class Tally {
  steps = 0;
  withOriginal = 0;
  met = new Map();

  count(numbers, withOriginal) {
    this.steps += 1;
    if (withOriginal) this.withOriginal += 1;
    for (const number of numbers) this.met.set(number, (this.met.get(number) ?? 0) + 1);
  }

  toString() {
    const met = [...this.met].toSorted(([a], [b]) => a - b).map(([number, times]) => `${number} (${times})`);
    return `${this.steps} steps, ${this.withOriginal} of them beside the original; differences met: ${met.join(', ') || 'none'}`;
  }
}

/**
 * Runs one seed. Returns null, or what went wrong.
 * @param {object} subject the implementation under test
 * @param {{ twin?: boolean, kind?: string, tally?: Tally }} options
 */
export async function runSeed(seed, subject, { twin = false, kind, tally = new Tally() } = {}) {
  const plan = sequence(seed, kind);
  const root = mkdtempSync(join(scratch(), 'differential-'));
  const ids = new Ids();
  const tested = new Contestant('ours', subject, root);
  const first = new Contestant('original', original, root);
  const modelled = new Contestant('model', model, root);
  const runners = plan.kind === 'memory' || twin ? [first, tested] : [first, modelled, tested];
  const now = Date.now;
  const trail = [];
  // What a ledger holds live is serialised anew when it is saved, what is sealed is not, and the model holds
  // nothing sealed.
  const loose = plan.kind === 'ledger' && plan.settings.lines === 'wild' && !twin;
  let clock = now();
  try {
    Date.now = () => clock;
    for (const contestant of runners) KINDS[plan.kind].open(contestant, plan.settings);
    for (const [at, step] of plan.steps.entries()) {
      clock += 7;
      fired.clear();
      const outcomes = new Map();
      const before = plan.kind === 'memory' ? null : tested.log();
      for (const contestant of runners)
        outcomes.set(contestant, await perform(contestant, step, plan, twin ? null : tested));
      while (runners.some((contestant) => contestant.newIds.length > 0))
        ids.unify(
          Object.fromEntries(runners.map((contestant) => [contestant.name, contestant.newIds.shift()])),
        );
      trail.push(`${step.name}${fired.size ? ` (${[...fired].join(', ')})` : ''}`);
      tally.count(fired, runners[0] === first);
      const touched = new Set([...fired].flatMap((number) => difference(number).touches));
      // Ours may be ahead: flush() brings it up to date with what was written by hand.
      const wrote = () => WRITES.has(step.name) && !isDeepStrictEqual(before, tested.log());
      const ahead = !twin && plan.kind !== 'memory' && !wrote() && tellsTheTruth(tested);
      for (const reference of runners.slice(0, -1)) {
        if (ahead && reference.index() !== null) bring(tested, reference, ids, ['index']);
        const found = compareStep(reference, tested, outcomes, ids, {
          step,
          plan,
          excused: reference === modelled || twin ? new Set() : touched,
          rejected: reference === modelled,
          loose: reference === modelled && loose,
        });
        if (found)
          return {
            seed,
            kind: plan.kind,
            settings: plan.settings,
            against: reference.name,
            step: at + 1,
            trail,
            found,
          };
      }
      if (runners.length < 3 && runners[0] !== modelled) continue;
      if (loose) bring(tested, modelled, ids);
      if (touched.size === 0 || runners[0] !== first) continue;
      if (plan.kind === 'ledger' && touched.has('memory')) runners.shift();
      else bring(modelled, first, ids, touched.has('lock') ? ['log', 'index', 'lock'] : undefined);
    }
    return null;
  } catch (error) {
    return {
      seed,
      kind: plan.kind,
      settings: plan.settings,
      against: 'itself',
      step: trail.length + 1,
      trail,
      found: `the harness failed: ${error.stack}`,
    };
  } finally {
    Date.now = now;
    rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

/** A folder in memory if the system has one: the same system calls, without the disk. */
export function scratch() {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

export function report({ seed, kind, settings, against, step, trail, found }) {
  return [
    `seed ${seed} (${kind}), step ${step}, against ${against}: ${found}`,
    `  steps: ${trail.join(' · ')}`,
    `  settings: ${JSON.stringify(settings)}`,
    `  again: node __test__/support/differential.mjs --from ${seed} --seeds 1`,
  ].join('\n');
}

async function main() {
  const { parseArgs } = await import('node:util');
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: process.env.SEEDS ?? (process.env.SEED ? '1' : '300') },
      from: { type: 'string', default: process.env.SEED ?? '1' },
      kind: { type: 'string' },
      twin: { type: 'boolean', default: false },
      model: { type: 'boolean', default: false },
      'stop-after': { type: 'string', default: '10' },
    },
  });
  const subject = values.twin ? original : values.model ? model : await import('guidance-ledger');
  const started = performance.now();
  const tally = new Tally();
  let failures = 0;
  const last = Number(values.from) + Number(values.seeds);
  for (let seed = Number(values.from); seed < last && failures < Number(values['stop-after']); seed++) {
    const failure = await runSeed(seed, subject, { twin: values.twin, kind: values.kind, tally });
    if (failure === null) continue;
    failures += 1;
    console.error(report(failure));
  }
  console.log(
    `${values.seeds} seeds from ${values.from}: ${failures === 0 ? 'no difference' : `${failures} failed`}, ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  console.log(String(tally));
  process.exitCode = failures === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
