/**
 * Random sequences of calls with hostile values, run on both implementations in step; see support/differential.mjs.
 * `SEEDS=10000 npx vitest run __test__/04` runs more of them, `SEED=123` one.
 */
import { describe, expect, test } from 'vitest';
import { original, report, runSeed, Tally } from './support/differential.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { model } from './support/model.mjs';

const first = Number(process.env.SEED ?? 1);
const count = process.env.SEED ? 1 : Number(process.env.SEEDS ?? 300);
const STEP = 100;

const chunks = Array.from({ length: Math.ceil(count / STEP) }, (_, i) => ({
  from: first + i * STEP,
  to: Math.min(first + (i + 1) * STEP, first + count) - 1,
}));

describeOurs('ours agrees with the original but for the numbered differences', () => {
  test.each(chunks)('seeds $from to $to', { timeout: 120_000 }, async ({ from, to }) => {
    const failures = [];
    for (let seed = from; seed <= to && failures.length < 3; seed++) {
      const failure = await runSeed(seed, ours);
      if (failure) failures.push(report(failure));
    }
    expect(failures.join('\n\n')).toBe('');
  });
});

describe('the comparison itself', () => {
  test('finds nothing between the original and itself', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 60; seed++) expect(await runSeed(seed, original, { twin: true })).toBe(null);
  });

  test('meets every difference that one process can show, and keeps the original beside it in most steps', {
    timeout: 60_000,
  }, async () => {
    const tally = new Tally();
    for (let seed = 1; seed <= 300; seed++) expect(await runSeed(seed, model, { tally })).toBe(null);
    expect([...tally.met.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14]);
    expect(tally.withOriginal / tally.steps).toBeGreaterThan(0.5);
  });

  const { EventStore, PersistentLedger, RunLedger } = original;
  const faults = {
    'a range without its end': {
      kind: 'store',
      EventStore: class extends EventStore {
        async readRange(start, end) {
          return (await super.readRange(start, end)).filter((event) => event.timestamp !== end);
        }
      },
    },
    'a compaction that keeps one more': {
      kind: 'store',
      EventStore: class extends EventStore {
        compact(maxEvents) {
          return super.compact(maxEvents + 1);
        }
      },
    },
    'a number of evicted events that is off by one': {
      kind: 'store',
      EventStore: class extends EventStore {
        async compact(maxEvents) {
          return Math.max(0, (await super.compact(maxEvents)) - 1);
        }
      },
    },
    'an append that sorts the keys': {
      kind: 'store',
      EventStore: class extends EventStore {
        append(event) {
          return super.append(Object.fromEntries(Object.entries(event).toSorted()));
        }
      },
    },
    'an index that forgets a task': {
      kind: 'store',
      EventStore: class extends EventStore {
        async updateIndex(event) {
          if (event.taskId !== 'task-2') await super.updateIndex(event);
        }
      },
    },
    'a lock that is never released': {
      kind: 'store',
      EventStore: class extends EventStore {
        async releaseLock() {}
      },
    },
    'events handed out as copies': {
      kind: 'ledger',
      PersistentLedger: class extends PersistentLedger {
        getEvents() {
          return super.getEvents().map((event) => ({ ...event }));
        }
      },
    },
    'a ledger that keeps a given id': {
      kind: 'memory',
      RunLedger: class extends RunLedger {
        logEvent(event) {
          return Object.assign(super.logEvent(event), { eventId: event.eventId });
        }
      },
    },
    'a ranking in reverse': {
      kind: 'memory',
      RunLedger: class extends RunLedger {
        rankViolations(events) {
          return super.rankViolations(events).reverse();
        }
      },
    },
    'a recent-events count of zero that answers nothing': {
      kind: 'memory',
      RunLedger: class extends RunLedger {
        getRecentEvents(count) {
          return count === 0 ? [] : super.getRecentEvents(count);
        }
      },
    },
  };

  test.each(Object.entries(faults))('finds %s', { timeout: 60_000 }, async (_, { kind, ...fault }) => {
    let failure = null;
    for (let seed = 1; seed <= 200 && failure === null; seed++)
      failure = await runSeed(seed, { ...original, ...fault }, { twin: true, kind });
    expect(failure?.found).toEqual(expect.any(String));
    expect(failure.against).toBe('original');
  });
});
