/** PersistentLedger: what is in memory, what is written, and when. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { logged, logText, paths, readIndex, readLock, readLog, snapshot, until } from '../support/disk.mjs';
import { at, lineOf, runEvent, times, violation } from '../support/events.mjs';
import { quiet, watch } from '../support/quiet.mjs';

/** A ledger on the folder that compacts only when asked. */
export const open = ({ PersistentLedger }, storagePath, config = {}) =>
  watch(new PersistentLedger({ storagePath, compactIntervalMs: 0, ...config }));

const planted = (folder, events) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).log, events.map(lineOf).join(''));
};

export const ledger = {
  async 'a PersistentLedger is a RunLedger'(
    { createPersistentLedger, PersistentLedger, RunLedger, EventStore },
    storagePath,
  ) {
    const ledger = createPersistentLedger({ storagePath });
    expect(ledger).toBeInstanceOf(PersistentLedger);
    expect(ledger).toBeInstanceOf(RunLedger);
    expect(ledger.getEventStore()).toBeInstanceOf(EventStore);
    expect(ledger.getEventStore()).toBe(ledger.getEventStore());
    expect(ledger.eventCount).toBe(0);
    expect(snapshot(storagePath)).toBe(null);
    return null;
  },

  async 'without a config the default folder is used'({ createPersistentLedger }) {
    for (const config of [undefined, {}, { maxEvents: 5 }])
      expect(() => createPersistentLedger(config)).not.toThrow();
    return null;
  },

  async 'init of an empty folder'(implementation, folder) {
    const ledger = open(implementation, folder);
    expect(await ledger.init()).toBe(undefined);
    expect(ledger.eventCount).toBe(0);
    expect(existsSync(paths(folder).log)).toBe(false);
    await ledger.destroy();
    return null;
  },

  async 'init loads what is there, once'(implementation, folder) {
    const events = at(3, 1, 2);
    planted(folder, events);
    const ledger = open(implementation, folder);
    await ledger.init();
    expect(ledger.getEvents()).toEqual(events);
    planted(folder, at(9));
    await ledger.init();
    expect(ledger.eventCount).toBe(3);
    await ledger.load();
    expect(times(ledger.getEvents())).toEqual([9]);
    return null;
  },

  async 'logEvent writes the event it returns'(implementation, folder) {
    const ledger = open(implementation, folder);
    const event = ledger.logEvent(runEvent({ taskId: 'written', timestamp: 7 }));
    await quiet(ledger);
    expect(logText(folder)).toBe(lineOf(event));
    expect(readIndex(folder)).toEqual({
      eventCount: 1,
      oldestTimestamp: 7,
      newestTimestamp: 7,
      taskIds: ['written'],
    });
    expect(ledger.getEvents()[0]).toBe(event);
    return null;
  },

  async 'logEvent before init is written too'(implementation, folder) {
    planted(folder, at(1));
    const ledger = open(implementation, folder);
    ledger.logEvent(runEvent({ timestamp: 2 }));
    await quiet(ledger);
    expect(times(logged(folder))).toEqual([1, 2]);
    await ledger.init();
    expect(times(ledger.getEvents())).toEqual([1, 2]);
    return null;
  },

  async 'what one ledger logged another loads'(implementation, folder) {
    const first = open(implementation, folder);
    await first.init();
    for (const timestamp of [1, 2, 3]) {
      first.logEvent(runEvent({ timestamp, note: { text: 'lone\ud83d', list: [1, null] } }));
      await quiet(first);
    }
    await first.destroy();
    const second = open(implementation, folder);
    await second.init();
    expect(second.getEvents()).toEqual(first.getEvents());
    return null;
  },

  async 'with enableWAL false nothing is written until save'(implementation, folder) {
    const ledger = open(implementation, folder, { enableWAL: false });
    await ledger.init();
    const events = [ledger.logEvent(runEvent({ timestamp: 2 })), ledger.logEvent(runEvent({ timestamp: 1 }))];
    await quiet(ledger);
    expect(readLog(folder)?.length ?? 0).toBe(0);
    await ledger.save();
    expect(logText(folder)).toBe(events.map(lineOf).join(''));
    expect(readIndex(folder)).toEqual({
      eventCount: 2,
      oldestTimestamp: 1,
      newestTimestamp: 2,
      taskIds: ['task-1'],
    });
    return null;
  },

  async 'importEvents writes even with enableWAL false'(implementation, folder) {
    const ledger = open(implementation, folder, { enableWAL: false });
    const events = at(3, 1);
    expect(ledger.importEvents(events)).toBe(undefined);
    expect(ledger.getEvents()[0]).toBe(events[0]);
    await quiet(ledger);
    expect(logText(folder)).toBe(events.map(lineOf).join(''));
    return null;
  },

  async 'save writes the changes that callers made'(implementation, folder) {
    const ledger = open(implementation, folder);
    const event = ledger.logEvent(runEvent({ timestamp: 1 }));
    await quiet(ledger);
    event.note = 'added later';
    expect(logged(folder)[0].note).toBe(undefined);
    await ledger.save();
    expect(logText(folder)).toBe(lineOf(event));
    expect(existsSync(paths(folder).lock)).toBe(false);
    return null;
  },

  async 'save keeps the order of the ledger'(implementation, folder) {
    planted(folder, at(5, 3, 4));
    const ledger = open(implementation, folder);
    await ledger.init();
    ledger.logEvent(runEvent({ timestamp: 1 }));
    await quiet(ledger);
    await ledger.save();
    expect(times(logged(folder))).toEqual([5, 3, 4, 1]);
    return null;
  },

  async 'save after clear empties the log'(implementation, folder) {
    planted(folder, at(1, 2));
    const ledger = open(implementation, folder);
    await ledger.init();
    ledger.logEvent(runEvent());
    await quiet(ledger);
    ledger.clear();
    await ledger.save();
    expect(logText(folder)).toBe('');
    expect(readIndex(folder)).toEqual({
      eventCount: 0,
      oldestTimestamp: null,
      newestTimestamp: null,
      taskIds: [],
    });
    return null;
  },

  async 'save of a locked folder fails and writes nothing'(implementation, folder) {
    const ledger = open(implementation, folder);
    ledger.logEvent(runEvent({ timestamp: 1 }));
    await quiet(ledger);
    await implementation.createEventStore(folder).acquireLock();
    const before = readLog(folder);
    ledger.getEvents()[0].timestamp = 5;
    await expect(ledger.save()).rejects.toThrow('Storage is locked by another process');
    await expect(ledger.compact()).rejects.toThrow('Storage is locked by another process');
    expect(readLog(folder)).toEqual(before);
    expect(existsSync(paths(folder).lock)).toBe(true);
    return null;
  },

  async 'load replaces the memory by what the log holds'(implementation, folder) {
    const ledger = open(implementation, folder, { enableWAL: false });
    ledger.logEvent(runEvent({ timestamp: 1 }));
    planted(folder, at(7, 8));
    await ledger.load();
    expect(times(ledger.getEvents())).toEqual([7, 8]);
    const [seven] = ledger.getEvents();
    expect(ledger.getEvents()[0]).toBe(seven);
    await ledger.load();
    expect(ledger.getEvents()[0]).toEqual(seven);
    expect(ledger.getEvents()[0]).not.toBe(seven);
    return null;
  },

  async 'a loaded event is one object in all answers'(implementation, folder) {
    planted(folder, at(1, 2, 3));
    const ledger = open(implementation, folder);
    await ledger.init();
    const [two] = ledger.getEventsInRange(2, 2);
    expect(ledger.getEvents()[1]).toBe(two);
    expect(ledger.exportEvents()[1]).toBe(two);
    expect(ledger.getRecentEvents(2)[0]).toBe(two);
    expect(ledger.getEventsByTask('task-1')[1]).toBe(two);
    two.taskId = 'moved';
    expect(ledger.getEventsByTask('moved')).toEqual([two]);
    expect(times(ledger.getEventsByTask('task-1'))).toEqual([1, 3]);
    return null;
  },

  async 'metrics and ranking of loaded events, changed or not'(implementation, folder) {
    planted(folder, [
      runEvent({ violations: [violation('A', true), violation('B')], reworkLines: 4 }),
      runEvent({ violations: [violation('C')], reworkLines: 4 }),
      runEvent({ reworkLines: 1 }),
    ]);
    const ledger = open(implementation, folder);
    await ledger.init();
    const before = [ledger.computeMetrics(), ledger.rankViolations()];
    expect(before[0]).toEqual({
      violationRate: 10,
      selfCorrectionRate: 1 / 3,
      reworkLines: 3,
      clarifyingQuestions: 0,
      taskCount: 3,
    });
    expect(before[1].map((ranked) => ranked.ruleId)).toEqual(['A', 'B', 'C']);
    ledger.getRecentEvents(1)[0].violations.push(violation('C', true));
    expect(ledger.computeMetrics().selfCorrectionRate).toBe(0.5);
    expect(ledger.rankViolations()[0]).toEqual({ ruleId: 'C', frequency: 2, cost: 2.5, score: 5 });
    ledger.logEvent(runEvent({ violations: [violation('D')], reworkLines: 100 }));
    expect(ledger.rankViolations()[0].ruleId).toBe('D');
    return [before, ledger.computeMetrics(), ledger.rankViolations()];
  },

  async 'loaded events of no regular shape give what JavaScript gives'(implementation, folder) {
    const answers = [];
    const attempt = (call) => {
      try {
        return call();
      } catch (error) {
        return `${error.constructor.name}: ${error.message}`;
      }
    };
    const shapes = [
      '{}',
      '{"violations":null}',
      '{"violations":"ab","reworkLines":1}',
      '{"violations":[null],"reworkLines":1}',
      '{"violations":[],"reworkLines":"3"}',
      '{"violations":[5,{}],"reworkLines":1}',
      '{"violations":{"length":2},"reworkLines":1}',
      '{"violations":[{"ruleId":"R","autoCorrected":1}],"reworkLines":2.5}',
      '{"violations":[{"ruleId":["R"]},{"ruleId":["R"]}],"reworkLines":1}',
      '{"violations":[],"reworkLines":9007199254740993}',
      '{"violations":[],"reworkLines":1e400}',
      '{"violations":[],"violations":[{"ruleId":"last"}],"reworkLines":7}',
      '{"violations":[{"rule\\u0049d":"esc","ruleId":"aped"}],"reworkLines":-0}',
    ];
    for (const shape of shapes) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        paths(folder).log,
        `${lineOf(runEvent({ violations: [violation('R')], reworkLines: 2 }))}${shape}\n${lineOf(runEvent({ reworkLines: 0.1 }))}`,
      );
      const ledger = open(implementation, folder);
      await ledger.init();
      answers.push([
        attempt(() => ledger.computeMetrics()),
        attempt(() => ledger.rankViolations()),
        ledger.eventCount,
      ]);
    }
    expect(answers[0][0]).toMatch(/^TypeError/);
    expect(answers[4][0].taskCount).toBe(3);
    expect(answers[11][1][0].ruleId).toBe('last');
    return answers;
  },

  async 'compact keeps the newest, on disk and in memory'(implementation, folder) {
    const ledger = open(implementation, folder, { maxEvents: 2 });
    await ledger.init();
    for (const timestamp of [40, 10, 30, 20]) {
      ledger.logEvent(runEvent({ timestamp }));
      await quiet(ledger);
    }
    expect(await ledger.compact()).toBe(2);
    expect(times(ledger.getEvents())).toEqual([30, 40]);
    expect(times(logged(folder))).toEqual([30, 40]);
    expect(readIndex(folder)).toEqual({
      eventCount: 2,
      oldestTimestamp: 30,
      newestTimestamp: 40,
      taskIds: ['task-1'],
    });
    expect(existsSync(paths(folder).lock)).toBe(false);
    return null;
  },

  async 'compact within the limit changes nothing, objects included'(implementation, folder) {
    const ledger = open(implementation, folder, { maxEvents: 2 });
    const event = ledger.logEvent(runEvent());
    await quiet(ledger);
    const before = readLog(folder);
    expect(await ledger.compact()).toBe(0);
    expect(ledger.getEvents()[0]).toBe(event);
    expect(readLog(folder)).toEqual(before);
    return null;
  },

  async 'getStorageStats are the stats of the store'(implementation, folder) {
    const ledger = open(implementation, folder);
    ledger.logEvent(runEvent({ timestamp: 4 }));
    await quiet(ledger);
    const stats = await ledger.getStorageStats();
    expect(stats).toEqual(await ledger.getEventStore().getStats());
    expect(stats).toMatchObject({ eventCount: 1, oldestEvent: 4, newestEvent: 4 });
    return null;
  },

  async 'destroy keeps the files, and the ledger can be used on'(implementation, folder) {
    const ledger = open(implementation, folder);
    await ledger.init();
    ledger.logEvent(runEvent({ timestamp: 1 }));
    await quiet(ledger);
    await ledger.getEventStore().acquireLock();
    expect(await ledger.destroy()).toBe(undefined);
    expect(existsSync(paths(folder).lock)).toBe(false);
    expect(times(logged(folder))).toEqual([1]);
    ledger.logEvent(runEvent({ timestamp: 2 }));
    await quiet(ledger);
    expect(times(logged(folder))).toEqual([1, 2]);
    expect(ledger.eventCount).toBe(2);
    await ledger.destroy();
    return null;
  },

  async "destroy leaves another program's lock"(implementation, folder) {
    const ledger = open(implementation, folder);
    await ledger.init();
    await implementation.createEventStore(folder).acquireLock();
    const { holder } = readLock(folder);
    await ledger.destroy();
    expect(readLock(folder).holder).toBe(holder);
    return null;
  },

  async 'the timer compacts at its interval, from init to destroy'(implementation, folder) {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      planted(folder, at(1, 2, 3));
      const ledger = open(implementation, folder, { compactIntervalMs: 60_000, maxEvents: 2 });
      expect(vi.getTimerCount()).toBe(0);
      await ledger.init();
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(59_999);
      expect(times(logged(folder))).toEqual([1, 2, 3]);
      vi.advanceTimersByTime(1);
      await until(
        () => logText(folder).split('\n').length === 3 && !existsSync(paths(folder).lock),
        'the compaction',
      );
      expect(times(logged(folder))).toEqual([2, 3]);
      await until(() => ledger.eventCount === 2, 'the reload');
      await ledger.init();
      expect(vi.getTimerCount()).toBe(1);
      await ledger.destroy();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
    return null;
  },

  async 'an interval of zero starts no timer, and the timer does not keep the process'(
    implementation,
    folder,
  ) {
    const started = vi.spyOn(globalThis, 'setInterval');
    try {
      const idle = open(implementation, folder);
      await idle.init();
      expect(started).not.toHaveBeenCalled();
      const busy = open(implementation, folder, { compactIntervalMs: 1000 });
      await busy.init();
      expect(started).toHaveBeenCalledTimes(1);
      expect(started.mock.calls[0][1]).toBe(1000);
      expect(started.mock.results[0].value.hasRef()).toBe(false);
      await busy.destroy();
    } finally {
      started.mockRestore();
    }
    return null;
  },

  async 'the memory is not bounded by maxEvents'(implementation, folder) {
    const ledger = open(implementation, folder, { maxEvents: 2, enableWAL: false });
    for (let i = 0; i < 5; i++) ledger.logEvent(runEvent());
    expect(ledger.eventCount).toBe(5);
    return null;
  },

  async 'evaluators work on a persistent ledger'(implementation, folder) {
    const ledger = open(implementation, folder);
    ledger.removeEvaluator('tests-pass');
    ledger.addEvaluator({
      name: 'mine',
      type: 'subjective',
      evaluate: async () => ({ name: 'mine', passed: true, details: '', score: 1 }),
    });
    return (await ledger.evaluate(runEvent())).map((result) => result.name);
  },
};
