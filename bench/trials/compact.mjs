// A log of 100,000 is compacted to 50,000.

import { original, ours } from '../support/contenders.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';
import { timedAndHeld } from '../support/measure.mjs';

const COUNT = 100_000;

async function compact({ data, folder }, { createEventStore }) {
  const store = createEventStore(copyOf(fixture(data, COUNT, 1000), `${folder}/store`));
  return timedAndHeld(async () => {
    if ((await store.compact(COUNT / 2)) !== COUNT / 2) throw new Error('not half of the events went');
  });
}

export default {
  title: '`compact` from 100,000 to 50,000',
  unit: { ms: 'ms', held: 'ms held' },
  rounds: { full: 7, quick: 5 },
  prepare: ({ data }) => {
    fixture(data, COUNT, 1000);
  },
  contenders: {
    'guidance-ledger': (context) => compact(context, ours()),
    original: async (context) => compact(context, await original()),
  },
  targets: [
    { what: 'faster than the original', atLeast: 4, of: (r) => r.ratio('original', 'guidance-ledger', 'ms') },
    { what: 'ms, longest hold of the event loop', atMost: 5, of: (r) => r.median('guidance-ledger', 'held') },
  ],
};
