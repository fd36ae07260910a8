/**
 * Loaded events are sealed until JavaScript asks for them. Whatever was asked before, and in which order, every answer must equal the
 * original's, whose events are objects from the start: the original on the same log is the naive twin of each test here.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { differ, Ids } from './support/compare.mjs';
import { paths } from './support/disk.mjs';
import { lineOf, runEvent, violation } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import * as hostile from './support/hostile.mjs';
import { describeOurs, original, ours } from './support/implementations.mjs';
import { Random } from './support/random.mjs';

/** Both ledgers, loaded from equal logs. */
async function twins(content) {
  const made = [];
  for (const implementation of [original, ours]) {
    const folder = fresh();
    mkdirSync(folder, { recursive: true });
    writeFileSync(paths(folder).log, content);
    const ledger = open(implementation, folder);
    await ledger.init();
    made.push(ledger);
  }
  return made;
}

const attempt = (call) => {
  try {
    return call();
  } catch (error) {
    return `${error.constructor.name}: ${error.message}`;
  }
};

function expectEqual([theirs, mine], ask) {
  expect(
    differ(
      attempt(() => ask(theirs)),
      attempt(() => ask(mine)),
      new Ids(),
    ),
  ).toBe(null);
}

const ASK = {
  events: (ledger) => ledger.getEvents(),
  exported: (ledger) => ledger.exportEvents(),
  count: (ledger) => ledger.eventCount,
  task: (ledger) => ledger.getEventsByTask('task-2'),
  noTask: (ledger) => ledger.getEventsByTask(undefined),
  range: (ledger) => ledger.getEventsInRange(1010, 1030),
  oddRange: (ledger) => ledger.getEventsInRange('1010', null),
  recent: (ledger) => ledger.getRecentEvents(3),
  allRecent: (ledger) => ledger.getRecentEvents(0),
  later: (ledger) => ledger.getRecentEvents(-4),
  metrics: (ledger) => ledger.computeMetrics(),
  ranking: (ledger) => ledger.rankViolations(),
};

const log = (seed, count, wild) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => `${JSON.stringify(hostile.event(random, wild))}\n`).join('');
};

