/** Rewrites of one ledger that meet: they wait for each other, though `lockTimeoutMs` is 0. */
import { expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged } from './support/disk.mjs';
import { at, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { MemoryStore } from './support/memory-store.mjs';

describeOurs('two rewrites of one ledger', () => {
  test('a save waits for the compaction of the timer', async () => {
    const folder = fresh();
    const heard = [];
    const ledger = open(ours, folder, {
      maxEvents: 20,
      compactIntervalMs: 1,
      onError: (error) => heard.push(error),
    });
    ledger.importEvents(at(...Array.from({ length: 2000 }, (_, i) => i)));
    await ledger.init();
    for (let i = 0; i < 60; i++) {
      ledger.logEvent(runEvent({ timestamp: 10_000 + i }));
      await ledger.save();
    }
    await ledger.destroy();
    expect(heard).toEqual([]);
    expect(times(logged(folder))).toContain(10_059);
  });

  test('all of many at once succeed, in their order', async () => {
    const folder = fresh();
    const ledger = open(ours, folder, { maxEvents: 3 });
    ledger.importEvents(at(5, 4, 3, 2, 1));
    await ledger.init();
    expect(await Promise.all([ledger.compact(), ledger.save(), ledger.compact(), ledger.save()])).toEqual([
      2,
      undefined,
      0,
      undefined,
    ]);
    expect(times(logged(folder))).toEqual([3, 4, 5]);
    await ledger.destroy();
  });

  test('one that fails does not fail the next', async () => {
    const store = new MemoryStore();
    const ledger = ours.createPersistentLedger({ store });
    ledger.importEvents(at(1));
    store.locked = true;
    const refused = ledger.save();
    const next = ledger.save();
    refused.catch(() => {
      store.locked = false;
    });
    await expect(refused).rejects.toMatchObject({ code: 'ELOCKED' });
    await next;
    expect(store.events).toHaveLength(1);
  });

  test('what waits when the ledger is closed is refused, and nothing is left behind', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    ledger.importEvents(at(...Array.from({ length: 500 }, (_, i) => i)));
    const first = ledger.save();
    const second = ledger.save();
    const caught = Promise.allSettled([first, second]);
    await ledger.destroy();
    const [, { reason }] = await caught;
    expect(reason).toMatchObject({ code: 'ECLOSED' });
    expect(ours.isLedgerError(reason)).toBe(true);
    await ours.createEventStore(folder).acquireLock();
    expect(logged(folder)).toHaveLength(500);
  });

  test('a lock that the program itself holds still refuses', async () => {
    const ledger = open(ours, fresh());
    await ledger.getEventStore().acquireLock();
    await expect(ledger.save()).rejects.toMatchObject({ code: 'ELOCKED' });
    await ledger.getEventStore().releaseLock();
    await ledger.save();
    await ledger.destroy();
  });
});
