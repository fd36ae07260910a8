/** Subclasses: every method can be overridden, and is called where the original calls it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { logged, paths } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeBoth } from './support/implementations.mjs';
import { quiet, watch } from './support/quiet.mjs';

describeBoth('subclasses', (implementation) => {
  const { EventStore, PersistentLedger, RunLedger, ViolationRateEvaluator } = implementation;

  test('of RunLedger: super calls, own fields, own constructor', () => {
    class Counting extends RunLedger {
      logged = 0;

      constructor(name) {
        super(3);
        this.name = name;
      }

      logEvent(event) {
        this.logged++;
        return super.logEvent({ ...event, tag: this.name });
      }
    }
    const ledger = new Counting('mine');
    for (let i = 0; i < 5; i++) ledger.logEvent(runEvent({ timestamp: i }));
    expect(ledger).toBeInstanceOf(RunLedger);
    expect(ledger.logged).toBe(5);
    expect(ledger.eventCount).toBe(3);
    expect(ledger.getEvents().map((event) => event.tag)).toEqual(['mine', 'mine', 'mine']);
    expect(ledger.computeMetrics().taskCount).toBe(3);
  });

  test('of PersistentLedger: what an overridden logEvent adds is written', async () => {
    class Stamping extends PersistentLedger {
      logEvent(event) {
        return super.logEvent({ ...event, stamped: true });
      }
    }
    const folder = fresh();
    const ledger = watch(new Stamping({ storagePath: folder, compactIntervalMs: 0 }));
    const event = ledger.logEvent(runEvent());
    await quiet(ledger);
    expect(event.stamped).toBe(true);
    expect(logged(folder)).toEqual([event]);
    expect(ledger).toBeInstanceOf(PersistentLedger);
    expect(ledger).toBeInstanceOf(RunLedger);
  });

  test('of PersistentLedger: load calls clear, save calls exportEvents, compact reloads', async () => {
    const calls = [];
    class Watching extends PersistentLedger {
      clear() {
        calls.push('clear');
        super.clear();
      }

      exportEvents() {
        calls.push('exportEvents');
        return super.exportEvents().filter((event) => event.timestamp !== 2);
      }

      load() {
        calls.push('load');
        return super.load();
      }
    }
    const folder = fresh();
    mkdirSync(folder, { recursive: true });
    writeFileSync(paths(folder).log, at(1, 2, 3).map(lineOf).join(''));
    const ledger = watch(new Watching({ storagePath: folder, compactIntervalMs: 0, maxEvents: 1 }));
    await ledger.init();
    expect(calls).toEqual(['load', 'clear']);
    expect(ledger.eventCount).toBe(3);
    calls.length = 0;
    await ledger.save();
    expect(calls).toContain('exportEvents');
    expect(times(logged(folder))).toEqual([1, 3]);
    calls.length = 0;
    await ledger.compact();
    expect(calls).toContain('clear');
    expect(times(logged(folder))).toEqual([3]);
  });

  test('of EventStore: super calls and own methods', async () => {
    class Tagged extends EventStore {
      constructor(path, tag) {
        super(path);
        this.tag = tag;
      }

      append(event) {
        return super.append({ ...event, tag: this.tag });
      }

      async count() {
        return (await this.readAll()).length;
      }
    }
    const store = new Tagged(fresh(), 'blue');
    await store.append(runEvent());
    expect(await store.count()).toBe(1);
    expect((await store.readAll())[0].tag).toBe('blue');
    expect(store).toBeInstanceOf(EventStore);
  });

  test('of an evaluator', async () => {
    class Lenient extends ViolationRateEvaluator {
      name = 'lenient';

      constructor() {
        super(100);
      }
    }
    const ledger = new RunLedger();
    ledger.addEvaluator(new Lenient());
    expect((await ledger.evaluate(runEvent())).at(-1)).toMatchObject({ name: 'lenient', passed: true });
  });

  test('methods taken off an instance do not work on a stranger', () => {
    const { logEvent } = new RunLedger();
    expect(() => logEvent.call(undefined, runEvent())).toThrow(TypeError);
    expect(() => logEvent.call({}, runEvent())).toThrow(TypeError);
  });
});
