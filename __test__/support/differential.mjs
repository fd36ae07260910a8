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
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as originalLedger from '@claude-flow/guidance/ledger';
import * as originalPersistence from '@claude-flow/guidance/persistence';
import { differ, differingLine, Ids, show } from './compare.mjs';
import { difference } from './differences.mjs';
import { bytes, paths } from './disk.mjs';
import * as hostile from './hostile.mjs';
import { dissect, fired, model, truth } from './model.mjs';
import { quiet, watch } from './quiet.mjs';
import { Random } from './random.mjs';

export const original = { ...originalLedger, ...originalPersistence };

/** One implementation on its way through a sequence. */
class Contestant {
  objects = [];
  #numbers = new Map();
  newIds = [];
  store = null;
  ledger = null;

  constructor(name, implementation, root) {
    this.name = name;
    this.implementation = implementation;
    this.folder = join(root, name, 'nested', 'store');
    this.paths = paths(this.folder);
  }

  /** Numbers objects in the order in which they are first seen. Equal traces: the same objects come back in the same places. */
  trace(answer) {
    if (Array.isArray(answer)) return answer.map((member) => this.#number(member));
    return this.#number(answer);
  }

  #number(object) {
    if (typeof object !== 'object' || object === null) return null;
    if (!this.#numbers.has(object)) {
      this.#numbers.set(object, this.objects.length);
      this.objects.push(object);
    }
    return this.#numbers.get(object);
  }

  openStore() {
    this.store = new this.implementation.EventStore(this.folder);
  }

  openLedger(config) {
    this.ledger = watch(
      new this.implementation.PersistentLedger({ storagePath: this.folder, compactIntervalMs: 0, ...config }),
    );
  }

  log() {
    return bytes(this.paths.log);
  }

  index() {
    const found = bytes(this.paths.index);
    if (found === null) return null;
    try {
      return JSON.parse(found.toString('utf8'));
    } catch {
      return `unreadable: ${found.toString('latin1')}`;
    }
  }

  lock() {
    const found = bytes(this.paths.lock);
    if (found === null) return 'none';
    try {
      const { holder } = JSON.parse(found.toString('utf8'));
      return holder === 'peer' ? 'peer' : 'held';
    } catch {
      return 'unreadable';
    }
  }

  size() {
    return [this.paths.log, this.paths.index].reduce(
      (sum, path) => sum + (existsSync(path) ? statSync(path).size : 0),
      0,
    );
  }
}

// ---- steps ---------------------------------------------------------------------------------------------------------------------------

/** Writes by hand, the same into every folder. */
const hand = {
  scribble(contestant, random, { lines }) {
    mkdirSync(contestant.folder, { recursive: true });
    appendFileSync(contestant.paths.log, hostile.scribble(random, lines));
  },

  tearTail(contestant, random, { lines }) {
    if (lines === 'canonical' || !existsSync(contestant.folder)) return;
    appendFileSync(
      contestant.paths.log,
      Buffer.from(JSON.stringify(hostile.event(random, false))).subarray(
        0,
        random.chance(0.3) ? undefined : 1 + random.int(100),
      ),
    );
  },

  replaceLog(contestant, random, { lines }) {
    mkdirSync(contestant.folder, { recursive: true });
    const next = `${contestant.paths.log}.hand`;
    writeFileSync(next, random.chance(0.2) ? '' : hostile.scribble(random, lines));
    renameSync(next, contestant.paths.log);
  },

  removeLog(contestant) {
    rmSync(contestant.paths.log, { force: true });
  },

  spoilIndex(contestant, random) {
    mkdirSync(contestant.folder, { recursive: true });
    const content = random.pick([
      null,
      '',
      '{',
      JSON.stringify({ eventCount: 99, oldestTimestamp: 1, newestTimestamp: 2, taskIds: ['no'] }, null, 2),
    ]);
    if (content === null) rmSync(contestant.paths.index, { force: true });
    else writeFileSync(contestant.paths.index, content);
  },

  foreignLock(contestant, random) {
    const store = contestant.store ?? contestant.ledger.getEventStore();
    const content = random.pick([
      JSON.stringify({ holder: 'peer', timestamp: Date.now() - 5_000, pid: 1 }),
      JSON.stringify({ holder: 'peer', timestamp: Date.now() - 29_000, pid: 1 }),
      JSON.stringify({ holder: 'peer', timestamp: Date.now() - 31_000, pid: 1 }),
      '',
      '{',
      'null',
      '{"holder":"peer","timestamp":"long ago","pid":1}',
      '\u0000\u0000',
    ]);
    if (contestant.lock() !== 'none') return store && undefined;
    mkdirSync(contestant.folder, { recursive: true });
    writeFileSync(contestant.paths.lock, content);
    // A file that cannot be read and is younger than a second may be one that a program is writing just now.
    const before = Date.now() / 1000 - 20;
    utimesSync(contestant.paths.lock, before, before);
  },

  removeLock(contestant) {
    if (contestant.lock() === 'peer' || contestant.lock() === 'unreadable') unlinkSync(contestant.paths.lock);
  },
};

