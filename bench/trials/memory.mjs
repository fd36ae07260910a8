// What a loaded ledger adds to a process's resident memory.

import { original, ours } from '../support/contenders.mjs';
import { fixture } from '../support/fixture.mjs';
import { residentBytes } from '../support/measure.mjs';

const COUNT = 300_000;
const FEWER = 100_000;

/** Bytes an event: the same process before and after loading, each after a garbage collection. */
async function load({ data }, { PersistentLedger }, count, interval) {
  const ledger = new PersistentLedger({ storagePath: fixture(data, count, 1000), ...interval });
  const before = await residentBytes();
  await ledger.init();
  const added = (await residentBytes()) - before;
  if (ledger.eventCount !== count) throw new Error('events are missing');
  return { bytes: added / count };
}

export default {
  title: 'memory that a loaded ledger adds',
  unit: { bytes: 'bytes an event' },
  rounds: { full: 5, quick: 3 },
  prepare: ({ data }) => {
    fixture(data, COUNT, 1000);
    fixture(data, FEWER, 1000);
  },
  contenders: {
    'guidance-ledger, 300,000': (context) => load(context, ours(), COUNT, { compactIntervalMs: 0 }),
    'guidance-ledger, 100,000': (context) => load(context, ours(), FEWER, { compactIntervalMs: 0 }),
    // It cannot load 300,000: the call stack overflows.
    'original, 100,000': async (context) => load(context, await original(), FEWER, {}),
  },
  targets: [
    {
      what: 'bytes an event at 300,000',
      atMost: 300,
      of: (r) => r.median('guidance-ledger, 300,000', 'bytes'),
    },
  ],
};
