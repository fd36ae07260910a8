// Another process appends every few milliseconds while a large log is compacted, or rests.

import { ours } from '../support/contenders.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';
import { quantile, writer } from '../support/writers.mjs';

const COUNT = 400_000;
const TASKS = 30_000;

async function appends({ data, folder }, act) {
  const path = copyOf(fixture(data, COUNT, TASKS), `${folder}/store`);
  const store = ours().createEventStore(path);
  await store.getStats();
  const beside = await writer(path, { ms: 4000, pause: 5 });
  beside.go();
  await act(store);
  const times = await beside.times;
  return { worstMs: Math.max(...times), medianMs: quantile(times, 0.5) };
}

export default {
  title: "another process's `append` while 400,000 events of 30,000 tasks are compacted to half",
  unit: { worstMs: 'ms, the longest', medianMs: 'ms, median' },
  rounds: { full: 5, quick: 3 },
  prepare: ({ data }) => {
    fixture(data, COUNT, TASKS);
  },
  contenders: {
    'guidance-ledger, during compact': (context) =>
      appends(context, async (store) => {
        if ((await store.compact(COUNT / 2)) < COUNT / 2) throw new Error('not half of the events went');
      }),
    'guidance-ledger, at rest': (context) => appends(context, async () => {}),
  },
  targets: [
    {
      what: 'ms, the longest append beside a compaction',
      atMost: 50,
      of: (r) => r.median('guidance-ledger, during compact', 'worstMs'),
    },
  ],
};