const onStore = {
  append: (c, random, { wild }) => c.store.append(hostile.event(random, wild)),
  readAll: (c) => c.store.readAll(),
  readRange: (c, random) => c.store.readRange(hostile.bound(random), hostile.bound(random)),
  compact: (c, random) => c.store.compact(random.pick([0, 1, 2, 3, 5, 8, 10_000, Infinity])),
  writeAll: (c, random, { wild }) =>
    c.store.writeAll(Array.from({ length: random.int(6) }, () => hostile.event(random, wild))),
  getStats: (c) => stats(c, c.store.getStats()),
  acquireLock: (c) => c.store.acquireLock(),
  releaseLock: (c) => c.store.releaseLock(),
  reopen: (c) => c.openStore(),
  destroy: (c) => c.store.destroy(),
  badAppend: (c, random) =>
    c.store.append(random.chance(0.3) ? hostile.unserialisable(random) : hostile.notAnEvent(random)),
  badWriteAll: (c, random, { wild }) =>
    c.store.writeAll(
      random.chance(0.3)
        ? random.pick([null, undefined, 'text', 5, {}])
        : [hostile.event(random, wild), hostile.notAnEvent(random)],
    ),
  badCompact: (c, random) => c.store.compact(random.pick([NaN, -1, undefined, null, '1', {}, 1.5])),
};

const inMemory = {
  logEvent(c, random, { wild }) {
    const given = hostile.event(random, wild);
    c.trace(given);
    const logged = c.ledger.logEvent(given);
    c.newIds.push(logged.eventId);
    return logged;
  },
  finalizeEvent(c, random, { wild }) {
    const given =
      random.chance(0.2) && c.objects.length > 0
        ? c.objects[random.int(c.objects.length)]
        : hostile.event(random, wild);
    c.trace(given);
    return c.ledger.finalizeEvent(given);
  },
  createAndFinalize(c, random) {
    const made = c.ledger.createEvent(
      hostile.task(random),
      random.pick(['feature', 'general']),
      hostile.text(random),
    );
    c.newIds.push(made.eventId);
    made.timestamp -= random.int(1000);
    c.trace(made);
    return c.ledger.finalizeEvent(made);
  },
  importEvents(c, random, { wild }) {
    const list = Array.from({ length: random.int(5) }, () => hostile.event(random, wild));
    c.trace(list);
    return c.ledger.importEvents(list);
  },
  getEvents: (c) => c.ledger.getEvents(),
  exportEvents: (c) => c.ledger.exportEvents(),
  eventCount: (c) => c.ledger.eventCount,
  getEventsByTask: (c, random) => c.ledger.getEventsByTask(hostile.task(random)),
  getEventsInRange: (c, random) => c.ledger.getEventsInRange(hostile.bound(random), hostile.bound(random)),
  getRecentEvents: (c, random) =>
    c.ledger.getRecentEvents(random.pick([0, 1, 2, 3, 100, -1, -2, 1.5, NaN, Infinity, undefined, '2', -0])),
  computeMetrics: (c) => c.ledger.computeMetrics(),
  rankViolations: (c) => c.ledger.rankViolations(),
  metricsOfSome: (c, random) => c.ledger.computeMetrics(c.ledger.getEvents().slice(random.int(4))),
  rankingOfSome: (c, random) => c.ledger.rankViolations(c.ledger.getRecentEvents(random.int(5))),
  clear: (c) => c.ledger.clear(),
  evaluate: (c, random, { wild }) => c.ledger.evaluate(hostile.event(random, wild)),
  addEvaluator(c, random) {
    const name = random.pick(['mine', 'yours', 'tests-pass']);
    const answer = hostile.value(random, 1);
    c.ledger.addEvaluator({
      name,
      type: 'subjective',
      evaluate: (event) => ({ name, answer, task: event?.taskId }),
    });
  },
  removeEvaluator: (c, random) =>
    c.ledger.removeEvaluator(
      random.pick(['mine', 'yours', 'tests-pass', 'violation-rate', 'none', undefined]),
    ),
  mutate(c, random) {
    if (c.objects.length === 0) return undefined;
    const target = c.objects[random.int(c.objects.length)];
    const change = random.int(6);
    if (change === 0) target.reworkLines = hostile.number(random);
    if (change === 1) target.timestamp = 1000 + random.int(50);
    if (change === 2) target.taskId = hostile.task(random);
    if (change === 3) target.note = hostile.value(random, 1);
    if (change === 4 && Array.isArray(target.violations))
      target.violations.push({ ruleId: 'R9', autoCorrected: random.chance(0.5) });
    if (change === 5) delete target.violations;
    return target;
  },
};

