/** appendAll: all of the events or none, in one write; checked before anything is written. */
import { appendFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logged, logText } from './support/disk.mjs';
import { at, lineOf, runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';
import { describeMounts, tmpfs } from './support/mounts.mjs';

test.each(['process', 'disk'])(
  'all are in the log when the call returns, in their order (%s)',
  async (durability) => {
    const folder = fresh();
    const store = ours.createEventStore(folder, { durability });
    const events = at(3, 1, 2);
    const promise = store.appendAll(events);
    expect(logText(folder)).toBe(events.map(lineOf).join(''));
    await promise;
    await store.appendAll(new Set(at(4, 5)));
    await store.appendAll([]);
    expect((await store.readAll()).map(({ timestamp }) => timestamp)).toEqual([3, 1, 2, 4, 5]);
    expect((await store.getStats()).eventCount).toBe(5);
  },
);

test('nothing is written if one of them is refused', async () => {
  const folder = fresh();
  const store = ours.createEventStore(folder);
  const cyclic = runEvent();
  cyclic.self = cyclic;
  for (const [bad, message] of [
    [null, /events\[1\] must be an event object/],
    [new Map(), /events\[1\]/],
    [cyclic, /events\[1\] cannot be stored as JSON/],
    [{ toJSON: () => 5 }, /events\[1\]/],
  ]) {
    await expect(store.appendAll([runEvent(), bad, runEvent()])).rejects.toThrow(message);
    await expect(store.appendAll([runEvent(), bad])).rejects.toBeInstanceOf(TypeError);
  }
  for (const bad of [undefined, null, 5, runEvent()])
    await expect(store.appendAll(bad)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  expect(existsSync(folder)).toBe(false);
  const long = runEvent({ field: 'x'.repeat((64 << 20) + 1) });
  await expect(store.appendAll([runEvent(), long])).rejects.toMatchObject({ code: 'ETOOLONG' });
  expect(await store.readAll()).toEqual([]);
});

test('a large batch lets others run, and no line of others gets into it', async () => {
  const folder = fresh();
  const store = ours.createEventStore(folder);
  const events = Array.from({ length: 8000 }, (_, i) => runEvent({ timestamp: i, field: 'x'.repeat(300) }));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const promise = store.appendAll(events);
  await store.append(runEvent({ timestamp: -1 }));
  await promise;
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
  const times = logged(folder).map(({ timestamp }) => timestamp);
  expect(times).toEqual([-1, ...events.keys()]);
});

test('half a line that a crash left is closed before them', async () => {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, 'events.ndjson'), '{"half');
  const store = ours.createEventStore(folder);
  const events = at(1, 2);
  await store.appendAll(events);
  expect(logText(folder)).toBe(`{"half\n${events.map(lineOf).join('')}`);
});

describeMounts('a disk that gets full in the middle of them', () => {
  test('none of them is there', async () => {
    const folder = join(tmpfs('1m'), 'store');
    const store = ours.createEventStore(folder);
    const kept = at(1, 2);
    await store.appendAll(kept);
    const many = Array.from({ length: 3000 }, () => runEvent({ field: 'x'.repeat(300) }));
    for (let round = 0; round < 3; round++) {
      await expect(store.appendAll(many)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await store.readAll()).toEqual(kept);
      expect((await store.getStats()).eventCount).toBe(2);
    }
    // What was taken back is blank, and a compaction gives its room back.
    await store.compact(1);
    rmSync(join(folder, 'index.json'), { force: true });
    await store.appendAll(at(5, 6));
    expect((await store.readAll()).map(({ timestamp }) => timestamp)).toEqual([2, 5, 6]);
  });
});

test('createEvent makes an event of an object, and of three arguments as ever', () => {
  const ledger = ours.createLedger();
  const event = ledger.createEvent({
    taskId: 't',
    intent: 'docs',
    guidanceHash: 'h',
    toolsUsed: ['Edit'],
    sessionId: undefined,
    costUsd: 0.1,
  });
  const plain = ledger.createEvent('t', 'docs', 'h');
  expect(event).toEqual({
    ...plain,
    eventId: event.eventId,
    timestamp: event.timestamp,
    toolsUsed: ['Edit'],
    costUsd: 0.1,
  });
  expect(Object.keys(event)).toEqual([...Object.keys(plain), 'costUsd']);
  expect(event.eventId).not.toBe(plain.eventId);
  expect(ledger.eventCount).toBe(0);
  expect(ledger.createEvent({ taskId: 't' }, 'docs', 'h').taskId).toEqual({ taskId: 't' });
});
