/** What identifies an event in the log is what its line says, whatever the object says of its eventId. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged, logText, paths } from './support/disk.mjs';
import { at, lineOf, runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

let count = 0;
const nextId = () => `id ${++count}`;

/** An event without an id of its own. */
function bare() {
  const { eventId, ...event } = runEvent();
  return event;
}

/** Events whose eventId and whose line say different things. Each can be changed by its `note`. */
const KINDS = {
  'an own property, first': () => runEvent({ eventId: nextId() }),
  'an own property, last': () => ({ ...bare(), eventId: nextId() }),
  'an own property, last, for as long as no note comes': () => Object.assign(bare(), { eventId: nextId() }),
  'an own property in the middle': () => ({ taskId: 'task', eventId: nextId(), timestamp: 1 }),
  'an own property that needs escapes': () => runEvent({ eventId: `"\\\n\ud800 ${nextId()}` }),
  'an own property of backslashes': () => ({ ...bare(), eventId: `\\${nextId()}\\` }),
  'an own property that looks like members': () => ({ ...bare(), eventId: `a","eventId":"${nextId()}` }),
  'a String object': () => runEvent({ eventId: Object(nextId()) }),
  'a number': () => runEvent({ eventId: ++count }),
  none: () => ({ ...bare(), n: ++count }),
  empty: () => ({ ...runEvent({ eventId: '' }), n: ++count }),
  'a getter on the prototype': () => {
    class Run {
      n = ++count;
      get eventId() {
        return 'not in the line';
      }
    }
    return Object.assign(new Run(), bare());
  },
  'an own getter': () => {
    const id = nextId();
    return {
      ...bare(),
      get eventId() {
        return id;
      },
    };
  },
  'a getter that says another thing each time': () => {
    let asked = 0;
    const id = nextId();
    return {
      get eventId() {
        return `${id} ${asked++}`;
      },
      ...bare(),
    };
  },
  'not enumerable': () => Object.defineProperty({ ...bare(), n: ++count }, 'eventId', { value: nextId() }),
  inherited: () => Object.assign(Object.create({ eventId: nextId() }), bare(), { n: ++count }),
  'given by toJSON()': () => {
    const id = nextId();
    return {
      ...bare(),
      toJSON() {
        return { ...this, eventId: id, toJSON: undefined };
      },
    };
  },
  'changed by toJSON()': () => {
    const id = nextId();
    return {
      ...runEvent({ eventId: nextId() }),
      toJSON() {
        return { ...this, eventId: id, toJSON: undefined };
      },
    };
  },
  'taken away by toJSON()': () => {
    const n = ++count;
    return {
      ...runEvent({ eventId: nextId() }),
      toJSON() {
        return { ...this, n, eventId: undefined, toJSON: undefined };
      },
    };
  },
  'another one in a nested object': () => ({ n: ++count, ...bare(), nested: { eventId: nextId() } }),
  'hidden by a proxy': () => {
    const n = ++count;
    return new Proxy(
      { ...bare(), n },
      { get: (target, key) => (key === 'eventId' ? 'not in the line' : Reflect.get(target, key)) },
    );
  },
};

const change = (event) => {
  event.note = 'changed';
};

const planted = (events) => {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).log, events.map(lineOf).join(''));
  return folder;
};

