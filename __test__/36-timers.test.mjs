/** No timer of the program is used where a write depends on it: tests replace them, and jsdom lacks some. */
import { expect, test, vi } from 'vitest';
import { logged } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { realm } from './support/realm.mjs';

/** More than is written in one turn of the event loop. */
const many = () => Array.from({ length: 300 }, () => runEvent({ text: 'x'.repeat(5000) }));

/** Timers that never come, as those of a test that does not let time pass. */
const stopped = Object.fromEntries(
  ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => [name, () => 1]),
);

describeOurs('a large writeAll()', () => {
  test.each([
    ['without any timer, as in jsdom', {}],
    ['with timers that were replaced before the import', stopped],
  ])('is written %s', async (_, timers) => {
    const { context } = realm({ process, Buffer, console, ...timers });
    const path = fresh();
    await context.ledger.createEventStore(path).writeAll(many());
    expect(logged(path)).toHaveLength(300);
  });

  test('is written with timers that were replaced after it', async () => {
    const path = fresh();
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Date'] });
    try {
      await ours.createEventStore(path).writeAll(many());
    } finally {
      vi.useRealTimers();
    }
    expect(logged(path)).toHaveLength(300);
  });

  test('gives others their turn in between', async () => {
    let turns = 0;
    let over = false;
    const count = () => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const events = Array.from({ length: 30 }, () => runEvent({ text: 'x'.repeat(500_000) }));
    let before = 0;
    const at = (n) =>
      Object.assign(events[n], {
        toJSON: () => {
          before ||= turns;
          return { n, turns };
        },
      });
    at(1);
    let after = 0;
    events[29] = {
      toJSON: () => {
        after = turns;
        return { n: 29 };
      },
    };
    await ours.createEventStore(fresh()).writeAll(events);
    over = true;
    expect(after - before).toBeGreaterThan(10);
  });
});

describeOurs('an append()', () => {
  test('needs no timer', async () => {
    const { context } = realm({ process, Buffer, console });
    const path = fresh();
    const store = context.ledger.createEventStore(path);
    for (let i = 0; i < 5; i++) await store.append(runEvent());
    await store.flush();
    expect(await store.readAll()).toHaveLength(5);
  });
});
