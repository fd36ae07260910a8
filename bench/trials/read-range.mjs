// The events of a short time: 101 of 200,000.

import { original, ours, sqlite } from '../support/contenders.mjs';
import { events, START, STEP } from '../support/event.mjs';
import { fixture } from '../support/fixture.mjs';
import { timed, timedEach } from '../support/measure.mjs';

const COUNT = 200_000;
const TASKS = 1000;
const WANTED = 101;

/** The bounds of some 101 events, elsewhere at each call. */
function bounds(number) {
  const first = (number * 7919 + 50_000) % (COUNT - WANTED);
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
  prepare: ({ data }) => {
    fixture(data, COUNT, TASKS);
  },
  contenders: {
    'guidance-ledger': async ({ data }) => {
      const store = ours().createEventStore(fixture(data, COUNT, TASKS));
      return ranges((from, to) => store.readRange(from, to), 300);
    },
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
  ],
};
