// A ledger of 100,000 events is loaded to compute its metrics.

import { original, ours } from '../support/contenders.mjs';
import { fixture } from '../support/fixture.mjs';
import { timedAndHeld } from '../support/measure.mjs';

const COUNT = 100_000;

async function load({ data }, { createPersistentLedger }) {
  const storagePath = fixture(data, COUNT, 1000);
  return timedAndHeld(async () => {
    const ledger = createPersistentLedger({ storagePath, compactIntervalMs: 0 });
    await ledger.init();
    if (ledger.computeMetrics().taskCount !== COUNT) throw new Error('events are missing');
    await ledger.destroy();
  });
}

export default {
  title: '`init()` of 100,000 events and `computeMetrics()`',
  unit: { ms: 'ms', held: 'ms held' },
  rounds: { full: 9, quick: 5 },
  prepare: ({ data }) => {
    fixture(data, COUNT, 1000);
  },
  contenders: {
    'guidance-ledger': (context) => load(context, ours()),
    // 0 means "at every turn" to it.
    original: async (context) => {
      const { PersistentLedger } = await original();
      return load(context, {
        createPersistentLedger: ({ storagePath }) => new PersistentLedger({ storagePath }),
      });
    },
  },
  targets: [
    { what: 'faster than the original', atLeast: 4, of: (r) => r.ratio('original', 'guidance-ledger', 'ms') },
    { what: 'ms, longest hold of the event loop', atMost: 5, of: (r) => r.median('guidance-ledger', 'held') },
  ],
};
