/** save(): the ledger's events, then every line it never held; what clear() dropped goes. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged, logText, paths, readIndex } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

function planted(content) {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).log, content);
  return folder;
}

const lines = (...events) => events.map(lineOf).join('');

describeOurs('save', () => {
  test('keeps the lines of others, behind its own, in their order', async () => {
    const folder = planted(lines(...at(1, 2)));
    const ledger = open(ours, folder);
    await ledger.init();
    appendFileSync(paths(folder).log, lines(...at(11, 12)));
    ledger.logEvent(runEvent({ timestamp: 3 }));
    await ours.createEventStore(folder).append(runEvent({ timestamp: 13 }));
    await ledger.save();
    expect(times(logged(folder))).toEqual([1, 2, 3, 11, 12, 13]);
    expect(readIndex(folder)).toMatchObject({ eventCount: 6, newestTimestamp: 13 });
    await ledger.save();
    expect(times(logged(folder))).toEqual([1, 2, 3, 11, 12, 13]);
  });

  test('of a ledger that never loaded keeps all of the log', async () => {
    const folder = planted(lines(...at(1, 2)));
    const ledger = open(ours, folder, { enableWAL: false });
    ledger.logEvent(runEvent({ timestamp: 3 }));
    await ledger.save();
    expect(times(logged(folder))).toEqual([3, 1, 2]);
  });

  test('drops what clear() dropped, and nothing else', async () => {
    const folder = planted(lines(...at(1, 2)));
    const ledger = open(ours, folder);
    await ledger.init();
    const written = ledger.logEvent(runEvent({ timestamp: 3 }));
    ledger.getEvents();
    ledger.clear();
    appendFileSync(paths(folder).log, lines(...at(11)));
    ledger.logEvent(runEvent({ timestamp: 4 }));
    await ledger.save();
    expect(times(logged(folder))).toEqual([4, 11]);
    expect(logText(folder)).not.toContain(written.eventId);
  });

  test('after clear() and load() all are back', async () => {
    const folder = planted(lines(...at(1, 2)));
    const ledger = open(ours, folder);
    await ledger.init();
    ledger.clear();
    await ledger.load();
    await ledger.save();
    expect(times(logged(folder))).toEqual([1, 2]);
  });

  test('events without an id are neither doubled nor lost', async () => {
    const folder = planted(
      '{"n":1,"timestamp":1}\n{"n":1,"timestamp":1}\n{"n":2,"eventId":5}\n{"n":3,"eventId":null}\n',
    );
    for (const look of [() => {}, (ledger) => ledger.getEvents(), (ledger) => ledger.getRecentEvents(2)]) {
      const ledger = open(ours, folder);
      await ledger.init();
      look(ledger);
      await ledger.save();
      await ledger.save();
      expect(logText(folder)).toBe(
        '{"n":1,"timestamp":1}\n{"n":1,"timestamp":1}\n{"n":2,"eventId":5}\n{"n":3,"eventId":null}\n',
      );
    }
  });

  test('a changed event is not doubled, whatever it was known by', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const { eventId, ...without } = runEvent();
    ledger.importEvents([without, runEvent({ eventId: 5 }), runEvent()]);
    ledger.finalizeEvent({ ...without, timestamp: 7 });
    for (const event of ledger.getEvents()) event.note = 'changed';
    await ledger.save();
    expect(logText(folder)).toBe(lines(...ledger.getEvents()));
    ledger.getEvents()[2].eventId = 'renamed';
    ledger.getEvents()[0].eventId = eventId;
    await ledger.save();
    expect(logText(folder)).toBe(lines(...ledger.getEvents()));
    const other = open(ours, folder);
    await other.init();
    for (const event of other.getEvents()) event.eventId = `${event.eventId} again`;
    await other.save();
    expect(logText(folder)).toBe(lines(...other.getEvents()));
  });

  test('two events of one id stay two', async () => {
    const twin = runEvent({ eventId: 'twin' });
    const folder = planted(lines(twin, runEvent({ eventId: 'other' }), twin));
    const ledger = open(ours, folder);
    await ledger.init();
    await ledger.save();
    expect(logged(folder).map((event) => event.eventId)).toEqual(['twin', 'other', 'twin']);
    ledger.getEvents();
    await ledger.save();
    expect(logged(folder).map((event) => event.eventId)).toEqual(['twin', 'other', 'twin']);
  });

  test('sealed events keep their bytes, live ones are written as they are now', async () => {
    const [sealed, live] = ['{ "timestamp" : 1.0, "taskId":"a" }', '{ "timestamp" : 2.0, "taskId":"b" }'];
    const folder = planted(`${sealed}\n${live}\n`);
    const ledger = open(ours, folder);
    await ledger.init();
    ledger.getEventsByTask('b')[0].note = 'new';
    await ledger.save();
    expect(logText(folder)).toBe(`${sealed}\n{"timestamp":2,"taskId":"b","note":"new"}\n`);
  });

  test('a changed event replaces its old line', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const event = ledger.logEvent(runEvent({ timestamp: 1 }));
    event.timestamp = 50;
    await ledger.save();
    expect(logText(folder)).toBe(lineOf(event));
    expect(readIndex(folder)).toMatchObject({ eventCount: 1, oldestTimestamp: 50 });
  });

  test('an event that cannot be written any more fails it, and nothing is written', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    ledger.logEvent(runEvent());
    const event = ledger.logEvent(runEvent());
    const before = logText(folder);
    event.big = 1n;
    await expect(ledger.save()).rejects.toThrow(TypeError);
    expect(logText(folder)).toBe(before);
    event.big = '1';
    await ledger.save();
    expect(logged(folder)[1].big).toBe('1');
  });

  test('malformed lines are set aside', async () => {
    const folder = planted(`bad\n${lines(...at(1))}null\n`);
    const ledger = open(ours, folder);
    await ledger.init();
    await ledger.save();
    expect(times(logged(folder))).toEqual([1]);
    expect(readFileSync(paths(folder).rejected, 'utf8')).toBe('bad\nnull\n');
  });

  test('what was compacted away by others does not matter', async () => {
    const folder = planted(lines(...at(1, 2, 3)));
    const ledger = open(ours, folder);
    await ledger.init();
    await ours.createEventStore(folder).compact(1);
    await ledger.save();
    expect(times(logged(folder))).toEqual([1, 2, 3]);
  });

  test('events logged while it runs are kept', async () => {
    const folder = planted(
      lines(...Array.from({ length: 5000 }, (_, i) => runEvent({ eventId: `old${i}`, timestamp: i }))),
    );
    const ledger = open(ours, folder);
    await ledger.init();
    ledger.getEvents();
    const late = [];
    const saving = ledger.save();
    for (let i = 0; i < 30; i++) {
      late.push(ledger.logEvent(runEvent()));
      await new Promise(setImmediate);
    }
    await saving;
    const ids = logged(folder).map((event) => event.eventId);
    expect(ids).toHaveLength(5030);
    expect(new Set(ids).size).toBe(5030);
    for (const event of late) expect(ids).toContain(event.eventId);
  });

  test('of two ledgers at once, neither erases what the other holds', async () => {
    const folder = fresh();
    const ledgers = Array.from({ length: 4 }, () => open(ours, folder, { lockTimeoutMs: 30_000 }));
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        ledgers.map((ledger) => {
          ledger.logEvent(runEvent());
          return ledger.save();
        }),
      );
    }
    const held = ledgers.flatMap((ledger) => ledger.getEvents().map((event) => event.eventId));
    expect(
      logged(folder)
        .map((event) => event.eventId)
        .toSorted(),
    ).toEqual(held.toSorted());
  });
});
