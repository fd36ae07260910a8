/** Well-formed run events, predictable and different from each other. */
let count = 0;

export function runEvent(fields = {}) {
  count += 1;
  return {
    eventId: `event-${count}`,
    taskId: 'task-1',
    guidanceHash: 'hash',
    retrievedRuleIds: [],
    toolsUsed: [],
    filesTouched: [],
    diffSummary: { linesAdded: 0, linesRemoved: 0, filesChanged: 0 },
    testResults: { ran: false, passed: 0, failed: 0, skipped: 0 },
    violations: [],
    outcomeAccepted: null,
    reworkLines: 0,
    intent: 'feature',
    timestamp: 1000,
    durationMs: 0,
    ...fields,
  };
}

/** One event for each timestamp. */
export const at = (...timestamps) => timestamps.map((timestamp) => runEvent({ timestamp }));

export const times = (events) => events.map((event) => event.timestamp);

export function violation(ruleId, autoCorrected = false) {
  return { ruleId, description: `breaks ${ruleId}`, severity: 'medium', location: 'src/a.ts', autoCorrected };
}

/** The line that an event becomes. */
export const lineOf = (event) => `${JSON.stringify(event)}\n`;

/** Events that name, quote and nest what a format may stumble over. */
export const oddlyWritten = () => [
  runEvent({
    timestamp: Date.UTC(2026, 0, 1),
    violations: [violation('r1', true), violation('r2')],
    outcomeAccepted: true,
  }),
  runEvent({ note: 'more', nested: { a: [1, { b: null }] }, intent: 'bug-fix' }),
  runEvent({ taskId: 'ü "quoted", 日本\n', sessionId: 's' }),
];
