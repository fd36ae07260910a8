// Run events of the guidance module's shape: 520 bytes of JSON on average, every fifth with a violation.

/** A fixed start, so that two runs write the same bytes. */
export const START = 1_764_000_000_000;
/** Milliseconds between two events. */
export const STEP = 250;

const FILES = [
  'src/orders/total.ts',
  'src/orders/total.test.ts',
  'src/cart/discount.ts',
  'src/api/routes.ts',
];
const TOOLS = ['Read', 'Edit', 'Bash', 'Grep'];
const INTENTS = ['feature', 'bug-fix', 'refactor', 'testing', 'docs'];

/** @param {number} number @returns a UUID that belongs to this number */
function uuid(number) {
  const mixed = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  return `${hex(mixed, 8)}-5eed-4bed-8ace-${hex(number, 12)}`;
}

/** @param {number} number @param {number} digits */
function hex(number, digits) {
  return number.toString(16).padStart(digits, '0');
}

/** The number of `event(number, tasks)`'s task. */
export function taskOf(number, tasks) {
  return `task-${hex(number % tasks, 8)}`;
}

/** Event `number` of a log with that many tasks. */
export function event(number, tasks) {
  const violations = [];
  if (number % 5 === 0) {
    violations.push({
      ruleId: `R${String((number / 5) % 17).padStart(3, '0')}`,
      description: 'Runs a command that the rules forbid',
      severity: 'medium',
      location: FILES[number % 4],
      autoCorrected: number % 10 === 0,
    });
  }
  return {
    eventId: uuid(number),
    taskId: taskOf(number, tasks),
    guidanceHash: 'c3ab8ff13720e8ad9047dd39466b3c8974e592c2',
    retrievedRuleIds: ['R001', 'R007', `R${100 + (number % 50)}`],
    toolsUsed: [TOOLS[number % 4], TOOLS[(number + 1) % 4]],
    filesTouched: [FILES[number % 4]],
    diffSummary: { linesAdded: number % 90, linesRemoved: number % 40, filesChanged: 1 },
    testResults: { ran: true, passed: 40 + (number % 9), failed: 0, skipped: number % 3 },
    violations,
    outcomeAccepted: number % 7 !== 0,
    reworkLines: number % 25,
    intent: INTENTS[number % 5],
    timestamp: START + number * STEP,
    durationMs: 800 + (number % 4000),
  };
}

/** The first `count` events. */
export function events(count, tasks) {
  return Array.from({ length: count }, (_, number) => event(number, tasks));
}
