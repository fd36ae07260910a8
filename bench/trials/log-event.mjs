// A burst of events, each accepted when the call returns, until all are in the operating system's hands.

import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lmdb, original, ours, sonicBoom, sqlite } from '../support/contenders.mjs';
import { events } from '../support/event.mjs';

const TASKS = 1000;

/** Microseconds an event; `act` gets the events and takes until all are in the system's hands. */
async function burst({ quick }, act) {
  const made = events(quick ? 20_000 : 50_000, TASKS);
  globalThis.gc();
  const start = performance.now();
  await act(made);
  return { us: ((performance.now() - start) * 1000) / made.length };
}

const bytesOf = (made) => made.reduce((sum, each) => sum + JSON.stringify(each).length + 1, 0);

export default {
  title: '`logEvent`, 50,000 in a burst, until all is in the system’s hands',
  unit: {
    us: 'µs an event',
    late: '% not yet written when the last call returned',
    refused: '% whose storing failed',
  },
  rounds: { full: 9, quick: 5 },
  contenders: {
    'guidance-ledger': async (context) => {
      const { createPersistentLedger } = ours();
      const ledger = createPersistentLedger({ storagePath: context.folder, compactIntervalMs: 0 });
      await ledger.init();
      const log = join(context.folder, 'events.ndjson');
      const bytes = bytesOf(events(context.quick ? 20_000 : 50_000, TASKS));
      let late = 0;
      const result = await burst(context, async (made) => {
        for (const each of made) ledger.logEvent(each);
        late = bytes - statSync(log).size;
        if (late > 0) await ledger.flush();
      });
      if (statSync(log).size !== bytes) throw new Error('not all events are in the log');
      return { ...result, late: (late / bytes) * 100 };
    },
    original: async (context) => {
      const { createPersistentLedger } = await original();
      const ledger = createPersistentLedger({ storagePath: context.folder });
      await ledger.init();
      const store = ledger.getEventStore();
      const { append } = store;
      const pending = [];
      store.append = (each) => {
        const stored = append.call(store, each);
        pending.push(stored);
        return stored;
      };
      let refused = 0;
      const result = await burst(context, async (made) => {
        for (const each of made) ledger.logEvent(each);
        // It opens a file for each event and swallows the errors when there are too many.
        const outcomes = await Promise.allSettled(pending);
        refused = outcomes.filter(({ status }) => status === 'rejected').length / made.length;
      });
      return { ...result, refused: refused * 100 };
    },
    'better-sqlite3, NORMAL': async (context) => {
      const { insert } = sqlite(context.folder, 'NORMAL');
      return burst(context, (made) => {
        for (const each of made) insert(each);
      });
    },
    'lmdb, async puts': async (context) => {
      const db = lmdb(context.folder);
      return burst(context, async (made) => {
        let last;
        for (let i = 0; i < made.length; i++) last = db.put(i, made[i]);
        await last;
      });
    },
    'lmdb, sync puts': async (context) => {
      const db = lmdb(context.folder);
      return burst(context, (made) => {
        for (let i = 0; i < made.length; i++) db.putSync(i, made[i]);
      });
    },
    'sonic-boom, sync': async (context) => {
      const sink = sonicBoom(context.folder);
      return burst(context, (made) => {
        for (const each of made) sink.write(`${JSON.stringify(each)}\n`);
        sink.flushSync();
      });
    },
    'JSON.stringify alone': async (context) => {
      let _length = 0;
      return burst(context, (made) => {
        for (const each of made) _length += JSON.stringify(each).length;
      });
    },
    'write alone': async (context) => {
      const fd = openSync(join(context.folder, 'events.ndjson'), 'a');
      const lines = events(context.quick ? 20_000 : 50_000, TASKS).map((each) =>
        Buffer.from(`${JSON.stringify(each)}\n`),
      );
      const result = await burst(context, () => {
        for (const line of lines) writeSync(fd, line);
      });
      closeSync(fd);
      return result;
    },
  },
  targets: [
    {
      what: 'of lmdb’s async puts',
      atMost: 1.75,
      of: (r) => r.ratio('guidance-ledger', 'lmdb, async puts', 'us'),
    },
    {
      what: 'faster than lmdb’s sync puts',
      atLeast: 2,
      of: (r) => r.ratio('lmdb, sync puts', 'guidance-ledger', 'us'),
    },
    {
      what: 'of sonic-boom, which makes the same promise without a lock, a check or a ledger',
      atMost: 1.05,
      of: (r) => r.ratio('guidance-ledger', 'sonic-boom, sync', 'us'),
    },
    {
      what: 'faster than better-sqlite3',
      atLeast: 4.5,
      of: (r) => r.ratio('better-sqlite3, NORMAL', 'guidance-ledger', 'us'),
    },
  ],
};
