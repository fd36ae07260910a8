/** RunLedger: events in memory, metrics, ranking. */
import { expect } from 'vitest';
import { at, runEvent, times, violation } from '../support/events.mjs';

export const memory = {
  async 'createLedger makes an empty RunLedger'({ createLedger, RunLedger }) {
    const ledger = createLedger();
    expect(ledger).toBeInstanceOf(RunLedger);
    expect(ledger.eventCount).toBe(0);
    expect(ledger.getEvents()).toEqual([]);
    return null;
  },

  async 'logEvent keeps a copy with an id of its own'({ RunLedger }) {
    const ledger = new RunLedger();
    const given = runEvent({ extra: { kept: true } });
    const logged = ledger.logEvent(given);
    expect(logged).not.toBe(given);
    expect(logged.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect({ ...logged, eventId: given.eventId }).toEqual(given);
    expect(Object.keys(logged)).toEqual(Object.keys(given));
    expect(logged.extra).toBe(given.extra);
    expect(ledger.getEvents()[0]).toBe(logged);
    const { eventId, ...without } = given;
    expect(Object.keys(ledger.logEvent(without)).at(-1)).toBe('eventId');
    return Object.keys(logged);
  },

  async 'createEvent fills in defaults and keeps nothing'({ RunLedger }) {
    const ledger = new RunLedger();
    const before = Date.now();
    const event = ledger.createEvent('task', 'bug-fix', 'hash');
    expect(event.timestamp).toBeGreaterThanOrEqual(before);
    expect(ledger.eventCount).toBe(0);
    expect(ledger.createEvent('task', 'bug-fix', 'hash').eventId).not.toBe(event.eventId);
    expect(event).toEqual({
      eventId: expect.any(String),
      taskId: 'task',
      guidanceHash: 'hash',
      retrievedRuleIds: [],
      toolsUsed: [],
      filesTouched: [],
      diffSummary: { linesAdded: 0, linesRemoved: 0, filesChanged: 0 },
      testResults: { ran: false, passed: 0, failed: 0, skipped: 0 },
      violations: [],
      outcomeAccepted: null,
      reworkLines: 0,
      intent: 'bug-fix',
      timestamp: expect.any(Number),
      durationMs: 0,
    });
    return JSON.stringify({ ...event, timestamp: 0 });
  },

  async 'finalizeEvent sets durationMs on the same object and keeps it'({ RunLedger }) {
    const ledger = new RunLedger();
    const event = runEvent({ timestamp: Date.now() - 500, durationMs: 3 });
    expect(ledger.finalizeEvent(event)).toBe(event);
    expect(event.durationMs).toBeGreaterThanOrEqual(500);
    expect(event.durationMs).toBeLessThan(60_000);
    expect(ledger.getEvents()[0]).toBe(event);
    return null;
  },

  async 'lists are new arrays of the same objects'({ RunLedger }) {
    const ledger = new RunLedger();
    const events = at(1, 2, 3);
    ledger.importEvents(events);
    const lists = [
      ledger.getEvents(),
      ledger.exportEvents(),
      ledger.getEventsByTask('task-1'),
      ledger.getEventsInRange(0, 9),
      ledger.getRecentEvents(3),
    ];
    for (const list of lists) {
      expect(list).not.toBe(lists[0] === list ? lists[1] : lists[0]);
      expect(list.length).toBe(3);
      list.forEach((event, i) => {
        expect(event).toBe(events[i]);
      });
      list.pop();
    }
    expect(ledger.eventCount).toBe(3);
    return null;
  },

  async 'a change to an event is seen by every answer after it'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents(at(1, 2));
    const [event] = ledger.getEvents();
    event.taskId = 'moved';
    event.timestamp = 99;
    event.violations.push(violation('R1', true));
    event.reworkLines = 6;
    expect(ledger.getEventsByTask('moved')).toEqual([event]);
    expect(ledger.getEventsInRange(99, 99)).toEqual([event]);
    expect(ledger.computeMetrics()).toEqual({
      violationRate: 5,
      selfCorrectionRate: 1,
      reworkLines: 3,
      clarifyingQuestions: 0,
      taskCount: 2,
    });
    expect(ledger.rankViolations()).toEqual([{ ruleId: 'R1', frequency: 1, cost: 6, score: 6 }]);
    return null;
  },

  async 'events are found by task and by range, both ends included'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents([
      runEvent({ taskId: 'a', timestamp: 1 }),
      runEvent({ taskId: 'b', timestamp: 2 }),
      runEvent({ taskId: 'a', timestamp: 3 }),
    ]);
    expect(times(ledger.getEventsByTask('a'))).toEqual([1, 3]);
    expect(ledger.getEventsByTask('c')).toEqual([]);
    expect(times(ledger.getEventsInRange(1, 2))).toEqual([1, 2]);
    expect(times(ledger.getEventsInRange(2, 1))).toEqual([]);
    expect(times(ledger.getEventsInRange(NaN, 9))).toEqual([]);
    return null;
  },

  async 'getRecentEvents is slice(-count)'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents(at(1, 2, 3, 4));
    const answers = [2, 0, -0, 9, 1, -1, -3, 1.9, NaN, Infinity, -Infinity, undefined, null, '2'].map(
      (count) => times(ledger.getRecentEvents(count)),
    );
    expect(answers).toEqual([
      [3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [4],
      [2, 3, 4],
      [4],
      [4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [3, 4],
    ]);
    return answers;
  },

  async 'no events: metrics of zero, an empty ranking'({ RunLedger }) {
    const ledger = new RunLedger();
    expect(ledger.computeMetrics()).toEqual({
      violationRate: 0,
      selfCorrectionRate: 0,
      reworkLines: 0,
      clarifyingQuestions: 0,
      taskCount: 0,
    });
    expect(ledger.rankViolations()).toEqual([]);
    return Object.keys(ledger.computeMetrics());
  },

  async 'metrics: violations per ten events, corrected share, mean rework'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents([
      runEvent({ violations: [violation('R1', true), violation('R2')], reworkLines: 10 }),
      runEvent({ violations: [violation('R1', true)], reworkLines: 5 }),
      runEvent({ reworkLines: 0 }),
    ]);
    expect(ledger.computeMetrics()).toEqual({
      violationRate: 10,
      selfCorrectionRate: 2 / 3,
      reworkLines: 5,
      clarifyingQuestions: 0,
      taskCount: 3,
    });
    expect(ledger.computeMetrics([])).toEqual({
      violationRate: 0,
      selfCorrectionRate: 0,
      reworkLines: 0,
      clarifyingQuestions: 0,
      taskCount: 0,
    });
    expect(ledger.computeMetrics([runEvent({ reworkLines: 4 })])).toEqual({
      violationRate: 0,
      selfCorrectionRate: 1,
      reworkLines: 4,
      clarifyingQuestions: 0,
      taskCount: 1,
    });
    return null;
  },

  async 'sums of fractions are added in the order of the ledger'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents(
      [0.1, 0.2, 0.3, 1e16, 1, -1e16, 0.7].map((reworkLines) =>
        runEvent({ reworkLines, violations: [violation('R')] }),
      ),
    );
    const metrics = ledger.computeMetrics();
    expect(metrics.reworkLines).toBe((0.1 + 0.2 + 0.3 + 1e16 + 1 + -1e16 + 0.7) / 7);
    return [metrics, ledger.rankViolations()];
  },

  async 'the ranking is by frequency times mean rework, ties by first occurrence'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents([
      runEvent({ violations: [violation('late'), violation('tie-1')], reworkLines: 2 }),
      runEvent({ violations: [violation('big')], reworkLines: 50 }),
      runEvent({ violations: [violation('tie-2'), violation('late'), violation('late')], reworkLines: 2 }),
      runEvent({ violations: [violation('free')], reworkLines: 0 }),
    ]);
    expect(ledger.rankViolations()).toEqual([
      { ruleId: 'big', frequency: 1, cost: 50, score: 50 },
      { ruleId: 'late', frequency: 3, cost: 2, score: 6 },
      { ruleId: 'tie-1', frequency: 1, cost: 2, score: 2 },
      { ruleId: 'tie-2', frequency: 1, cost: 2, score: 2 },
      { ruleId: 'free', frequency: 1, cost: 0, score: 0 },
    ]);
    expect(ledger.rankViolations(ledger.getRecentEvents(1))).toEqual([
      { ruleId: 'free', frequency: 1, cost: 0, score: 0 },
    ]);
    return Object.keys(ledger.rankViolations()[0]);
  },

  async 'rules are told apart as Map keys are'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents(
      [1, '1', null, undefined, NaN, NaN, '__proto__', '', '\ud800', 0, -0].map((ruleId) =>
        runEvent({ violations: [{ ruleId, autoCorrected: false }], reworkLines: 1 }),
      ),
    );
    const ranking = ledger.rankViolations().map(({ ruleId, frequency }) => [ruleId, frequency]);
    expect(ranking).toEqual([
      [NaN, 2],
      [0, 2],
      [1, 1],
      ['1', 1],
      [null, 1],
      [undefined, 1],
      ['__proto__', 1],
      ['', 1],
      ['\ud800', 1],
    ]);
    return null;
  },

  async 'events of no regular shape give what JavaScript gives'({ RunLedger }) {
    const answers = {};
    for (const [name, fields] of Object.entries({
      'no violations': { violations: undefined },
      'violations null': { violations: null },
      'violations text': { violations: 'ab' },
      'a null violation': { violations: [null] },
      'rework text': { reworkLines: '3' },
      'rework missing': { reworkLines: undefined },
      'rework null': { reworkLines: null },
      'corrected text': { violations: [{ ruleId: 'R', autoCorrected: 'yes' }] },
    })) {
      const ledger = new RunLedger();
      ledger.importEvents([
        runEvent({ reworkLines: 1, violations: [violation('R')] }),
        { ...runEvent(), ...fields },
      ]);
      const attempt = (call) => {
        try {
          return call();
        } catch (error) {
          return `${error.constructor.name}: ${error.message}`;
        }
      };
      answers[name] = [attempt(() => ledger.computeMetrics()), attempt(() => ledger.rankViolations())];
    }
    expect(answers['no violations'][0]).toMatch(/^TypeError/);
    expect(answers['rework text'][0].reworkLines).toBe(6.5);
    expect(answers['rework missing'][0].reworkLines).toBe(NaN);
    expect(answers['corrected text'][0].selfCorrectionRate).toBe(0.5);
    return answers;
  },

  async 'maxEvents evicts a tenth, and one at least'({ RunLedger, createLedger }) {
    const counts = {};
    for (const maxEvents of [0, 1, 5, 10, 20, 25, -1, NaN, 2.5, Infinity, '3']) {
      const ledger = new RunLedger(maxEvents);
      counts[maxEvents] = Array.from({ length: 30 }, (_, i) => {
        if (i % 2) ledger.logEvent(runEvent({ timestamp: i }));
        else ledger.finalizeEvent(runEvent({ timestamp: i }));
        return ledger.eventCount;
      });
    }
    expect(counts[0].at(-1)).toBe(30);
    expect(counts[5].slice(3, 8)).toEqual([4, 5, 5, 5, 5]);
    expect(counts[20].slice(18, 25)).toEqual([19, 20, 19, 20, 19, 20, 19]);
    const ledger = createLedger(20);
    for (let i = 0; i < 21; i++) ledger.logEvent(runEvent({ timestamp: i }));
    expect(times(ledger.getEvents())).toEqual(Array.from({ length: 19 }, (_, i) => i + 2));
    return counts;
  },

  async 'importEvents does not evict'({ RunLedger }) {
    const ledger = new RunLedger(2);
    ledger.importEvents(at(1, 2, 3, 4));
    expect(ledger.eventCount).toBe(4);
    ledger.logEvent(runEvent({ timestamp: 5 }));
    expect(times(ledger.getEvents())).toEqual([2, 3, 4, 5]);
    return null;
  },

  async 'clear empties the ledger, and lists handed out before stay'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.importEvents(at(1, 2));
    const before = ledger.getEvents();
    ledger.clear();
    expect(ledger.eventCount).toBe(0);
    expect(ledger.getEvents()).toEqual([]);
    expect(before.length).toBe(2);
    ledger.importEvents(at(3));
    expect(times(ledger.getEvents())).toEqual([3]);
    return null;
  },

  async 'the same event may be in the ledger twice'({ RunLedger }) {
    const ledger = new RunLedger();
    const event = runEvent();
    ledger.finalizeEvent(event);
    ledger.finalizeEvent(event);
    expect(ledger.eventCount).toBe(2);
    expect(ledger.getEvents()[0]).toBe(ledger.getEvents()[1]);
    return null;
  },

  async 'RunLedger takes what is no event'({ RunLedger }) {
    const ledger = new RunLedger();
    expect(Object.keys(ledger.logEvent(null))).toEqual(['eventId']);
    expect(ledger.logEvent('ab')).toEqual({ 0: 'a', 1: 'b', eventId: expect.any(String) });
    ledger.importEvents([5, null]);
    ledger.importEvents('xy');
    expect(ledger.eventCount).toBe(6);
    expect(() => ledger.finalizeEvent(null)).toThrow(TypeError);
    return null;
  },

  async 'eventCount cannot be set'({ RunLedger }) {
    const ledger = new RunLedger();
    expect(() => {
      ledger.eventCount = 5;
    }).toThrow(TypeError);
    expect(ledger.eventCount).toBe(0);
    return null;
  },

  async 'classes cannot be called without new'(implementation) {
    for (const name of [
      'RunLedger',
      'EventStore',
      'PersistentLedger',
      'TestsPassEvaluator',
      'ForbiddenCommandEvaluator',
      'ForbiddenDependencyEvaluator',
      'ViolationRateEvaluator',
      'DiffQualityEvaluator',
    ]) {
      expect(() => implementation[name]('path'), name).toThrow(TypeError);
    }
    return null;
  },
};
