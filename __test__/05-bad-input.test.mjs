/** Wrong arguments: the error's class, a message that names the argument or the right call, and nothing written. */
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { readLog, snapshot } from './support/disk.mjs';
import { at, runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

const cyclic = runEvent();
cyclic.self = { inner: [cyclic] };

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

/** What keeps its content where JSON does not look: it would be stored as `{}`. */
const HIDING = {
  'a Map': new Map([['eventId', 'a']]),
  'a Map with own properties': Object.assign(new Map([['a', 1]]), runEvent()),
  'a Set': new Set(['a']),
  'a WeakMap': new WeakMap(),
  'a WeakSet': new WeakSet(),
  'a RegExp': /a/,
  'a Promise': Promise.resolve({}),
  'an ArrayBuffer': new ArrayBuffer(8),
  'a SharedArrayBuffer': new SharedArrayBuffer(8),
  'a typed array': new Uint8Array(8),
  'a DataView': new DataView(new ArrayBuffer(8)),
  'a generator': (function* () {})(),
  'an iterator of a Map': new Map().entries(),
  'an iterator of a Set': new Set().values(),
  'a boxed symbol': Object(Symbol('s')),
  'a Map of another realm': runInNewContext('new Map()'),
  'a subclass of Map': new (class extends Map {})(),
};

const NO_EVENTS = {
  ...HIDING,
  'a revoked proxy': revoked(),
  'a proxy of a revoked proxy': new Proxy(revoked(), {}),
  'a proxy that throws at each look': new Proxy(
    {},
    {
      getPrototypeOf() {
        throw new Error('no look');
      },
    },
  ),
  undefined: undefined,
  null: null,
  'a number': 5,
  NaN: NaN,
  'a string': 'text',
  JSON: '{"eventId":"a"}',
  'a boolean': true,
  'an array': [runEvent()],
  'an empty array': [],
  'a function': () => {},
  'a class': class {},
  'a symbol': Symbol('s'),
  'a BigInt': 5n,
  'a Date': new Date(),
  'a boxed string': Object('text'),
  'a cycle': cyclic,
  'a BigInt inside': runEvent({ deep: [{ big: 1n }] }),
  'a toJSON that gives no object': { toJSON: () => 'text' },
  'a toJSON that gives nothing': { toJSON: () => undefined },
  'a getter that throws': {
    get bad() {
      throw new Error('from the getter');
    },
  },
};

/** Calls, and asserts that it fails so, and that the folder is as it was. */
async function refuses(folder, call, type, message) {
  const before = snapshot(folder);
  let failure;
  try {
    await call();
  } catch (error) {
    failure = error;
  }
  expect(failure, 'an error').toBeInstanceOf(type);
  expect(failure.constructor).toBe(type);
  expect(failure.message).toMatch(message);
  expect(failure.code).toMatch(/^ERR_/);
  expect(snapshot(folder)).toEqual(before);
  return failure;
}

describeOurs('what is no event', () => {
  test.each(Object.entries(NO_EVENTS))('append: %s', async (_, bad) => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await refuses(folder, () => store.append(bad), TypeError, /\bevent\b/);
    await store.append(runEvent());
    await refuses(folder, () => store.append(bad), TypeError, /\bevent\b/);
  });

  test.each(Object.entries(NO_EVENTS))('writeAll: %s', async (_, bad) => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await refuses(folder, () => store.writeAll([runEvent(), bad, runEvent()]), TypeError, /events\[1\]/);
    await store.append(runEvent());
    await refuses(folder, () => store.writeAll([...at(1, 2, 3), bad]), TypeError, /events\[3\]/);
  });

  test.each(Object.entries(NO_EVENTS))('importEvents: %s', async (_, bad) => {
    const folder = fresh();
    const ledger = open(ours, folder);
    await refuses(folder, () => ledger.importEvents([runEvent(), runEvent(), bad]), TypeError, /events\[2\]/);
    expect(ledger.eventCount).toBe(0);
    await ledger.flush();
    expect(readLog(folder)?.length ?? 0).toBe(0);
  });

  test.each(
    Object.entries(NO_EVENTS).filter(
      ([name]) => !name.includes('toJSON') && !['a Date', 'a boxed string'].includes(name),
    ),
  )('logEvent and finalizeEvent: %s', async (name, bad) => {
    const folder = fresh();
    for (const enableWAL of [true, false]) {
      const ledger = open(ours, folder, { enableWAL });
      for (const call of [() => ledger.logEvent(bad), () => ledger.finalizeEvent(bad)]) {
        const before = snapshot(folder);
        // A getter is called by the copy that logEvent() makes: what it throws is the caller's own error.
        expect(call).toThrow(name.includes('getter') ? Error : TypeError);
        expect(snapshot(folder)).toEqual(before);
      }
      expect(ledger.eventCount).toBe(0);
      await ledger.flush();
      expect(readLog(folder)?.length ?? 0).toBe(0);
    }
  });

  test('the message says what came, and the cause is kept', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await refuses(folder, () => store.append(undefined), TypeError, /event .*undefined/);
    await refuses(folder, () => store.append('text'), TypeError, /event .*text/);
    await refuses(folder, () => store.append([]), TypeError, /event .*array/);
    const cycle = await refuses(folder, () => store.append(cyclic), TypeError, /circular/i);
    expect(cycle.cause).toBeInstanceOf(TypeError);
    const big = await refuses(folder, () => store.append({ big: 1n }), TypeError, /BigInt/);
    expect(big.cause).toBeInstanceOf(TypeError);
    const own = await refuses(
      folder,
      () => store.append(NO_EVENTS['a getter that throws']),
      TypeError,
      /from the getter/,
    );
    expect(own.cause.message).toBe('from the getter');
  });

  test('what was thrown is told and kept, whatever it is', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    const throwing = (thrown) => ({
      toJSON() {
        throw thrown;
      },
    });
    for (const [thrown, message] of [
      [runInNewContext('new RangeError("of another realm")'), /of another realm/],
      ['a text', /a text/],
      [5, /: 5$/],
      [null, /null/],
      [undefined, /undefined/],
      [Symbol('a symbol'), /a symbol/],
      [{ message: 'like an error' }, /like an error/],
      [Object.create(null), /cannot be shown/],
      [revoked(), /cannot be shown/],
    ]) {
      const error = await refuses(folder, () => store.append(throwing(thrown)), TypeError, message);
      expect(error.code).toBe('ERR_INVALID_ARG_TYPE');
      expect(Object.hasOwn(error, 'cause')).toBe(true);
      expect(Object.is(error.cause, thrown)).toBe(true);
    }
    const error = await refuses(folder, () => store.append(revoked()), TypeError, /event .*revoked/);
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  test('a revoked proxy is no array, no options, no signal', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await refuses(folder, () => store.writeAll(revoked()), TypeError, /\bevents\b/);
    await refuses(folder, () => new ours.EventStore(folder, revoked()), TypeError, /\boptions\b/);
    await refuses(folder, () => store.compact(1, revoked()), TypeError, /\boptions\b/);
    await refuses(folder, () => store.stream(revoked()), TypeError, /\boptions\b/);
    await refuses(folder, () => store.stream({ signal: revoked() }), TypeError, /\bsignal\b/);
    await refuses(folder, () => ours.createPersistentLedger(revoked()), TypeError, /\bconfig\b/);
    const ledger = open(ours, folder);
    await refuses(folder, () => ledger.importEvents(revoked()), TypeError, /\bevents\b/);
    await refuses(folder, () => ledger.logEvent(revoked()), TypeError, /\bevent\b/);
  });

  test('class instances, null prototypes, inherited and own toJSON stay events', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    class Run {
      eventId = 'of a class';
      #hidden = 1;
      get shown() {
        return this.#hidden;
      }
    }
    class Written extends Map {
      toJSON() {
        return Object.fromEntries(this);
      }
    }
    const events = [
      new Run(),
      Object.assign(Object.create(null), { eventId: 'without a prototype' }),
      Object.create({ eventId: 'inherited', toJSON: () => ({ eventId: 'inherited' }) }),
      Object.create({ eventId: 'not written' }),
      new Written([['eventId', 'of a map']]),
      Object.assign(new Set(), { toJSON: () => ({ eventId: 'of a set' }) }),
      runInNewContext('({ eventId: "of another realm" })'),
      new Proxy({ eventId: 'of a proxy' }, {}),
    ];
    for (const event of events) await store.append(event);
    const ids = [
      'of a class',
      'without a prototype',
      'inherited',
      undefined,
      'of a map',
      'of a set',
      'of another realm',
      'of a proxy',
    ];
    expect((await store.readAll()).map(({ eventId }) => eventId)).toEqual(ids);
  });

  test('an event nested deeper than JSON.stringify goes is refused, not crashed on', async () => {
    const folder = fresh();
    let deep = {};
    for (let i = 0; i < 200_000; i++) deep = [deep];
    await refuses(folder, () => ours.createEventStore(folder).append({ deep }), TypeError, /\bevent\b/);
  });

  test('a refused event is not changed', () => {
    const ledger = open(ours, fresh());
    const event = runEvent({ durationMs: 3, big: 1n });
    expect(() => ledger.finalizeEvent(event)).toThrow(TypeError);
    expect(event.durationMs).toBe(3);
    expect(() => ledger.logEvent(event)).toThrow(TypeError);
  });

  test.each([undefined, null, 5, {}, 'text', new Set(), { length: 1 }])(
    'writeAll takes arrays only, not %s',
    async (bad) => {
      const folder = fresh();
      await refuses(folder, () => ours.createEventStore(folder).writeAll(bad), TypeError, /\bevents\b/);
    },
  );

  test.each([undefined, null, 5, {}])('importEvents takes iterables only, not %s', (bad) => {
    const folder = fresh();
    const ledger = open(ours, folder);
    expect(() => ledger.importEvents(bad)).toThrow(TypeError);
    expect(ledger.eventCount).toBe(0);
    expect(snapshot(folder)).toBe(null);
  });

  test('holes of an array are no events', async () => {
    const folder = fresh();
    const events = Object.assign(new Array(3), { 0: runEvent(), 2: runEvent() });
    await refuses(folder, () => ours.createEventStore(folder).writeAll(events), TypeError, /events\[1\]/);
  });

  test('bad input with good events before it writes none of them, however many', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    const events = Array.from({ length: 5000 }, () => runEvent({ text: 'x'.repeat(500) }));
    await refuses(folder, () => store.writeAll([...events, null]), TypeError, /events\[5000\]/);
    const ledger = open(ours, folder);
    expect(() => ledger.importEvents([...events, 5])).toThrow(/events\[5000\]/);
    expect(snapshot(folder)).toBe(null);
  });
});

