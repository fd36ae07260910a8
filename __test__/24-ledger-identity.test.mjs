/** What identifies an event in the log is what its line says, whatever the object says of its eventId. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged, logText, paths } from './support/disk.mjs';
import { at, lineOf, runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { bare, KINDS } from './support/odd-events.mjs';

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

  test('finalized between two saves at once, it is known although one of them was refused', async () => {
    const folder = fresh();
    const ledger = open(ours, folder);
    ledger.finalizeEvent(runEvent());
    await ledger.getEventStore().acquireLock();
    const one = ledger.save();
    ledger.finalizeEvent(runEvent());
    one.catch(() => ledger.getEventStore().releaseLock());
    const settled = await Promise.allSettled([one, ledger.save()]);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(logged(folder)).toHaveLength(2);
    ledger.clear();
    await ledger.save();
    expect(logText(folder)).toBe('');
  });

  test('given up during a save, it is written by that save and dropped by the next', async () => {
    const folder = planted(at(1, 2));
    const ledger = open(ours, folder);
    await ledger.init();
    ledger.finalizeEvent(runEvent());
    const saving = ledger.save();
    ledger.clear();
    await saving;
    expect(logged(folder)).toHaveLength(3);
    await ledger.save();
    expect(logged(folder)).toHaveLength(0);
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