describeOurs('sealed and live', () => {
  test.each(Object.keys(ASK))('%s is the first question', async (first) => {
    for (let seed = 1; seed <= 8; seed++) {
      const pair = await twins(log(seed, 25, seed > 5));
      expectEqual(pair, ASK[first]);
      for (const ask of Object.values(ASK)) expectEqual(pair, ask);
    }
  });

  test('questions in random order, with changes between them', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const pair = await twins(log(seed, random.int(30), random.chance(0.4)));
      for (let n = 0; n < 12; n++) {
        const step = random.fork();
        const name = random.pick(Object.keys(ASK));
        expectEqual(pair, ASK[name]);
        for (const ledger of pair) change(ledger, new Random(step));
      }
      for (const ask of Object.values(ASK)) expectEqual(pair, ask);
    }
  });

  function change(ledger, random) {
    const some = random.pick([
      () => ledger.getRecentEvents(2),
      () => ledger.getEventsByTask('task-1'),
      () => ledger.getEventsInRange(1000, 1015),
    ]);
    const found = attempt(some);
    const target = Array.isArray(found) ? found[0] : undefined;
    switch (random.int(5)) {
      case 0:
        if (target) target.reworkLines = hostile.number(random);
        break;
      case 1:
        if (Array.isArray(target?.violations)) target.violations.push(violation('R2', random.chance(0.5)));
        break;
      case 2:
        if (target) target.taskId = 'task-2';
        break;
      case 3:
        ledger.importEvents([
          runEvent({
            eventId: `x${random.int(1e6)}`,
            timestamp: 1012,
            violations: [violation('R1')],
            reworkLines: 2,
          }),
        ]);
        break;
      default:
    }
  }

  test('an event keeps its identity through every question', async () => {
    const [, ledger] = await twins(log(3, 30, false));
    const byTask = ledger.getEventsByTask('task-1');
    const inRange = ledger.getEventsInRange(1000, 1025);
    const recent = ledger.getRecentEvents(5);
    const all = new Set(ledger.getEvents());
    expect(byTask.length * inRange.length).toBeGreaterThan(0);
    for (const event of [...byTask, ...inRange, ...recent]) expect(all.has(event)).toBe(true);
    expect(all.size).toBe(30);
    expect(ledger.getEventsByTask('task-1').every((event, i) => event === byTask[i])).toBe(true);
  });

  test('ties of the ranking go by first occurrence, sealed or live', async () => {
    const content = ['B', 'A', 'C', 'D', 'A']
      .map((rule, i) =>
        lineOf(runEvent({ eventId: `e${i}`, timestamp: i, violations: [violation(rule)], reworkLines: 1 })),
      )
      .join('');
    for (const touch of [[], [0], [1], [2, 3], [4], [0, 1, 2, 3, 4]]) {
      const pair = await twins(content);
      for (const ledger of pair) for (const time of touch) ledger.getEventsInRange(time, time);
      expectEqual(pair, ASK.ranking);
      for (const ledger of pair)
        for (const time of touch) ledger.getEventsInRange(time, time)[0].violations.unshift(violation('E'));
      expectEqual(pair, ASK.ranking);
    }
  });

  test('fractions are summed in the order of the ledger, some of them live', async () => {
    const reworks = [0.1, 0.2, 0.3, 1e16, 1, -1e16, 0.7, 1e308, 1e308, -1e308];
    const content = reworks
      .map((reworkLines, i) => lineOf(runEvent({ timestamp: i, violations: [violation('R')], reworkLines })))
      .join('');
    for (let live = 0; live < reworks.length; live++) {
      const pair = await twins(content);
      for (const ledger of pair) ledger.getEventsInRange(live, live);
      expectEqual(pair, ASK.metrics);
      expectEqual(pair, ASK.ranking);
    }
  });

  test('one irregular event among regular ones', async () => {
    const shapes = [
      '{}',
      '{"violations":null}',
      '{"violations":[null],"reworkLines":1}',
      '{"violations":"ab","reworkLines":1}',
      '{"violations":[],"reworkLines":"3"}',
      '{"violations":[],"reworkLines":null}',
      '{"violations":[{"ruleId":1},{"ruleId":1}],"reworkLines":1}',
      '{"violations":[{}],"reworkLines":1}',
      '{"violations":[{"ruleId":"R","autoCorrected":"no"}],"reworkLines":1}',
      '{"violations":[{"ruleId":"R","autoCorrected":null}],"reworkLines":1}',
      '{"violations":[{"ruleId":"x","ruleId":"y","autoCorrected":true,"autoCorrected":false}],"reworkLines":1}',
      '{"violations":[{"\\u0072uleId":"z"}],"reworkLines":1e2}',
      '{"violations":{"0":{"ruleId":"R"},"length":1},"reworkLines":1}',
      '{"violations":[[]],"reworkLines":1}',
      '{"violations":[{"ruleId":"\\ud800"},{"ruleId":"\\ud83d\\ude00"},{"ruleId":"😀"}],"reworkLines":1}',
      '{"violations":[],"reworkLines":1e999}',
      '{"violations":[],"reworkLines":-0}',
    ];
    for (const shape of shapes) {
      for (const order of [0, 1, 2]) {
        const lines = [
          lineOf(runEvent({ violations: [violation('R', true)], reworkLines: 2 })),
          lineOf(runEvent({ reworkLines: 3 })),
        ];
        lines.splice(order, 0, `${shape}\n`);
        const pair = await twins(lines.join(''));
        for (const ask of [ASK.metrics, ASK.ranking, ASK.metrics, ASK.events]) expectEqual(pair, ask);
      }
    }
  });

  test('loading 100,000 events for one metric', { timeout: 120_000 }, async () => {
    const content = Array.from({ length: 100_000 }, (_, i) =>
      lineOf(
        runEvent({
          timestamp: i,
          violations: i % 3 ? [] : [violation(`R${i % 5}`, i % 2 === 0)],
          reworkLines: i % 7,
        }),
      ),
    ).join('');
    const pair = await twins(content);
    expectEqual(pair, ASK.metrics);
    expectEqual(pair, ASK.ranking);
    expectEqual(pair, (ledger) => ledger.getEventsInRange(50_000, 50_003));
    expectEqual(pair, (ledger) => ledger.getRecentEvents(2));
  });
});