const onLedger = {
  ...inMemory,
  init: (c) => c.ledger.init(),
  load: (c) => c.ledger.load(),
  save: (c) => c.ledger.save(),
  compact: (c) => c.ledger.compact(),
  getStorageStats: (c) => stats(c, c.ledger.getStorageStats()),
  readAll: (c) => c.ledger.getEventStore().readAll(),
  sameStore: (c) => new Set([c.ledger.getEventStore(), c.ledger.getEventStore()]).size,
  peerAppend: (c, random, { wild }) =>
    new c.implementation.EventStore(c.folder).append(hostile.event(random, wild)),
  peerCompact: (c, random) => new c.implementation.EventStore(c.folder).compact(random.int(6)),
  async reopen(c, random, { config }) {
    if (random.chance(0.5)) await c.ledger.destroy();
    c.openLedger(config);
    if (random.chance(0.6)) await c.ledger.init();
  },
  destroy: (c) => c.ledger.destroy(),
  badLog(c, random) {
    const logged = c.ledger.logEvent(
      random.chance(0.3) ? { big: 1n } : random.pick([undefined, null, 5, 'text']),
    );
    c.newIds.push(logged.eventId);
    return logged;
  },
  badImport: (c, random, { wild }) =>
    c.ledger.importEvents([hostile.event(random, wild), hostile.notAnEvent(random)]),
};

async function stats(contestant, promise) {
  const answer = await promise;
  // The size is compared with the contestant's own files: those of another may rightly be of another size.
  return {
    ...answer,
    storageSizeBytes:
      answer.storageSizeBytes === contestant.size()
        ? 'as on disk'
        : `${answer.storageSizeBytes}, on disk ${contestant.size()}`,
  };
}

const HAND = [
  [3, 'scribble'],
  [0.7, 'tearTail'],
  [0.6, 'replaceLog'],
  [0.3, 'removeLog'],
  [0.5, 'spoilIndex'],
];
const READS = [
  [1.5, 'getEvents'],
  [0.5, 'exportEvents'],
  [1, 'eventCount'],
  [1, 'getEventsByTask'],
  [1, 'getEventsInRange'],
  [1, 'getRecentEvents'],
  [1.5, 'computeMetrics'],
  [1.5, 'rankViolations'],
  [0.3, 'metricsOfSome'],
  [0.3, 'rankingOfSome'],
  [0.5, 'evaluate'],
  [0.2, 'addEvaluator'],
  [0.2, 'removeEvaluator'],
];

