/** A ledger over a store that was given: an EventStore, or any object with the interface `LedgerStore`. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { logged } from './support/disk.mjs';
import { at, lineOf, runEvent, times, violation } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { MemoryStore } from './support/memory-store.mjs';

const over = (store, config) => ours.createPersistentLedger({ store, compactIntervalMs: 0, ...config });
const numbered = (count) =>
  Array.from({ length: count }, (_, i) =>
    runEvent({
      eventId: `e${i}`,
      timestamp: i,
      taskId: `task-${i % 3}`,
      reworkLines: i,
      violations: i % 2 ? [violation('r')] : [],
    }),
  );

describeOurs('a ledger over an EventStore that was given', () => {
  test('uses that store, and closes it', async () => {
    const path = fresh();
    const store = ours.createEventStore(path, { durability: 'disk' });
    const ledger = over(store);
    expect(ledger.getEventStore()).toBe(store);
    ledger.finalizeEvent(runEvent({ eventId: 'a' }));
    expect(logged(path).map(({ eventId }) => eventId)).toEqual(['a']);
    await store.acquireLock();
    await ledger.destroy();
    expect(existsSync(`${path}/.lock`)).toBe(false);
    await store.append(runEvent({ eventId: 'b' }));
    await ledger.load();
    expect(ledger.getEvents().map(({ eventId }) => eventId)).toEqual(['a', 'b']);
  });

  test('two ledgers may have one store', async () => {
    const store = ours.createEventStore(fresh());
    const [first, second] = [over(store), over(store)];
    first.finalizeEvent(runEvent({ eventId: 'a' }));
    second.finalizeEvent(runEvent({ eventId: 'b' }));
    await first.save();
    await second.save();
    expect((await store.readAll()).map(({ eventId }) => eventId).sort()).toEqual(['a', 'b']);
  });
});

describeOurs('a ledger over a store of another kind', () => {
  test('writes what is logged, finalized and imported as lines', async () => {
    const store = new MemoryStore();
    const ledger = over(store);
    expect(ledger.getEventStore()).toBe(store);
    const events = at(1, 2, 3);
    ledger.finalizeEvent(events[0]);
    ledger.importEvents(events.slice(1));
    const last = ledger.logEvent(runEvent({ timestamp: 4 }));
    expect(store.text).toBe([...events, last].map(lineOf).join(''));
    expect(await ledger.getStorageStats()).toMatchObject({ eventCount: 4, newestEvent: 4 });
  });

  test('loads lines sealed, and answers as over a folder', async () => {
    const events = numbered(50);
    const store = new MemoryStore();
    store.text = `${events.map(lineOf).join('')}5\n\n{"torn`;
    const memory = over(store);
    const files = ours.createPersistentLedger({ storagePath: fresh(), compactIntervalMs: 0 });
    files.importEvents(events);
    for (const ledger of [memory, files]) await ledger.init();
    expect(memory.eventCount).toBe(50);
    expect(memory.computeMetrics()).toEqual(files.computeMetrics());
    expect(memory.rankViolations()).toEqual(files.rankViolations());
    expect(memory.getEventsByTask('task-1')).toEqual(files.getEventsByTask('task-1'));
    expect(memory.getEventsInRange(10, 20)).toEqual(files.getEventsInRange(10, 20));
    expect(memory.getEvents()).toEqual(files.getEvents());
  });

  test('save writes events as they are now and keeps what others wrote', async () => {
    const store = new MemoryStore();
    const ledger = over(store);
    ledger.importEvents(numbered(4));
    await ledger.load();
    const [changed] = ledger.getEventsInRange(2, 2);
    changed.reworkLines = 77;
    store.text += lineOf(runEvent({ eventId: 'other', timestamp: 9 }));
    ledger.finalizeEvent(runEvent({ eventId: 'late', timestamp: 5 }));
    store.calls = [];
    await ledger.save();
    expect(store.calls).toEqual(['acquireLock', 'save', 'releaseLock']);
    expect(store.events.map(({ eventId }) => eventId)).toEqual(['e0', 'e1', 'e2', 'e3', 'late', 'other']);
    expect(store.events[2].reworkLines).toBe(77);
    ledger.clear();
    await ledger.save();
    expect(store.events.map(({ eventId }) => eventId)).toEqual(['other']);
  });

  test('compact evicts, loads again and keeps events that were never written', async () => {
    const store = new MemoryStore();
    const ledger = over(store, { maxEvents: 2, enableWAL: false });
    store.text = at(3, 1, 2).map(lineOf).join('');
    await ledger.init();
    ledger.logEvent(runEvent({ timestamp: 0 }));
    expect(await ledger.compact()).toBe(1);
    expect(times(ledger.getEvents())).toEqual([2, 3, 0]);
    expect(store.locked).toBe(false);
  });

  test('a fault is reported, and the lines are written when it is gone', async () => {
    const store = new MemoryStore();
    const heard = [];
    const ledger = over(store, { onError: (error) => heard.push(error) });
    store.fault = new Error('no room');
    ledger.finalizeEvent(runEvent({ eventId: 'a' }));
    await expect.poll(() => heard).toEqual([store.fault]);
    await expect(ledger.flush()).rejects.toBe(store.fault);
    expect(store.text).toBe('');
    store.fault = null;
    await ledger.flush();
    expect(store.events).toHaveLength(1);
  });

  test('a line refused for want of room stays in the ledger until a save', async () => {
    const store = new MemoryStore();
    const ledger = over(store, { onError() {} });
    store.fault = Object.assign(new Error('too much waits'), { code: 'EBACKLOG' });
    ledger.finalizeEvent(runEvent({ eventId: 'a' }));
    expect(ledger.eventCount).toBe(1);
    await ledger.save();
    expect(store.events.map(({ eventId }) => eventId)).toEqual(['a']);
  });

  test('destroy finishes and closes it', async () => {
    const store = new MemoryStore();
    await over(store).destroy();
    expect(store.calls).toEqual(['finish', 'flush', 'close']);
  });
});

describeOurs('what is no store, or stands beside one', () => {
  const refused = (config, message) => {
    expect(() => ours.createPersistentLedger(config)).toThrow(message);
    expect(() => new ours.PersistentLedger(config)).toThrow(TypeError);
  };

  test.each([
    ['storagePath', '/tmp/elsewhere'],
    ['durability', 'disk'],
    ['lockTimeoutMs', 5],
    ['warnAtExit', false],
  ])('%s beside store is refused', (name, value) => {
    const message = new RegExp(`^${name} cannot stand beside store, which has its own: leave ${name} out`);
    refused({ store: new MemoryStore(), [name]: value }, message);
    refused({ store: ours.createEventStore(fresh()), [name]: value }, message);
    expect(over(new MemoryStore(), { [name]: undefined }).eventCount).toBe(0);
  });

  test('an object that lacks something is refused with what it lacks', () => {
    refused({ store: '/tmp/x' }, /store must be an EventStore or a LedgerStore/);
    refused({ store: null }, /store must be an EventStore or a LedgerStore/);
    const half = { log() {}, flush() {} };
    refused({ store: half }, /lacks logBatch\(\), finish\(\), seal\(\), save\(\)/);
  });

  test('an answer of seal() that is no text rejects', async () => {
    const store = new MemoryStore();
    store.seal = async () => [];
    await expect(over(store).init()).rejects.toThrow(/the answer of seal\(\) must be a text of lines/);
  });
});
