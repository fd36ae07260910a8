/** What EventStore does, whichever implementation it is. A scenario asserts, and returns an outcome that must be equal for both. */

import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { followedIndex, logText, paths, readIndex, readLog, snapshot } from '../support/disk.mjs';
import { at, lineOf, runEvent, times } from '../support/events.mjs';

export const store = {
  async 'constructing touches no disk'({ EventStore, createEventStore }, folder) {
    new EventStore(folder);
    createEventStore(folder);
    expect(snapshot(folder)).toBe(null);
    return null;
  },

  async 'a missing folder is an empty log, and reading does not create it'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    expect(await store.readAll()).toEqual([]);
    expect(await store.readRange(0, Infinity)).toEqual([]);
    expect(await store.compact(0)).toBe(0);
    expect(await store.getStats()).toEqual({
      eventCount: 0,
      storageSizeBytes: 0,
      oldestEvent: null,
      newestEvent: null,
    });
    expect(snapshot(folder)).toBe(null);
    return null;
  },

  async 'createEventStore makes an EventStore'({ createEventStore, EventStore }, folder) {
    expect(createEventStore(folder)).toBeInstanceOf(EventStore);
    return null;
  },

  async 'append creates the folder, the log and the index'({ createEventStore }, folder) {
    const event = runEvent({ timestamp: 5, taskId: 'a' });
    expect(await createEventStore(folder).append(event)).toBe(undefined);
    expect(logText(folder)).toBe(lineOf(event));
    expect(await followedIndex(folder)).toEqual({
      eventCount: 1,
      oldestTimestamp: 5,
      newestTimestamp: 5,
      taskIds: ['a'],
    });
    return null;
  },

  async 'index.json has two-space JSON with exactly four keys in order'({ createEventStore }, folder) {
    await createEventStore(folder).append(runEvent({ timestamp: 5, taskId: 'a"\\\ud83d😀' }));
    const text = snapshot(folder)['index.json'];
    expect(Buffer.from(text, 'latin1').toString('utf8')).toBe(JSON.stringify(readIndex(folder), null, 2));
    expect(Object.keys(readIndex(folder))).toEqual([
      'eventCount',
      'oldestTimestamp',
      'newestTimestamp',
      'taskIds',
    ]);
    return text;
  },

  async 'appends keep their order, whatever their timestamps'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    const events = at(30, 10, 20, 10);
    for (const event of events) await store.append(event);
    expect(await store.readAll()).toEqual(events);
    expect(logText(folder)).toBe(events.map(lineOf).join(''));
    expect(await followedIndex(folder)).toEqual({
      eventCount: 4,
      oldestTimestamp: 10,
      newestTimestamp: 30,
      taskIds: ['task-1'],
    });
    return null;
  },

  async 'a line is what JSON.stringify makes of the event'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    class Note {
      constructor(text) {
        this.text = text;
      }
    }
    const event = runEvent({
      date: new Date(0),
      invalid: new Date(NaN),
      own: { toJSON: (key) => `toJSON of ${key}` },
      note: new Note('kept'),
      missing: undefined,
      list: [undefined, () => 1, Symbol('s'), NaN, Infinity, -0],
      numbers: [1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53 + 2, 0.1],
      text: 'tab\t nul\u0000 nel\u0085 ls\u2028 bom\ufeff lone\ud83d astral😀 quote" slash\\',
      2: 'two',
      1: 'one',
      [Symbol('hidden')]: 1,
      polluted: JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
      sparse: Object.assign([], { 3: 'x' }),
    });
    await store.append(event);
    expect(logText(folder)).toBe(lineOf(event));
    const [read] = await store.readAll();
    expect(read).toEqual(JSON.parse(JSON.stringify(event)));
    expect(Object.keys(read)).toEqual(Object.keys(JSON.parse(JSON.stringify(event))));
    expect(Object.hasOwn(read.polluted, '__proto__')).toBe(true);
    expect({}.a).toBe(undefined);
    return null;
  },

  async 'an event read is a new object each time'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    const event = runEvent();
    await store.append(event);
    const [first] = await store.readAll();
    const [second] = await store.readAll();
    expect(first).toEqual(event);
    expect(first).not.toBe(event);
    expect(first).not.toBe(second);
    return null;
  },

  async 'changing an event after append does not change the log'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    const event = runEvent({ note: 'before' });
    await store.append(event);
    event.note = 'after';
    expect((await store.readAll())[0].note).toBe('before');
    return null;
  },

  async 'readRange includes both ends'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const event of at(10, 20, 30, 40)) await store.append(event);
    const ranges = {
      inner: [20, 30],
      point: [20, 20],
      all: [-Infinity, Infinity],
      none: [21, 29],
      reversed: [30, 20],
      nan: [NaN, 100],
      nanEnd: [0, NaN],
      noEnd: [0, undefined],
    };
    const found = {};
    for (const [name, [start, end]] of Object.entries(ranges))
      found[name] = times(await store.readRange(start, end));
    expect(found).toEqual({
      inner: [20, 30],
      point: [20],
      all: [10, 20, 30, 40],
      none: [],
      reversed: [],
      nan: [],
      nanEnd: [],
      noEnd: [],
    });
    return null;
  },

  async 'readRange compares as JavaScript does'({ createEventStore }, folder) {
    mkdirSync(folder, { recursive: true });
    const stamps = ['15', '"15"', 'null', 'true', '"x"', '[15]', '{}', '15.5', '1.5e1', '-0'];
    writeFileSync(
      paths(folder).log,
      `${stamps.map((stamp, i) => `{"n":${i},"timestamp":${stamp}}\n`).join('')}{"n":10}\n`,
    );
    const store = createEventStore(folder);
    const number = async (start, end) => (await store.readRange(start, end)).map((event) => event.n);
    expect(await number(10, 20)).toEqual([0, 1, 5, 7, 8]);
    expect(await number(0, 1)).toEqual([2, 3, 9]);
    expect(await number('10', '20')).toEqual([0, 1, 5, 7, 8]);
    expect(await number(10n, 20n)).toEqual([0, 1, 5, 7, 8]);
    expect(await number(new Date(10), new Date(20))).toEqual([0, 1, 5, 7, 8]);
    return null;
  },

  async 'readRange asks every event, whatever the bounds'({ createEventStore }, folder) {
    mkdirSync(folder, { recursive: true });
    // A time that cannot be compared: its own toString is no function.
    writeFileSync(paths(folder).log, '{"timestamp":1}\n{"timestamp":{"toString":0}}\n');
    const store = createEventStore(folder);
    for (const [start, end] of [
      [0, 9],
      [9, 0],
      [NaN, 9],
    ]) {
      await expect(store.readRange(start, end), `${start} to ${end}`).rejects.toThrow(TypeError);
    }
    return null;
  },

  async 'blank and malformed lines are passed over'({ createEventStore }, folder) {
    const [a, b] = at(1, 2);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      paths(folder).log,
      `\n  \n${lineOf(a)}{"half":\nnot json\n\r\n{"a":1}{"b":2}\n${lineOf(b)}`,
    );
    const store = createEventStore(folder);
    expect(await store.readAll()).toEqual([a, b]);
    expect(times(await store.readRange(0, 9))).toEqual([1, 2]);
    return null;
  },

  async 'spaces, BOM and CR around a line do not matter'({ createEventStore }, folder) {
    const events = at(1, 2, 3, 4);
    const [a, b, c, d] = events.map((event) => JSON.stringify(event));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      paths(folder).log,
      `\ufeff${a}\r\n \t\u00a0${b}\u2003\u2029\r\n\ufeff\ufeff${c}\ufeff\n${d}`,
    );
    expect(await createEventStore(folder).readAll()).toEqual(events);
    return null;
  },

  async 'a complete last line counts without its newline, half of one does not'(
    { createEventStore },
    folder,
  ) {
    const [a, b] = at(1, 2);
    mkdirSync(folder, { recursive: true });
    writeFileSync(paths(folder).log, lineOf(a) + JSON.stringify(b));
    expect(await createEventStore(folder).readAll()).toEqual([a, b]);
    writeFileSync(paths(folder).log, lineOf(a) + JSON.stringify(b).slice(0, -1));
    expect(await createEventStore(folder).readAll()).toEqual([a]);
    return null;
  },

  async 'what JSON.parse accepts is read, what it refuses is not'({ createEventStore }, folder) {
    const lines = [
      `{"n":0,"deep":${'['.repeat(2000)}${']'.repeat(2000)}}`,
      '{"n":1,"a":1e999}',
      '{"n":2,"a":-0}',
      '{"n":3,"a":"\\ud800"}',
      '{"n":4,"n":5}',
      '{"\\u006e":6}',
      '{"n":7,"__proto__":{"x":1}}',
      '{"n":8,"a":123456789012345678901234567890}',
      ' {"n":9}',
      '{"n":10,}',
      "{'n':11}",
      '{"n":12,"a":01}',
      '{"n":13,"a":"\t"}',
      '{"n":14,"a":NaN}',
      '{"n":15}x',
      '\u200b{"n":16}',
      '{"n":17,"a":"\\x"}',
      '{"n":18,"a":+1}',
    ];
    mkdirSync(folder, { recursive: true });
    writeFileSync(paths(folder).log, `${lines.join('\n')}\n`);
    const events = await createEventStore(folder).readAll();
    expect(events.map((event) => event.n)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
    expect(events[1].a).toBe(Infinity);
    expect(Object.is(events[2].a, -0)).toBe(true);
    expect(events[3].a).toBe('\ud800');
    expect(Object.keys(events[6])).toEqual(['n', '__proto__']);
    return null;
  },

  async 'invalid UTF-8 is read as U+FFFD'({ createEventStore }, folder) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      paths(folder).log,
      Buffer.concat([
        Buffer.from('{"a":"'),
        Buffer.from([0xff, 0xe2, 0x82, 0x41, 0xed, 0xa0, 0x80, 0xf0, 0x9f]),
        Buffer.from('"}\n'),
      ]),
    );
    const [event] = await createEventStore(folder).readAll();
    expect(event.a).toBe('\ufffd\ufffdA\ufffd\ufffd\ufffd\ufffd');
    return event.a;
  },

  async 'compact keeps the newest and says how many went'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const event of at(50, 10, 40, 20, 30)) await store.append(event);
    expect(await store.compact(3)).toBe(2);
    expect(times(await store.readAll())).toEqual([30, 40, 50]);
    expect(await followedIndex(folder)).toEqual({
      eventCount: 3,
      oldestTimestamp: 30,
      newestTimestamp: 50,
      taskIds: ['task-1'],
    });
    return null;
  },

  async 'compact sorts stably'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const [i, timestamp] of [5, 1, 5, 3, 1, 5, 3].entries())
      await store.append(runEvent({ eventId: `e${i}`, timestamp }));
    expect(await store.compact(6)).toBe(1);
    expect((await store.readAll()).map((event) => event.eventId)).toEqual([
      'e4',
      'e3',
      'e6',
      'e0',
      'e2',
      'e5',
    ]);
    return null;
  },

  async 'compact within the limit writes nothing'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const event of at(3, 1, 2)) await store.append(event);
    appendFileSync(paths(folder).log, 'malformed\n');
    const [log, index] = [readLog(folder), readIndex(folder)];
    expect(await store.compact(3)).toBe(0);
    expect(await store.compact(Infinity)).toBe(0);
    expect(readLog(folder)).toEqual(log);
    expect(readIndex(folder)).toEqual(index);
    return null;
  },

  async 'compact(0) empties the log'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const event of at(1, 2)) await store.append(event);
    expect(await store.compact(0)).toBe(2);
    expect(logText(folder)).toBe('');
    expect(await followedIndex(folder)).toEqual({
      eventCount: 0,
      oldestTimestamp: null,
      newestTimestamp: null,
      taskIds: [],
    });
    return null;
  },

  async 'compact keeps the order of tasks in the new log'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const [taskId, timestamp] of [
      ['a', 3],
      ['b', 1],
      ['c', 2],
      ['a', 1],
    ])
      await store.append(runEvent({ taskId, timestamp }));
    expect((await followedIndex(folder)).taskIds).toEqual(['a', 'b', 'c']);
    expect(await store.compact(3)).toBe(1);
    expect((await followedIndex(folder)).taskIds).toEqual(['a', 'c']);
    return null;
  },

  async 'writeAll replaces the log and rebuilds the index'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    await store.append(runEvent({ taskId: 'old' }));
    const events = [runEvent({ taskId: 'b', timestamp: 9 }), runEvent({ taskId: 'a', timestamp: 4 })];
    expect(await store.writeAll(events)).toBe(undefined);
    expect(logText(folder)).toBe(events.map(lineOf).join(''));
    expect(await followedIndex(folder)).toEqual({
      eventCount: 2,
      oldestTimestamp: 4,
      newestTimestamp: 9,
      taskIds: ['b', 'a'],
    });
    return null;
  },

  async 'writeAll([]) leaves an empty log and creates the folder'({ createEventStore }, folder) {
    await createEventStore(folder).writeAll([]);
    expect(logText(folder)).toBe('');
    expect(existsSync(paths(folder).log)).toBe(true);
    expect(await followedIndex(folder)).toEqual({
      eventCount: 0,
      oldestTimestamp: null,
      newestTimestamp: null,
      taskIds: [],
    });
    return null;
  },

  async 'no temporary file stays behind a rewrite'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const event of at(1, 2, 3)) await store.append(event);
    await store.compact(1);
    await store.writeAll(at(4));
    expect(Object.keys(snapshot(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
    return null;
  },

  async 'getStats counts events and the size of log and index'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const event of at(20, 10, 30)) await store.append(event);
    const stats = await store.getStats();
    const files = snapshot(folder);
    expect(stats).toEqual({
      eventCount: 3,
      storageSizeBytes: files['events.ndjson'].length + files['index.json'].length,
      oldestEvent: 10,
      newestEvent: 30,
    });
    expect(Object.keys(stats)).toEqual(['eventCount', 'storageSizeBytes', 'oldestEvent', 'newestEvent']);
    return Object.keys(stats);
  },

  async 'two stores on one folder see each other'({ createEventStore }, folder) {
    const [one, other] = [createEventStore(folder), createEventStore(folder)];
    const [a, b] = at(1, 2);
    await one.append(a);
    expect(await other.readAll()).toEqual([a]);
    await other.append(b);
    expect(await one.readAll()).toEqual([a, b]);
    expect((await one.getStats()).eventCount).toBe(2);
    expect(await other.compact(1)).toBe(1);
    expect(await one.readAll()).toEqual([b]);
    return null;
  },

  async 'destroy removes the files, and the store can be used again'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    await store.append(runEvent());
    await store.acquireLock();
    await store.destroy();
    const left = Object.keys(snapshot(folder) ?? {}).filter((name) =>
      ['events.ndjson', 'index.json', '.lock'].includes(name),
    );
    expect(left).toEqual([]);
    expect(await store.readAll()).toEqual([]);
    const event = runEvent();
    await store.append(event);
    expect(await store.readAll()).toEqual([event]);
    expect((await followedIndex(folder)).eventCount).toBe(1);
    return null;
  },

  async 'destroy of nothing is no error, and leaves other files alone'({ createEventStore }, folder) {
    await createEventStore(folder).destroy();
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/notes.txt`, 'mine');
    await createEventStore(folder).append(runEvent());
    await createEventStore(folder).destroy();
    expect(snapshot(folder)['notes.txt']).toBe('mine');
    return null;
  },

  async 'a log of many events keeps all answers'({ createEventStore }, folder) {
    const events = Array.from({ length: 3000 }, (_, i) =>
      runEvent({ eventId: `m${i}`, timestamp: (i * 7919) % 3000, taskId: `t${i % 40}` }),
    );
    const store = createEventStore(folder);
    await store.writeAll(events);
    expect(await store.readAll()).toEqual(events);
    expect(await store.readRange(100, 250)).toEqual(
      events.filter((event) => event.timestamp >= 100 && event.timestamp <= 250),
    );
    expect(await store.compact(1000)).toBe(2000);
    expect(times(await store.readAll())).toEqual(Array.from({ length: 1000 }, (_, i) => 2000 + i));
    return null;
  },
};
