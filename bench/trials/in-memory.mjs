// Questions to a ledger that has loaded 100,000 events.

import { original, ours } from '../support/contenders.mjs';
import { START, STEP, taskOf } from '../support/event.mjs';
import { fixture } from '../support/fixture.mjs';
import { timed, timedEach } from '../support/measure.mjs';

const COUNT = 100_000;
const TASKS = 1000;
const CALLS = 31;
const WARM = 100;

function expectCount(count, found) {
  if (found.length !== count) throw new Error(`${found.length} instead of ${count} events`);
}

/** Milliseconds a call. Sums first: they must find the events as loading left them. */
async function ask({ data }, { PersistentLedger }, interval) {
  const ledger = new PersistentLedger({ storagePath: fixture(data, COUNT, TASKS), ...interval });
  await ledger.init();
  globalThis.gc();
  const firstMetrics = await timed(() => ledger.computeMetrics());
  const firstRanking = await timed(() => ledger.rankViolations());
  const metrics = await timedEach(CALLS, () => ledger.computeMetrics());
  const ranking = await timedEach(CALLS, () => ledger.rankViolations());
  const byTask = await timedEach(CALLS, (number) =>
    expectCount(COUNT / TASKS, ledger.getEventsByTask(taskOf(number * 9, TASKS))),
  );
  // A thousand at a time: one takes less than a clock can measure. V8 compiles both ways first, or the rounds would say
  // when it came to that.
  const thousands = async (act) => {
    const thousand = () => {
      for (let turn = 0; turn < 1000; turn++) act();
    };
    await timedEach(WARM, thousand);
    return timedEach(CALLS, thousand);
  };
  const recent = await thousands(() => expectCount(20, ledger.getRecentEvents(20)));
  let seen = 0;
  const eventCount = await thousands(() => {
    seen += ledger.eventCount;
  });
  if (seen !== (WARM + CALLS) * 1000 * COUNT) throw new Error(`${seen} events counted`);
  const inRange = await timedEach(CALLS, (number) => {
    const from = START + ((number * 7919) % (COUNT - 101)) * STEP;
    expectCount(101, ledger.getEventsInRange(from, from + 100 * STEP));
  });
  // Once all of them are JavaScript's.
  expectCount(COUNT, ledger.getEvents());
  globalThis.gc();
  const all = await timedEach(CALLS, () => expectCount(COUNT, ledger.getEvents()));
  const liveMetrics = await timedEach(CALLS, () => ledger.computeMetrics());
  await ledger.destroy();
  return {
    metrics,
    firstMetrics,
    ranking,
    firstRanking,
    byTask,
    recent,
    eventCount,
    inRange,
    all,
    liveMetrics,
  };
}

const faster = (what, atLeast, key) => ({
  what,
  atLeast,
  of: (r) => r.ratio('original', 'guidance-ledger', key),
});

export default {
  title: 'in memory, over 100,000 loaded events',
  unit: {
    metrics: 'ms, `computeMetrics`',
    firstMetrics: 'ms, first call',
    ranking: 'ms, `rankViolations`',
    firstRanking: 'ms, first call',
    byTask: 'ms, `getEventsByTask`',
    recent: 'µs, `getRecentEvents(20)`',
    eventCount: 'µs, `eventCount`',
    inRange: 'ms, `getEventsInRange` of 101',
    all: 'ms, `getEvents`, all live',
    liveMetrics: 'ms, `computeMetrics`, all live',
  },
  rounds: { full: 7, quick: 5 },
  prepare: ({ data }) => {
    fixture(data, COUNT, TASKS);
  },
  contenders: {
    'guidance-ledger': (context) => ask(context, ours(), { compactIntervalMs: 0 }),
    original: async (context) => ask(context, await original(), {}),
  },
  targets: [
    faster('faster: `computeMetrics`', 100, 'metrics'),
    faster('faster: `rankViolations`', 100, 'ranking'),
    faster('faster: `getEventsByTask`', 3, 'byTask'),
    faster('faster: `getEventsInRange` of 101', 3, 'inRange'),
    // Level, but for what a clock adds to some nanoseconds.
    faster('faster: `getRecentEvents(20)` after the first call', 0.8, 'recent'),
    faster('faster: `eventCount`', 0.8, 'eventCount'),
    // Level, but for the noise of a copy of 100,000 pointers.
    faster('faster: `getEvents` once all are live', 0.9, 'all'),
  ],
};