const KINDS = {
  memory: {
    steps: inMemory,
    table: () => [
      [6, 'logEvent'],
      [2, 'finalizeEvent'],
      [1, 'createAndFinalize'],
      [2, 'importEvents'],
      [0.3, 'clear'],
      [2, 'mutate'],
      ...READS,
    ],
    length: (random) => 5 + random.int(30),
    open(contestant, settings) {
      contestant.ledger = new contestant.implementation.RunLedger(settings.maxEvents);
    },
  },
  store: {
    steps: onStore,
    table: ({ lines, bad, locks }) => [
      [6, 'append'],
      [2, 'readAll'],
      [2, 'readRange'],
      [1.5, 'compact'],
      [0.8, 'writeAll'],
      [1.5, 'getStats'],
      [0.5, 'reopen'],
      [0.2, 'destroy'],
      ...(lines ? HAND : []),
      ...(locks
        ? [
            [2, 'acquireLock'],
            [2, 'releaseLock'],
            [1.5, 'foreignLock'],
            [1, 'removeLock'],
          ]
        : []),
      ...(bad
        ? [
            [0.7, 'badAppend'],
            [0.5, 'badWriteAll'],
            [0.5, 'badCompact'],
          ]
        : []),
    ],
    length: (random) => 4 + random.int(12),
    open: (contestant) => contestant.openStore(),
  },
  ledger: {
    steps: onLedger,
    table: ({ lines, bad, locks, finalize }) => [
      [6, 'logEvent'],
      [1, 'importEvents'],
      [1, 'init'],
      [0.7, 'load'],
      [1, 'save'],
      [1, 'compact'],
      [0.3, 'clear'],
      [1, 'mutate'],
      ...READS,
      [1, 'getStorageStats'],
      [0.5, 'readAll'],
      [0.1, 'sameStore'],
      [1, 'peerAppend'],
      [0.2, 'peerCompact'],
      [0.7, 'reopen'],
      [0.2, 'destroy'],
      ...(finalize
        ? [
            [2, 'finalizeEvent'],
            [1.5, 'createAndFinalize'],
          ]
        : []),
      ...(lines ? HAND : []),
      ...(locks
        ? [
            [1.5, 'foreignLock'],
            [1, 'removeLock'],
          ]
        : []),
      ...(bad
        ? [
            [0.5, 'badLog'],
            [0.3, 'badImport'],
          ]
        : []),
    ],
    length: (random) => 5 + random.int(14),
    open: (contestant, { config }) => contestant.openLedger(config),
  },
};

const STATS = new Set(['getStats', 'getStorageStats']);
const IMMEDIATE = new Set(['logEvent', 'finalizeEvent', 'createAndFinalize']);
const WRITES = new Set([...IMMEDIATE, 'append', 'importEvents', 'writeAll', 'save', 'peerAppend']);

/** What a seed stands for: the kind, the settings, the steps. */
export function sequence(seed, onlyKind) {
  const random = new Random(seed);
  const kind =
    onlyKind ??
    random.weighted([
      [1, 'memory'],
      [3, 'store'],
      [4, 'ledger'],
    ]);
  const settings = {
    wild: random.chance(0.4),
    lines: random.weighted([
      [4, null],
      [2, 'canonical'],
      [4, 'wild'],
    ]),
    bad: random.chance(0.2),
    locks: random.chance(0.2),
    finalize: random.chance(0.5),
    maxEvents: random.pick([undefined, 0, 0, 1, 2, 5, 10, 25, NaN, -1, Infinity, '3']),
    config: { enableWAL: random.chance(0.75), maxEvents: random.pick([0, 1, 2, 3, 5, 8, 10_000]) },
  };
  const table = KINDS[kind].table(settings);
  const steps = Array.from({ length: KINDS[kind].length(random) }, () => ({
    name: random.weighted(table),
    seed: random.fork(),
  }));
  return { kind, settings, steps };
}

// ---- the run -------------------------------------------------------------------------------------------------------------------------

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
    outcome.error = describeError(error, plan);
  }
  if (plan.kind === 'ledger') await quiet(contestant.ledger);
  if (early !== undefined) {
    const late = contestant.log();
    const written = early === null ? late === null : late !== null && early.equals(late);
    if (!written) outcome.late = 'the line was not in the log when the call returned (difference 15)';
  }
  return outcome;
}

