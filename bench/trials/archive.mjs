// A log of 100,000 is compacted to 50,000, into an archive and without one.

import { ours } from '../support/contenders.mjs';
import { copyOf, fixture } from '../support/fixture.mjs';
import { timedAndHeld } from '../support/measure.mjs';

const COUNT = 100_000;

async function compact({ data, folder }, archive) {
  const store = ours().createEventStore(copyOf(fixture(data, COUNT, 1000), `${folder}/store`));
  return timedAndHeld(async () => {
    const evicted = await store.compact({ maxEvents: COUNT / 2, archive });
    if (evicted !== COUNT / 2) throw new Error('not half of the events went');
  });
}

export default {
  title: '`compact` from 100,000 to 50,000, with an archive',
  unit: { ms: 'ms', held: 'ms held' },
  rounds: { full: 7, quick: 5 },
  prepare: ({ data }) => {
    fixture(data, COUNT, 1000);
  },
  contenders: {
    'with an archive': (context) => compact(context, true),
    without: (context) => compact(context, false),
  },
  targets: [
    {
      what: 'times the time of one without',
      atMost: 2,
      of: (r) => r.ratio('with an archive', 'without', 'ms'),
    },
  ],
};
