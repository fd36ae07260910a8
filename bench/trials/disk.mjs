// Events that survive a power cut: a thousand at once.

import { ours, sqlite } from '../support/contenders.mjs';
import { events } from '../support/event.mjs';

const COUNT = 1000;

async function perEvent(act) {
  const made = events(COUNT, 100);
  const start = performance.now();
  await act(made);
  return { us: ((performance.now() - start) * 1000) / COUNT };
}

export default {
  title: "`'disk'` appends, 1,000 at once",
  unit: { us: 'µs an event' },
  rounds: { full: 9, quick: 5 },
  contenders: {
    'guidance-ledger': async ({ folder }) => {
      const store = ours().createEventStore(folder, { durability: 'disk' });
      return perEvent((made) => Promise.all(made.map((each) => store.append(each))));
    },
    'better-sqlite3, FULL': async ({ folder }) => {
      const { insert } = sqlite(folder, 'FULL');
      return perEvent((made) => {
        for (const each of made) insert(each);
      });
    },
  },
  targets: [
    {
      what: 'faster than better-sqlite3 FULL, one transaction each',
      atLeast: 10,
      of: (r) => r.ratio('better-sqlite3, FULL', 'guidance-ledger', 'us'),
    },
  ],
};
