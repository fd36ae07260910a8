// Eight processes append to one store without pause.

import { quantile, writer } from '../support/writers.mjs';

const PROCESSES = 8;

async function together({ folder, quick }, whose) {
  const ms = quick ? 1000 : 3000;
  const writers = await Promise.all(
    Array.from({ length: PROCESSES }, () => writer(`${folder}/store`, { whose, ms })),
  );
  for (const each of writers) each.go();
  const times = (await Promise.all(writers.map((each) => each.times))).flat();
  return {
    medianMs: quantile(times, 0.5),
    meanMs: times.reduce((sum, time) => sum + time, 0) / times.length,
    tailMs: quantile(times, 0.999),
  };
}

export default {
  title: 'eight processes append to one store without pause',
  note:
    'The last line shares nothing but the processors: what it takes at most is the turn of the scheduler, of eight ' +
    'processes on the cores of this machine.',
  unit: { medianMs: 'ms, median', meanMs: 'ms, mean', tailMs: 'ms, of 99.9 % the longest' },
  rounds: { full: 5, quick: 3 },
  contenders: {
    'guidance-ledger': (context) => together(context, 'ours'),
    original: (context) => together(context, 'original'),
    'a bare write, each to its own file': (context) => together(context, 'bare'),
  },
  targets: [
    { what: 'ms, the median append', atMost: 1, of: (r) => r.median('guidance-ledger', 'medianMs') },
    { what: 'ms, 99.9 % of the appends', atMost: 20, of: (r) => r.median('guidance-ledger', 'tailMs') },
    {
      what: 'times as long as the scheduler alone, 99.9 %',
      atMost: 1.5,
      of: (r) => r.ratio('guidance-ledger', 'a bare write, each to its own file', 'tailMs'),
    },
  ],
};
