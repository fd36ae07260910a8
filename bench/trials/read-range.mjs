// The events of a short time: 101 of 200,000.

import { existsSync } from 'node:fs';
import { original, ours, sqlite } from '../support/contenders.mjs';
import { events, START, STEP } from '../support/event.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';
import { timed, timedEach } from '../support/measure.mjs';

const COUNT = 200_000;
const SMALL = 20_000;
const TASKS = 1000;
const WANTED = 101;

/** A log that a process appended to before, so that there is a checkpoint. */
async function kept(data, count) {
  const folder = `${fixture(data, count, TASKS)}-kept`;
  if (existsSync(folder)) return folder;
  const store = ours().createEventStore(copyOf(fixture(data, count, TASKS), folder));
  await store.append({ ...events(1, 1)[0], timestamp: START - STEP });
  await store.flush();
  await store.close();
  return folder;
}

/** The bounds of some 101 events of so many, elsewhere at each call. */
function bounds(number, count = COUNT) {
  const first = (number * 7919 + 50_000) % (count - WANTED);
  return [START + first * STEP, START + (first + WANTED - 1) * STEP];
}

function expectAll(found) {
  if (found.length !== WANTED) throw new Error(`${found.length} events found`);
}

async function ranges(read, calls) {
  const cold = await timed(async () => expectAll(await read(...bounds(0))));
  const ms = await timedEach(calls, async (number) => expectAll(await read(...bounds(number + 1))));
  return { ms, cold };
}

export default {
  title: '`readRange` of 101 among 200,000',
  unit: { ms: 'ms', cold: 'ms, first call' },
  rounds: { full: 7, quick: 3 },
  prepare: async ({ data }) => {
    for (const count of [COUNT, SMALL]) await kept(data, count);
  },
  contenders: {
    'guidance-ledger': async ({ data }) => {
      const store = ours().createEventStore(fixture(data, COUNT, TASKS));
      return ranges((from, to) => store.readRange(from, to), 300);
    },
    ...Object.fromEntries(
      [COUNT, SMALL].map((count) => [
        `guidance-ledger, a checkpoint, ${count.toLocaleString('en')}`,
        async ({ data }) => {
          const store = ours().createEventStore(await kept(data, count));
          const cold = await timed(async () => expectAll(await store.readRange(...bounds(0, count))));
          const ms = await timedEach(300, async (number) =>
            expectAll(await store.readRange(...bounds(number + 1, count))),
          );
          return { ms, cold };
        },
      ]),
    ),
    original: async ({ data }) => {
      const store = (await original()).createEventStore(fixture(data, COUNT, TASKS));
      return ranges((from, to) => store.readRange(from, to), 1);
    },
    'better-sqlite3': async ({ folder }) => {
      const { db, insert } = sqlite(folder, 'OFF');
      db.transaction((made) => made.forEach(insert))(events(COUNT, TASKS));
      globalThis.gc();
      const select = db.prepare('SELECT json FROM events WHERE time BETWEEN ? AND ? ORDER BY time').pluck();
      return ranges((from, to) => select.all(from, to).map((json) => JSON.parse(json)), 300);
    },
  },
  targets: [
    {
      what: 'of better-sqlite3’s indexed query',
      atMost: 1,
      of: (r) => r.ratio('guidance-ledger', 'better-sqlite3', 'ms'),
    },
    { what: 'ms, first call', atMost: 250, of: (r) => r.median('guidance-ledger', 'cold') },
    {
      what: 'ms, first call with a checkpoint',
      atMost: 10,
      of: (r) => r.median('guidance-ledger, a checkpoint, 200,000', 'cold'),
    },
  ],
};