describeOurs('whose id is', () => {
  describe.each(Object.entries(KINDS))('%s:', (_, make) => {
    test('finalized, changed, saved, it is in the log once', async () => {
      const folder = fresh();
      const ledger = open(ours, folder);
      const event = ledger.finalizeEvent(make());
      expect(logged(folder)).toHaveLength(1);
      change(event);
      await ledger.save();
      expect(logged(folder)).toHaveLength(1);
      change(event);
      await ledger.save();
      expect(logged(folder)).toHaveLength(1);
    });

    test('logged, changed, saved, it is in the log once', async () => {
      const folder = fresh();
      const ledger = open(ours, folder);
      change(ledger.logEvent(make()));
      await ledger.save();
      expect(logged(folder)).toHaveLength(1);
    });

    test('cleared and saved, it is gone', async () => {
      const folder = planted(at(1));
      const ledger = open(ours, folder);
      change(ledger.finalizeEvent(make()));
      ledger.importEvents([make()]);
      expect(logged(folder)).toHaveLength(3);
      ledger.clear();
      await ledger.save();
      expect(logged(folder)).toHaveLength(1);
    });

    test('imported, changed, saved, it is in the log once', async () => {
      const folder = fresh();
      const ledger = open(ours, folder);
      const events = [make(), make()];
      ledger.importEvents(events);
      for (const event of events) change(event);
      await ledger.save();
      expect(logged(folder)).toHaveLength(2);
    });

    test('finalized during a load, it is there once, and can be given up', async () => {
      const folder = planted(Array.from({ length: 2000 }, () => runEvent()));
      const ledger = open(ours, folder);
      const loading = ledger.load();
      const event = ledger.finalizeEvent(make());
      await loading;
      expect(ledger.eventCount).toBe(2001);
      expect(ledger.getEvents().at(-1)).toBe(event);
      change(event);
      await ledger.save();
      expect(logged(folder)).toHaveLength(2001);
      const again = ledger.load();
      change(ledger.finalizeEvent(make()));
      await again;
      ledger.clear();
      await ledger.save();
      expect(logText(folder)).toBe('');
    });

    test('finalized during a save that does not hold it, it is known afterwards', async () => {
      const folder = fresh();
      const ledger = open(ours, folder);
      ledger.finalizeEvent(make());
      const saving = ledger.save();
      const event = ledger.finalizeEvent(make());
      await saving;
      change(event);
      ledger.clear();
      await ledger.save();
      expect(logText(folder)).toBe('');
    });
  });

  test('given by a getter, it is asked for once for each line', async () => {
    let asked = 0;
    const ledger = open(ours, fresh());
    const event = {
      ...bare(),
      get eventId() {
        return `id ${++asked}`;
      },
    };
    ledger.finalizeEvent(event);
    expect(asked).toBe(1);
    ledger.importEvents([event]);
    expect(asked).toBe(2);
    await ledger.save();
    expect(asked).toBe(4);
    ledger.clear();
    expect(asked).toBe(4);
  });

  test('of two saves at once one may be refused, and nothing is doubled', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const first = ledger.finalizeEvent(runEvent());
    const one = ledger.save();
    const between = ledger.finalizeEvent(runEvent());
    const settled = await Promise.allSettled([one, ledger.save()]);
    expect(settled.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const event of [first, between]) event.eventId = `renamed ${event.eventId}`;
    await ledger.save();
    expect(logText(folder)).toBe([first, between].map(lineOf).join(''));
  });
});

describeOurs('importEvents', () => {
  test('calls toJSON() once for each event', () => {
    let calls = 0;
    const folder = fresh();
    const event = () => ({ n: 1, toJSON: () => ({ calls: ++calls }) });
    open(ours, folder).importEvents([event(), event(), event()]);
    expect(calls).toBe(3);
    expect(logText(folder)).toBe('{"calls":1}\n{"calls":2}\n{"calls":3}\n');
  });

  test('keeps all or none: a toJSON() that throws at its second call changes nothing', () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    const once = () => {
      let calls = 0;
      return {
        toJSON: () => {
          if (++calls > 1) throw new Error('called twice');
          return { calls };
        },
      };
    };
    ledger.importEvents([once(), once(), once()]);
    expect([ledger.eventCount, logged(folder).length]).toEqual([3, 3]);
    const never = {
      toJSON: () => {
        throw new Error('never');
      },
    };
    expect(() => ledger.importEvents([once(), never, once()])).toThrow(/events\[1\].*never/);
    expect([ledger.eventCount, logged(folder).length]).toEqual([3, 3]);
  });
});
