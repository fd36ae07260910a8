/** Events of certain days, for what is counted by day. */
import { runEvent, violation } from './events.mjs';
import { Random } from './random.mjs';

export const DAY = 86_400_000;
export const START = Date.UTC(2026, 0, 1);

/** An event of a day on which it can have happened. */
export const dated = (fields) => runEvent({ timestamp: START, ...fields });

/** So many events, the same at each call, spread over so many days. */
export function someEvents(count, days) {
  const random = new Random(7);
  const rules = ['no-eval', 'tests-first', 'small-diffs'];
  return Array.from({ length: count }, (_, i) =>
    runEvent({
      timestamp: START + Math.floor((i / count) * days * DAY),
      intent: ['bug-fix', 'feature', 'docs'][i % 3],
      violations: rules
        .filter((_, k) => random.int(k + 2) === 0)
        .map((rule) => violation(rule, random.chance(0.5))),
      reworkLines: random.int(40),
      outcomeAccepted: [true, false, null][random.int(3)],
      testResults: { ran: i % 2 === 0, passed: 9, failed: i % 5 === 0 ? 1 : 0, skipped: 0 },
      sessionId: `s${i % 2}`,
    }),
  );
}
