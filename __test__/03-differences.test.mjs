/**
 * The deliberate differences, one test for each number of the list in support/differences.mjs: what the original does, and what ours does.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { DIFFERENCES, title } from './support/differences.mjs';
import { followedIndex, logged, logText, paths, readIndex, readLog } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, original, ours } from './support/implementations.mjs';
import { quiet, watch } from './support/quiet.mjs';

/** Runs the same on both, each in a fresh folder, and gives both outcomes. */
/** index.json as each implementation leaves it: ours follows in the background. */
async function indexOf(store, folder) {
  await store.flush?.();
  return readIndex(folder);
}

async function both(scenario) {
  const outcomes = {};
  for (const [name, implementation] of Object.entries({ original, ours })) {
    const folder = fresh();
    mkdirSync(folder, { recursive: true });
    outcomes[name] = await scenario(implementation, folder);
  }
  return outcomes;
}

const tests = {
  async 1() {
    const outcome = await both(async (implementation, folder) => {
      const written = open(implementation, folder);
      written.finalizeEvent(written.createEvent('task', 'feature', 'hash'));
      await quiet(written);
      const lines = logged(folder).length;
      const unwritten = open(implementation, folder, { enableWAL: false });
      unwritten.finalizeEvent(unwritten.createEvent('task', 'feature', 'hash'));
      await quiet(unwritten);
      return { memory: written.eventCount, lines, withoutWal: logged(folder).length - lines };
    });
    expect(outcome).toEqual({
      original: { memory: 1, lines: 0, withoutWal: 0 },
      ours: { memory: 1, lines: 1, withoutWal: 0 },
    });
  },

  async 2() {
    const outcome = await both(async ({ createEventStore }, folder) => {
      writeFileSync(paths(folder).log, at(5, 3).map(lineOf).join(''));
      writeFileSync(
        paths(folder).index,
        JSON.stringify({ eventCount: 70, oldestTimestamp: 1, newestTimestamp: 9, taskIds: [] }, null, 2),
      );
      const store = createEventStore(folder);
      const { eventCount, oldestEvent, newestEvent } = await store.getStats();
      await store.append(runEvent({ timestamp: 4 }));
      return { stats: [eventCount, oldestEvent, newestEvent], index: await indexOf(store, folder) };
    });
    expect(outcome.original).toEqual({
      stats: [70, 1, 9],
      index: { eventCount: 71, oldestTimestamp: 1, newestTimestamp: 9, taskIds: ['task-1'] },
    });
    expect(outcome.ours).toEqual({
      stats: [2, 3, 5],
      index: { eventCount: 3, oldestTimestamp: 3, newestTimestamp: 5, taskIds: ['task-1'] },
    });
  },

  async 3() {
    const outcome = await both(async ({ createEventStore }, folder) => {
      writeFileSync(paths(folder).log, 'null\n5\n"text"\ntrue\n[{"a":1}]\n{"a":1}\n');
      return createEventStore(folder).readAll();
    });
    expect(outcome).toEqual({ original: [null, 5, 'text', true, [{ a: 1 }], { a: 1 }], ours: [{ a: 1 }] });
  },

  async 4() {
    const malformed = Buffer.concat([
      Buffer.from('{"half":\n\ufeff not json \r\n'),
      Buffer.from([0xff, 0x00, 0x0a]),
    ]);
    const outcome = await both(async ({ createEventStore }, folder) => {
      writeFileSync(
        paths(folder).log,
        Buffer.concat([malformed, Buffer.from('\n  \n'), Buffer.from(at(1, 2).map(lineOf).join(''))]),
      );
      await createEventStore(folder).compact(1);
      return existsSync(paths(folder).rejected) ? readFileSync(paths(folder).rejected) : null;
    });
    expect(outcome.original).toBe(null);
    expect(outcome.ours).toEqual(malformed);
  },

  async 5() {
    const torn = '{"eventId":"torn","taskId":"tas';
    const outcome = await both(async ({ createEventStore }, folder) => {
      writeFileSync(paths(folder).log, lineOf({ eventId: 'a' }) + torn);
      const store = createEventStore(folder);
      await store.append(runEvent({ eventId: 'b' }));
      return { text: logText(folder), events: (await store.readAll()).map((event) => event.eventId) };
    });
    expect(outcome.original.events).toEqual(['a']);
    expect(outcome.ours.events).toEqual(['a', 'b']);
    expect(outcome.ours.text.startsWith(`${lineOf({ eventId: 'a' })}${torn}\n{"eventId":"b"`)).toBe(true);
  },

  async 6() {
    const outcome = await both(async ({ createEventStore }, folder) => {
      let most = 0;
      // The original lets several in sooner or later, ours must not in any round.
      const rounds = createEventStore === original.createEventStore ? 1000 : 20;
      for (let round = 0; round < rounds && most < 2; round++) {
        const stores = Array.from({ length: 6 }, () => createEventStore(folder));
        const taken = await Promise.allSettled(stores.map((store) => store.acquireLock()));
        most = Math.max(most, taken.filter(({ status }) => status === 'fulfilled').length);
        for (const store of stores) await store.releaseLock();
        rmSync(paths(folder).lock, { force: true });
      }
      writeFileSync(paths(folder).lock, '{"half":');
      utimesSync(paths(folder).lock, 1, 1);
      await createEventStore(folder).releaseLock();
      return { several: most > 1, none: most === 0, otherLockKept: existsSync(paths(folder).lock) };
    });
    expect(outcome.original).toEqual({ several: true, none: false, otherLockKept: false });
    expect(outcome.ours).toEqual({ several: false, none: false, otherLockKept: true });
  },

  async 7() {
    const outcome = await both(async (implementation, folder) => {
      const ledger = open(implementation, folder);
      await ledger.init();
      ledger.logEvent(runEvent({ timestamp: 1 }));
      await quiet(ledger);
      await implementation.createEventStore(folder).append(runEvent({ timestamp: 2 }));
      writeFileSync(paths(folder).log, `${logText(folder)}${lineOf(runEvent({ timestamp: 3 }))}`);
      await ledger.save();
      return times(logged(folder));
    });
    expect(outcome).toEqual({ original: [1], ours: [1, 2, 3] });
  },

  async 8() {
    const outcome = await both(async (implementation, folder) => {
      writeFileSync(paths(folder).log, at(1, 2).map(lineOf).join(''));
      const ledger = open(implementation, folder, { enableWAL: false, maxEvents: 1 });
      await ledger.init();
      const unsaved = ledger.logEvent(runEvent({ timestamp: 3 }));
      const evicted = await ledger.compact();
      return { evicted, memory: times(ledger.getEvents()), same: ledger.getEvents().at(-1) === unsaved };
    });
    expect(outcome).toEqual({
      original: { evicted: 1, memory: [2], same: false },
      ours: { evicted: 1, memory: [2, 3], same: true },
    });
  },

  async 9() {
    const outcome = await both(async (implementation, folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, 'a file where the folder should be');
      const heard = [];
      const ledger = open(implementation, folder, { onError: (error) => heard.push(error) });
      expect(() => ledger.logEvent(runEvent())).not.toThrow();
      const flushed = await quiet(ledger).then(
        () => null,
        (error) => error,
      );
      const refused = await implementation
        .createEventStore(folder)
        .append(runEvent())
        .catch((error) => error);
      return {
        told: heard.length > 0 || flushed !== null,
        codes: [heard[0]?.code ?? flushed?.code, refused.code],
        kept: ledger.eventCount,
      };
    });
    expect(outcome.original).toEqual({ told: false, codes: [undefined, 'ENOTDIR'], kept: 1 });
    expect(outcome.ours).toMatchObject({ told: true, kept: 1 });
    expect(outcome.ours.codes).toEqual([
      expect.stringMatching(/^(ENOTDIR|EEXIST)$/),
      expect.stringMatching(/^(ENOTDIR|EEXIST)$/),
    ]);
  },

  async 10() {
    const outcome = await both(async ({ createEventStore }, folder) => {
      rmSync(folder, { recursive: true });
      const refused = await createEventStore(folder)
        .append(undefined)
        .then(
          () => null,
          (error) => error.constructor.name,
        );
      const log = readLog(folder)?.toString() ?? null;
      const hidden = await createEventStore(folder)
        .append(new Map([['eventId', 'a']]))
        .then(
          () => null,
          (error) => error.constructor.name,
        );
      return { refused, log, hidden, stored: logText(folder).slice(log?.length ?? 0) };
    });
    // Having written its line the original fails at the index.
    expect(outcome).toEqual({
      original: { refused: 'TypeError', log: 'undefined\n', hidden: null, stored: '{}\n' },
      ours: { refused: 'TypeError', log: null, hidden: 'TypeError', stored: '' },
    });
  },

  async 11() {
    const many = Array.from({ length: 200_000 }, () => runEvent());
    const outcome = await both(async ({ RunLedger, PersistentLedger }, folder) => {
      const memory = new RunLedger();
      let refused = null;
      try {
        memory.importEvents(many);
      } catch (error) {
        refused = error.constructor.name;
      }
      const ledger = open({ PersistentLedger }, folder);
      ledger.importEvents(
        (function* () {
          yield* at(1, 2);
        })(),
      );
      await quiet(ledger);
      return {
        refused,
        count: memory.eventCount,
        generated: times(ledger.getEvents()),
        written: times(logged(folder)),
      };
    });
    expect(outcome).toEqual({
      original: { refused: 'RangeError', count: 0, generated: [1, 2], written: [] },
      ours: { refused: null, count: 200_000, generated: [1, 2], written: [1, 2] },
    });
  },

  async 12() {
    const line = '{ "timestamp" : 2.50, "note":"\\u0041", "note":"\\u0042", "big":12345678901234567890 }';
    const outcome = await both(async ({ createEventStore }, folder) => {
      writeFileSync(paths(folder).log, `${lineOf({ timestamp: 1 })} \t${line}\r\n`);
      await createEventStore(folder).compact(1);
      return logText(folder);
    });
    expect(outcome).toEqual({
      original: '{"timestamp":2.5,"note":"B","big":12345678901234567000}\n',
      ours: `${line}\n`,
    });
  },

  async 13() {
    const outcome = await both(async ({ createEventStore }, folder) => {
      const store = createEventStore(folder);
      await store.append(runEvent({ timestamp: 5, taskId: 'a' }));
      await store.append(runEvent({ timestamp: NaN, taskId: { id: 1 } }));
      await store.append(runEvent({ timestamp: '2020', taskId: { id: 1 } }));
      await store.append(runEvent({ timestamp: 3, taskId: 'a' }));
      return followedIndex(folder);
    });
    expect(outcome.original).toEqual({
      eventCount: 4,
      oldestTimestamp: 3,
      newestTimestamp: '2020',
      taskIds: ['a', { id: 1 }, { id: 1 }],
    });
    expect(outcome.ours).toEqual({
      eventCount: 4,
      oldestTimestamp: 3,
      newestTimestamp: 5,
      taskIds: ['a', { id: 1 }],
    });
  },

  async 14() {
    const outcome = await both(async ({ createEventStore }, folder) => {
      const stamps = [3, undefined, 1, 'x', 2, null];
      writeFileSync(paths(folder).log, stamps.map((timestamp, n) => lineOf({ n, timestamp })).join(''));
      const store = createEventStore(folder);
      expect(await store.compact(4)).toBe(2);
      return (await store.readAll()).map((event) => event.n);
    });
    expect(outcome.ours).toEqual([5, 2, 4, 0]);
    expect(outcome.original).not.toEqual(outcome.ours);
  },

  async 15() {
    const outcome = await both(async (implementation, folder) => {
      const ledger = open(implementation, folder);
      const lines = () => logText(folder).split('\n').length - 1;
      ledger.logEvent(runEvent());
      const afterLog = lines();
      ledger.finalizeEvent(runEvent());
      const afterFinalize = lines();
      await quiet(ledger);
      return [afterLog, afterFinalize];
    });
    expect(outcome).toEqual({ original: [0, 0], ours: [1, 2] });
  },

  async 16() {
    const outcome = await both(async (implementation, folder) => {
      writeFileSync(paths(folder).log, at(1, 2).map(lineOf).join(''));
      const ledger = open(implementation, folder, { enableWAL: undefined, maxEvents: undefined });
      ledger.logEvent(runEvent({ timestamp: 3 }));
      await quiet(ledger);
      return {
        written: logged(folder).length,
        evicted: await ledger.compact().catch((error) => error.constructor.name),
      };
    });
    // events.length <= undefined is false, and so the original evicts "NaN" events.
    expect(outcome.original.written).toBe(2);
    expect(outcome.original.evicted).not.toBe(0);
    expect(outcome.ours).toEqual({ written: 3, evicted: 0 });
  },

  async 17() {
    const outcome = await both(async ({ createEventStore }, folder) => {
      const lock = JSON.stringify({ holder: 'a JavaScript program', timestamp: Date.now(), pid: 1 });
      writeFileSync(paths(folder).lock, lock);
      const event = runEvent();
      const appending = createEventStore(folder).append(event);
      const first = await Promise.race([appending.then(() => 'append'), setTimeout(300, 'the clock')]);
      const writtenBefore = logText(folder) === lineOf(event);
      // The program has read the log before our line came, and replaces it now.
      writeFileSync(`${paths(folder).log}.tmp`, lineOf({ eventId: 'rewritten' }));
      renameSync(`${paths(folder).log}.tmp`, paths(folder).log);
      rmSync(paths(folder).lock);
      await appending;
      return { first, writtenBefore, kept: logText(folder).includes(event.eventId) };
    });
    expect(outcome).toEqual({
      original: { first: 'append', writtenBefore: true, kept: false },
      ours: { first: 'the clock', writtenBefore: true, kept: true },
    });
  },

  async 18() {
    const outcome = await both(async (implementation, folder) => {
      const before = process.cwd();
      process.chdir(folder);
      vi.stubEnv('GUIDANCE_LEDGER_DIR', join(folder, 'of-the-environment'));
      try {
        const ledger = watch(new implementation.PersistentLedger({ compactIntervalMs: 0 }));
        ledger.logEvent(runEvent());
        await quiet(ledger);
      } finally {
        vi.unstubAllEnvs();
        process.chdir(before);
      }
      return readdirSync(folder);
    });
    expect(outcome).toEqual({ original: ['.claude-flow'], ours: ['of-the-environment'] });
  },

  async 19() {
    const outcome = await both(async (implementation, folder) => {
      const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
      try {
        open(implementation, folder, { maxEvent: 5 });
        return spy.mock.calls.length;
      } finally {
        spy.mockRestore();
      }
    });
    expect(outcome).toEqual({ original: 0, ours: 1 });
  },
};

describeOurs('deliberate differences', () => {
  test('each number of the list has a test', () => {
    expect(Object.keys(tests)).toEqual(DIFFERENCES.map(({ number }) => String(number)));
    expect(DIFFERENCES.map(({ number }) => number)).toEqual(DIFFERENCES.map((_, i) => i + 1));
  });

  for (const [number, run] of Object.entries(tests)) test(title(Number(number)), run);
});
