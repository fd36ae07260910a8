// A million events, and one file over 600 MB: everything works, in time linear in the size and in bounded memory.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ours } from '../support/contenders.mjs';
import { START, STEP, taskOf } from '../support/event.mjs';
import { copyOf, fixture, warm } from '../support/fixture.mjs';
import { residentBytes, timed } from '../support/measure.mjs';

const TASKS = 1000;
const SMALL = 100_000;
const large = (quick) => (quick ? 400_000 : 1_000_000);
const HUGE = 1_200_000;

/** Microseconds an event of each act, and what streaming adds to memory at most. */
async function all(source, count, folder) {
  const { createEventStore, createPersistentLedger } = ours();
  const path = copyOf(source, `${folder}/store`);
  await warm(join(path, 'events.ndjson'));
  // A garbage collection before each act: what the one before it kept in memory must not help.
  const per = async (act) => {
    await residentBytes();
    return ((await timed(act)) * 1000) / count;
  };
  const expect = (wanted, found) => {
    if (found !== wanted) throw new Error(`${found} instead of ${wanted}`);
  };

  const before = await residentBytes();
  let most = before;
  const stream = await per(async () => {
    let seen = 0;
    for await (const _ of createEventStore(path).stream()) {
      seen += 1;
      if (seen % 10_000 === 0) most = Math.max(most, process.memoryUsage.rss());
    }
    expect(count, seen);
  });
  const stats = await per(async () => expect(count, (await createEventStore(path).getStats()).eventCount));
  const range = await per(async () =>
    expect(101, (await createEventStore(path).readRange(START + 5000 * STEP, START + 5100 * STEP)).length),
  );
  const file = await per(() => warm(join(path, 'events.ndjson')));
  const task = await per(async () =>
    expect(count / TASKS, (await createEventStore(path).readByTask(taskOf(7, TASKS))).length),
  );
  const init = await per(async () => {
    const ledger = createPersistentLedger({ storagePath: path, compactIntervalMs: 0 });
    await ledger.init();
    expect(count, ledger.computeMetrics().taskCount);
    await ledger.destroy();
  });
  const compact = await per(async () => expect(count / 2, await createEventStore(path).compact(count / 2)));
  return { init, stats, range, task, file, stream, compact, streamMB: (most - before) / 1e6 };
}

const linear = (key) => ({
  what: `\`${key}\`: the cost an event, of that among 100,000`,
  atMost: 1.5,
  of: (r) => r.ratio('the larger', '100,000', key),
});

export default {
  title: '1,000,000 events, 520 MB',
  unit: {
    init: 'µs, `init`',
    stats: 'µs, `getStats`',
    range: 'µs, `readRange`, cold',
    task: 'µs, `readByTask`, cold',
    file: 'µs, reading the file in Node',
    stream: 'µs, `stream`',
    compact: 'µs, `compact`',
    streamMB: 'MB that streaming adds',
    megabytes: 'MB of log',
  },
  note: 'Microseconds an event. The larger log has 1,000,000 events (400,000 with `--quick`), the huge one 1,200,000.',
  rounds: { full: 3, quick: 1 },
  prepare: ({ data, quick }) => {
    fixture(data, SMALL, TASKS);
    fixture(data, large(quick), TASKS);
    if (!quick) fixture(data, HUGE, TASKS);
  },
  contenders: {
    '100,000': ({ data, folder }) => all(fixture(data, SMALL, TASKS), SMALL, folder),
    'the larger': ({ data, folder, quick }) => all(fixture(data, large(quick), TASKS), large(quick), folder),
    'the huge': async ({ data, folder, quick }) => {
      if (quick) return {};
      const source = fixture(data, HUGE, TASKS);
      const megabytes = statSync(join(source, 'events.ndjson')).size / 1e6;
      return { ...(await all(source, HUGE, folder)), megabytes };
    },
  },
  targets: [
    ...['init', 'stats', 'range', 'task', 'stream', 'compact'].map(linear),
    {
      what: 'times reading the file in Node, `readByTask`, cold',
      atMost: 1,
      of: (r) => r.ratio('the larger', 'the larger', 'task', 'file'),
    },
    { what: 'MB that streaming adds', atMost: 100, of: (r) => r.median('the larger', 'streamMB') },
  ],
};