describeOurs('compact', () => {
  test.each([undefined, null, '3', {}, [], true, 3n, Symbol('s')])('%s is no number', async (bad) => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    for (const event of at(1, 2, 3)) await store.append(event);
    await refuses(folder, () => store.compact(bad), TypeError, /maxEvents/);
  });

  test.each([NaN, -1, -Infinity, 1.5])('%s is out of range', async (bad) => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    for (const event of at(1, 2, 3)) await store.append(event);
    await refuses(folder, () => store.compact(bad), RangeError, /maxEvents/);
  });

  test('0, -0 and Infinity are in range', async () => {
    const store = ours.createEventStore(fresh());
    for (const event of at(1, 2, 3)) await store.append(event);
    expect(await store.compact(Infinity)).toBe(0);
    expect(await store.compact(-0)).toBe(3);
    expect(await store.compact(0)).toBe(0);
  });
});

describeOurs('the folder', () => {
  test.each([undefined, null, 5, {}, [], ['path'], Symbol('s'), new URL('file:///tmp'), Buffer.from('path')])(
    'new EventStore(%s)',
    (bad) => {
      expect(() => new ours.EventStore(bad)).toThrow(TypeError);
      expect(() => new ours.EventStore(bad)).toThrow(/storagePath/);
    },
  );

  test.each(['', 'a\0b'])('new EventStore(%j)', (bad) => {
    expect(() => new ours.EventStore(bad)).toThrow(TypeError);
    expect(() => new ours.EventStore(bad)).toThrow(/storagePath/);
  });

  test('createEventStore({ dataDir }) names the right call', () => {
    for (const bad of [{ dataDir: './data' }, { storagePath: './data' }, undefined, 5]) {
      expect(() => ours.createEventStore(bad)).toThrow(TypeError);
      expect(() => ours.createEventStore(bad)).toThrow(/createEventStore\('/);
    }
  });

  test('createPersistentLedger(store) names the right call', () => {
    const store = ours.createEventStore(fresh());
    for (const bad of [
      store,
      'path',
      5,
      [],
      Symbol('s'),
      { dataDir: './data' },
      { path: './data', maxEvents: 5 },
    ]) {
      expect(() => ours.createPersistentLedger(bad)).toThrow(TypeError);
      expect(() => ours.createPersistentLedger(bad)).toThrow(/createPersistentLedger\(\{ storagePath: '/);
    }
  });

  test.each(['', 'a\0b', 5, null, {}, []])('storagePath: %j', (storagePath) => {
    expect(() => ours.createPersistentLedger({ storagePath })).toThrow(TypeError);
    expect(() => ours.createPersistentLedger({ storagePath })).toThrow(/storagePath/);
  });
});

describeOurs('options', () => {
  const ofLedger = [
    ['maxEvents', -1, RangeError],
    ['maxEvents', NaN, RangeError],
    ['maxEvents', 1.5, RangeError],
    ['maxEvents', '5', TypeError],
    ['maxEvents', null, TypeError],
    ['compactIntervalMs', -1, RangeError],
    ['compactIntervalMs', Infinity, RangeError],
    ['compactIntervalMs', NaN, RangeError],
    ['compactIntervalMs', '5', TypeError],
    ['enableWAL', 'yes', TypeError],
    ['enableWAL', 1, TypeError],
    ['enableWAL', null, TypeError],
    ['onError', 'log', TypeError],
    ['onError', {}, TypeError],
    ['durability', 'safe', RangeError],
    ['durability', true, TypeError],
    ['lockTimeoutMs', -1, RangeError],
    ['lockTimeoutMs', '5', TypeError],
    ['lockTimeoutMs', Infinity, RangeError],
  ];

  test.each(ofLedger)('of a ledger, %s: %s', (name, bad, type) => {
    const call = () => ours.createPersistentLedger({ storagePath: 'path', [name]: bad });
    expect(call).toThrow(type);
    expect(call).toThrow(new RegExp(name));
  });

  test.each(ofLedger.filter(([name]) => ['durability', 'lockTimeoutMs'].includes(name)))(
    'of a store, %s: %s',
    (name, bad, type) => {
      const call = () => ours.createEventStore('path', { [name]: bad });
      expect(call).toThrow(type);
      expect(call).toThrow(new RegExp(name));
    },
  );

  test('good ones', () => {
    for (const options of [
      undefined,
      {},
      { durability: 'disk' },
      { durability: undefined, lockTimeoutMs: undefined },
      { lockTimeoutMs: 50 },
    ]) {
      expect(ours.createEventStore('path', options)).toBeInstanceOf(ours.EventStore);
    }
    for (const options of [
      { maxEvents: 0 },
      { maxEvents: Infinity },
      { compactIntervalMs: 0 },
      { onError() {} },
      { enableWAL: undefined, onError: undefined, durability: undefined },
    ]) {
      expect(ours.createPersistentLedger({ storagePath: 'path', ...options })).toBeInstanceOf(
        ours.PersistentLedger,
      );
    }
  });
});

describeOurs('reading', () => {
  test.each([undefined, null, 5, {}])('readByTask(%s)', async (bad) => {
    await expect(ours.createEventStore(fresh()).readByTask(bad)).rejects.toThrow(TypeError);
    await expect(ours.createEventStore(fresh()).readByTask(bad)).rejects.toThrow(/taskId/);
  });

  test.each([
    ['from', '5', TypeError],
    ['from', NaN, RangeError],
    ['to', {}, TypeError],
    ['to', NaN, RangeError],
    ['taskId', 5, TypeError],
    ['signal', {}, TypeError],
    ['signal', 'abort', TypeError],
  ])('stream, %s: %s, at the call', (name, bad, type) => {
    const store = ours.createEventStore(fresh());
    expect(() => store.stream({ [name]: bad })).toThrow(type);
    expect(() => store.stream({ [name]: bad })).toThrow(new RegExp(name));
  });
});
