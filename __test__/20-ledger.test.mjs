/** PersistentLedger beyond the original: written on return, errors told, loads and compactions that lose nothing that arrives meanwhile. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged, logText, paths, readIndex, snapshot, until } from './support/disk.mjs';
import { at, lineOf, runEvent, times, violation } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeBoth, describeOurs, ours } from './support/implementations.mjs';

function planted(events) {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).log, events.map(lineOf).join(''));
  return folder;
}

const ids = (events) => events.map((event) => event.eventId);

describeOurs('accepted is written', () => {
  test('logEvent and finalizeEvent have written when they return', () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const first = ledger.logEvent(runEvent());
    expect(logText(folder)).toBe(lineOf(first));
    const second = ledger.finalizeEvent(ledger.createEvent('task', 'feature', 'hash'));
    expect(logText(folder)).toBe(lineOf(first) + lineOf(second));
  });

  test('10,000 events in a row are 10,000 lines, and the index counts them', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    for (let i = 0; i < 10_000; i++) ledger.logEvent(runEvent({ timestamp: i }));
    await ledger.flush();
    expect(times(logged(folder))).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(readIndex(folder)).toMatchObject({
      eventCount: 10_000,
      oldestTimestamp: 0,
      newestTimestamp: 9999,
    });
    expect(ids(logged(folder))).toEqual(ids(ledger.getEvents()));
  });

  test('the line is the event as it was returned', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const event = ledger.finalizeEvent(runEvent({ timestamp: Date.now() - 50, durationMs: undefined }));
    expect(event.durationMs).toBeGreaterThanOrEqual(50);
    expect(logText(folder)).toBe(lineOf(event));
    event.note = 'later';
    await ledger.flush();
    expect(logged(folder)[0].note).toBe(undefined);
  });

  test('an import of 150,000 events', { timeout: 120_000 }, async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const events = Array.from({ length: 150_000 }, (_, i) => ({
      eventId: `e${i}`,
      taskId: 't',
      timestamp: i,
      violations: [],
      reworkLines: 0,
    }));
    ledger.importEvents(events);
    expect(ledger.eventCount).toBe(150_000);
    await ledger.flush();
    expect(logText(folder)).toBe(events.map(lineOf).join(''));
    const other = open(ours, folder);
    await other.init();
    expect(other.eventCount).toBe(150_000);
    expect(other.computeMetrics().taskCount).toBe(150_000);
  });

  test('a sparse or generated import', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    ledger.importEvents(new Set(at(1, 2)));
    ledger.importEvents([]);
    expect(times(logged(folder))).toEqual([1, 2]);
  });

  test('an event of the ledger itself may be finalized: it is in twice, as in memory', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const event = ledger.logEvent(runEvent());
    ledger.finalizeEvent(event);
    expect(ledger.eventCount).toBe(2);
    expect(ids(logged(folder))).toEqual([event.eventId, event.eventId]);
  });
});

describeOurs('loading', () => {
  test('concurrent inits load once', async () => {
    const folder = planted(at(1, 2));
    const ledger = open(ours, folder);
    await Promise.all([ledger.init(), ledger.init(), ledger.init()]);
    expect(times(ledger.getEvents())).toEqual([1, 2]);
  });

  test('an init that failed can be tried again', async () => {
    const folder = fresh();
    mkdirSync(paths(folder).log, { recursive: true });
    const ledger = open(ours, folder);
    await expect(ledger.init()).rejects.toThrow();
    rmSync(paths(folder).log, { recursive: true });
    appendFileSync(paths(folder).log, lineOf(runEvent({ timestamp: 1 })));
    await ledger.init();
    expect(times(ledger.getEvents())).toEqual([1]);
  });

  test('events logged before and while a load runs are there exactly once', async () => {
    const folder = planted(Array.from({ length: 5000 }, (_, i) => runEvent({ eventId: `old${i}` })));
    const ledger = open(ours, folder);
    const kept = [ledger.logEvent(runEvent())];
    const loading = ledger.load();
    for (let i = 0; i < 30; i++) {
      kept.push(i % 2 ? ledger.logEvent(runEvent()) : ledger.finalizeEvent(runEvent()));
      await new Promise(setImmediate);
    }
    await loading;
    const events = ledger.getEvents();
    expect(events).toHaveLength(5031);
    expect(new Set(ids(events)).size).toBe(5031);
    expect(new Set(ids(logged(folder)))).toEqual(new Set(ids(events)));
    const lateOnes = kept.slice(1);
    for (const event of lateOnes) expect(ids(events)).toContain(event.eventId);
  });

  test('the folder of a load may be missing', async () => {
    const folder = fresh();
    const ledger = open(ours, folder, { enableWAL: false });
    ledger.logEvent(runEvent());
    await ledger.load();
    expect(ledger.eventCount).toBe(0);
    expect(snapshot(folder)).toBe(null);
  });

  test('malformed lines and lines of no object are not loaded', async () => {
    const folder = planted(at(1));
    appendFileSync(paths(folder).log, 'bad\nnull\n[]\n\n{}\n{"half":');
    const ledger = open(ours, folder);
    await ledger.init();
    expect(ledger.getEvents().slice(1)).toEqual([{}]);
  });
});

describeOurs('compaction', () => {
  test('events logged while it runs are kept, in the log and in memory', async () => {
    const folder = planted(
      Array.from({ length: 4000 }, (_, i) => runEvent({ eventId: `old${i}`, timestamp: i })),
    );
    const ledger = open(ours, folder, { maxEvents: 1000 });
    await ledger.init();
    const late = [];
    const compacting = ledger.compact();
    for (let i = 0; i < 30; i++) {
      late.push(ledger.logEvent(runEvent({ timestamp: 100_000 + i })));
      await new Promise(setImmediate);
    }
    const evicted = await compacting;
    const inLog = ids(logged(folder));
    expect(evicted).toBeGreaterThanOrEqual(3000);
    expect(inLog).toHaveLength(4030 - evicted);
    for (const event of late) {
      expect(inLog.filter((id) => id === event.eventId)).toHaveLength(1);
      expect(ids(ledger.getEvents()).filter((id) => id === event.eventId)).toHaveLength(1);
    }
    expect(new Set(ids(ledger.getEvents()))).toEqual(new Set(inLog));
  });

  test('unsaved events stay the same objects, behind the loaded ones, until saved', async () => {
    const folder = planted(at(1, 2, 3));
    const ledger = open(ours, folder, { enableWAL: false, maxEvents: 2 });
    await ledger.init();
    const unsaved = [
      ledger.logEvent(runEvent({ timestamp: 0 })),
      ledger.finalizeEvent(runEvent({ timestamp: 9 })),
    ];
    expect(await ledger.compact()).toBe(1);
    expect(times(ledger.getEvents())).toEqual([2, 3, 0, 9]);
    expect(ledger.getEvents().slice(2)).toEqual(unsaved);
    expect(ledger.getEvents()[2]).toBe(unsaved[0]);
    await ledger.save();
    expect(times(logged(folder))).toEqual([2, 3, 0, 9]);
    expect(await ledger.compact()).toBe(2);
    expect(times(ledger.getEvents())).toEqual([3, 9]);
  });

  test('dropped unsaved events do not come back', async () => {
    const folder = planted(at(1, 2));
    const ledger = open(ours, folder, { enableWAL: false, maxEvents: 1 });
    ledger.logEvent(runEvent({ timestamp: 5 }));
    ledger.clear();
    expect(await ledger.compact()).toBe(1);
    expect(times(ledger.getEvents())).toEqual([2]);
  });
});

describeOurs('errors of background work', () => {
  const broken = () => {
    const folder = fresh();
    mkdirSync(paths(folder).log, { recursive: true });
    return folder;
  };

  test('never reach the caller of logEvent; the next flush rejects, once', async () => {
    const folder = broken();
    const ledger = open(ours, folder);
    const event = ledger.logEvent(runEvent());
    expect(ledger.getEvents()).toEqual([event]);
    const failure = await ledger.flush().catch((error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure.code).toMatch(/^E[A-Z]+$/);
    expect(failure.path).toBe(paths(folder).log);
    rmSync(paths(folder).log, { recursive: true });
    await ledger.flush();
    expect(logText(folder)).toBe(lineOf(event));
    await ledger.flush();
    expect(logText(folder)).toBe(lineOf(event));
  });

  test('are told to onError, once for each streak, and no event is lost', async () => {
    const folder = broken();
    const heard = [];
    const ledger = open(ours, folder, { onError: (error) => heard.push(error) });
    const events = [ledger.logEvent(runEvent()), ledger.logEvent(runEvent())];
    await until(() => heard.length > 0, 'onError');
    events.push(ledger.finalizeEvent(runEvent()));
    ledger.importEvents(at(7));
    rmSync(paths(folder).log, { recursive: true });
    await ledger.flush();
    expect(heard).toHaveLength(1);
    expect(heard[0]).toBeInstanceOf(Error);
    expect(logText(folder)).toBe([...events, ledger.getEvents()[3]].map(lineOf).join(''));
  });

  test('an onError that throws or rejects does no harm', async () => {
    const folder = broken();
    let calls = 0;
    const ledger = open(ours, folder, {
      onError() {
        if (++calls % 2) throw new Error('from onError');
        return Promise.reject(new Error('from onError, later'));
      },
    });
    ledger.logEvent(runEvent());
    await until(() => calls > 0, 'onError');
    rmSync(paths(folder).log, { recursive: true });
    await ledger.flush();
    expect(logged(folder)).toHaveLength(1);
  });

  test('destroy tells what was not reported yet', async () => {
    const folder = broken();
    const ledger = open(ours, folder);
    ledger.logEvent(runEvent());
    await expect(ledger.destroy()).rejects.toThrow();
    rmSync(paths(folder).log, { recursive: true });
    await ledger.destroy();
    expect(logged(folder)).toHaveLength(1);
  });

  test('save tells it too, and writes the event all the same once it can', async () => {
    const folder = broken();
    const ledger = open(ours, folder);
    const event = ledger.logEvent(runEvent());
    await expect(ledger.save()).rejects.toThrow();
    rmSync(paths(folder).log, { recursive: true });
    await ledger.save().catch(() => ledger.save());
    expect(logText(folder)).toBe(lineOf(event));
  });
});

describeBoth('init() after destroy', (implementation) => {
  test('does nothing more, and what is only in memory stays', async () => {
    const folder = fresh();
    const ledger = implementation.createPersistentLedger({ storagePath: folder, enableWAL: false });
    await ledger.init();
    ledger.logEvent(runEvent({ timestamp: 1 }));
    await ledger.destroy();
    await implementation.createEventStore(folder).append(runEvent({ timestamp: 2 }));
    await ledger.init();
    expect(times(ledger.getEvents())).toEqual([1]);
  });
});

describeOurs('after destroy', () => {
  test('the ledger answers and writes as before', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    ledger.logEvent(runEvent({ timestamp: 1, violations: [violation('R')] }));
    await ledger.destroy();
    ledger.logEvent(runEvent({ timestamp: 2 }));
    expect(times(logged(folder))).toEqual([1, 2]);
    expect(ledger.computeMetrics().taskCount).toBe(2);
    await ledger.destroy();
    expect(readFileSync(paths(folder).log, 'utf8').split('\n')).toHaveLength(3);
  });

  test('init() after close() loads again', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    await ledger.init();
    await ledger.close();
    await ours.createEventStore(folder).append(runEvent({ timestamp: 2 }));
    await ledger.init();
    expect(times(ledger.getEvents())).toEqual([2]);
    await ledger.close();
  });

  test.skipIf(Symbol.asyncDispose === undefined)('disposal is destroy', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    ledger.logEvent(runEvent());
    await ledger.getEventStore().acquireLock();
    await ledger[Symbol.asyncDispose]();
    expect(readIndex(folder).eventCount).toBe(1);
    await ours.createEventStore(folder).acquireLock();
  });
});