function describeError(error) {
  if (!(error instanceof Error)) return `no Error: ${show(error)}`;
  const locked = /^Storage is locked by another process \(holder: (.*), age: \d+ms\)\. Lock file: /.exec(
    error.message,
  );
  if (locked) return `Error: locked by ${/^[0-9a-f-]{36}$/.test(locked[1]) ? 'an instance' : locked[1]}`;
  return error.constructor.name;
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

function compareStep(a, b, outcomes, ids, { excused, loose, step, plan, rejected, freshIndex }) {
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
    const [x, y] = [a.index(), b.index()];
    const found = differ(x, y, ids, 'index');
    if (
      found &&
      !(
        freshIndex &&
        !differ(
          plain(
            truth(
              dissect(b.log())
                .filter((line) => line.kind === 'event')
                .map((line) => line.event),
            ),
          ),
          y,
          ids,
        )
      )
    )
      return found;
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

/**
 * Runs one seed. Returns null, or what went wrong.
 * @param {object} subject the implementation under test
 * @param {{ twin?: boolean, kind?: string, root?: string }} options
 */
export async function runSeed(seed, subject, { twin = false, kind, root: base } = {}) {
  const plan = sequence(seed, kind);
  const root = mkdtempSync(join(base ?? scratch(), 'differential-'));
  const ids = new Ids();
  const tested = new Contestant('ours', subject, root);
  const first = new Contestant('original', original, root);
  const modelled = new Contestant('model', model, root);
  const runners = plan.kind === 'memory' || twin ? [first, tested] : [first, modelled, tested];
  const now = Date.now;
  const trail = [];
  // What a ledger holds live is serialised anew when it is saved, what is sealed is not, and the model holds nothing sealed.
  const loose = plan.kind === 'ledger' && plan.settings.lines === 'wild' && !twin;
  let clock = now();
  try {
    Date.now = () => clock;
    for (const contestant of runners) KINDS[plan.kind].open(contestant, plan.settings);
    for (const [at, step] of plan.steps.entries()) {
      clock += 7;
      fired.clear();
      const freshIndex = !WRITES.has(step.name);
      const outcomes = new Map();
      for (const contestant of runners)
        outcomes.set(contestant, await perform(contestant, step, plan, twin ? null : tested));
      while (runners.some((contestant) => contestant.newIds.length > 0))
        ids.unify(
          Object.fromEntries(runners.map((contestant) => [contestant.name, contestant.newIds.shift()])),
        );
      trail.push(`${step.name}${fired.size ? ` (${[...fired].join(', ')})` : ''}`);
      const touched = new Set([...fired].flatMap((number) => difference(number).touches));
      for (const reference of runners.slice(0, -1)) {
        const found = compareStep(reference, tested, outcomes, ids, {
          step,
          plan,
          excused: reference === modelled || twin ? new Set() : touched,
          rejected: reference === modelled,
          loose: reference === modelled && loose,
          freshIndex: freshIndex && !twin,
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
    rmSync(root, { recursive: true, force: true });
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

// ---- the command ---------------------------------------------------------------------------------------------------------------------

async function main() {
  const { parseArgs } = await import('node:util');
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: process.env.SEEDS ?? '300' },
      from: { type: 'string', default: process.env.SEED ?? '1' },
      kind: { type: 'string' },
      twin: { type: 'boolean', default: false },
      model: { type: 'boolean', default: false },
      'stop-after': { type: 'string', default: '10' },
    },
  });
  const subject = values.twin ? original : values.model ? model : await import('guidance-ledger');
  const started = performance.now();
  let failures = 0;
  const last = Number(values.from) + Number(values.seeds);
  for (let seed = Number(values.from); seed < last && failures < Number(values['stop-after']); seed++) {
    const failure = await runSeed(seed, subject, { twin: values.twin, kind: values.kind });
    if (failure === null) continue;
    failures += 1;
    console.error(report(failure));
  }
  console.log(
    `${values.seeds} seeds from ${values.from}: ${failures === 0 ? 'no difference' : `${failures} failed`}, ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  process.exitCode = failures === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
