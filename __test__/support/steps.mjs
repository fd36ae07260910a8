/**
 * The steps of the differential test: calls of an implementation, and bytes written into its folder by hand. A step gets a contestant, a
 * generator whose seed is the step's, and the settings of its sequence; it must do the same for every contestant.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describeError } from './compare.mjs';
import * as hostile from './hostile.mjs';
import { Random } from './random.mjs';

/** Writes by hand, the same into every folder. */
export const hand = {
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
};

/** Puts another program's lock file there and makes the calls; afterwards it is gone. Appends are no part of it: ours wait for such a lock. */
async function lockedOut(contestant, random, calls) {
  if (contestant.lock() !== 'none') return 'held';
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
  mkdirSync(contestant.folder, { recursive: true });
  writeFileSync(contestant.paths.lock, content);
  // A file that cannot be read and is younger than a second may be one that a program is writing just now.
  const before = Date.now() / 1000 - 20;
  utimesSync(contestant.paths.lock, before, before);
  const outcomes = [];
  for (const call of calls) {
    const outcome = await call().catch(describeError);
    outcomes.push(outcome, contestant.lock());
  }
  rmSync(contestant.paths.lock, { force: true });
  return outcomes;
}

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
  lockedOut(c, random) {
    const [acquire, release] = [() => c.store.acquireLock(), () => c.store.releaseLock()];
    return lockedOut(
      c,
      random,
      random.chance(0.4) ? [release, acquire, release] : [acquire, acquire, release, release],
    );
  },
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
    const change = random.int(7);
    if (change === 0) target.reworkLines = hostile.number(random);
    if (change === 1) target.timestamp = 1000 + random.int(50);
    if (change === 2) target.taskId = hostile.task(random);
    if (change === 3) target.note = hostile.value(random, 1);
    if (change === 4 && Array.isArray(target.violations))
      target.violations.push({ ruleId: 'R9', autoCorrected: random.chance(0.5) });
    if (change === 5) delete target.violations;
    if (change === 6 && random.chance(0.3)) target.eventId = `renamed-${random.int(1e6)}`;
    return target;
  },
};

const onLedger = {
  ...inMemory,
  init: (c) => c.ledger.init(),
  load: (c) => c.ledger.load(),
  save: (c) => c.ledger.save(),
  compact: (c) => c.ledger.compact(),
  lockedOut(c, random) {
    const calls = [() => c.ledger.save(), () => c.ledger.compact(), () => c.ledger.destroy()];
    return lockedOut(c, random, [random.pick(calls)]);
  },
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

export const KINDS = {
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
            [2, 'lockedOut'],
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
      [1.5, 'compact'],
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
      ...(locks ? [[2, 'lockedOut']] : []),
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

export const STATS = new Set(['getStats', 'getStorageStats']);
export const IMMEDIATE = new Set(['logEvent', 'finalizeEvent', 'createAndFinalize']);
export const WRITES = new Set([...IMMEDIATE, 'append', 'importEvents', 'writeAll', 'save', 'peerAppend']);

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
    config: { enableWAL: random.chance(0.65), maxEvents: random.pick([0, 1, 2, 3, 5, 8, 10_000]) },
  };
  const table = KINDS[kind].table(settings);
  const steps = Array.from({ length: KINDS[kind].length(random) }, () => ({
    name: random.weighted(table),
    seed: random.fork(),
  }));
  return { kind, settings, steps };
}
