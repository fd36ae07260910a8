// Awaited appends, one after the other, to stores of many tasks (one event each).

import { original, ours } from '../support/contenders.mjs';
import { event } from '../support/event.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';

/** Microseconds an append, the median of many. */
async function appends(store, stored, count) {
  const next = (number) => store.append(event(stored + number, stored + count));
  // The first one finds out about the log.
  await next(0);
  const times = [];
  for (let number = 1; number <= count; number++) {
    const start = performance.now();
    await next(number);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const sum = times.reduce((total, time) => total + time, 0);
  return { us: (sum / count) * 1000, medianUs: times[count >> 1] * 1000 };
}

const oursAt =
  (tasks, count) =>
  async ({ data, folder }) => {
    const path = copyOf(fixture(data, tasks, tasks), `${folder}/store`);
    return appends(ours().createEventStore(path), tasks, count);
  };

const originalAt =
  (tasks, count) =>
  async ({ data, folder }) => {
    const path = copyOf(fixture(data, tasks, tasks), `${folder}/store`);
    return appends((await original()).createEventStore(path), tasks, count);
  };

export default {
  title: 'awaited `append`, one after the other',
  unit: { us: 'µs, mean', medianUs: 'µs, median' },
  rounds: { full: 7, quick: 3 },
  prepare: ({ data }) => {
    for (const tasks of [100, 10_000, 100_000]) fixture(data, tasks, tasks);
  },
  contenders: {
    'guidance-ledger, 100 tasks': oursAt(100, 2000),
    'guidance-ledger, 10,000 tasks': oursAt(10_000, 2000),
    'guidance-ledger, 100,000 tasks': oursAt(100_000, 2000),
    'original, 100 tasks': originalAt(100, 200),
    'original, 10,000 tasks': originalAt(10_000, 100),
    'original, 100,000 tasks': originalAt(100_000, 20),
  },
  targets: [
    {
      what: 'faster than the original at 100 tasks',
      atLeast: 30,
      of: (r) => r.ratio('original, 100 tasks', 'guidance-ledger, 100 tasks', 'us'),
    },
    {
      what: 'the cost at 100 tasks, of that at 10,000',
      atMost: 2,
      of: (r) => r.ratio('guidance-ledger, 100 tasks', 'guidance-ledger, 10,000 tasks', 'us'),
    },
    {
      what: 'faster than the original at 10,000 tasks',
      atLeast: 50,
      of: (r) => r.ratio('original, 10,000 tasks', 'guidance-ledger, 10,000 tasks', 'us'),
    },
    {
      what: 'the cost at 100,000 tasks, of that at 100',
      atMost: 1.3,
      of: (r) => r.ratio('guidance-ledger, 100,000 tasks', 'guidance-ledger, 100 tasks', 'us'),
    },
  ],
};
