/** Checks that a log holds each accepted event once, nothing else twice, and no line that is no event. */
import { expect } from 'vitest';
import { logged } from './disk.mjs';
import { ours } from './implementations.mjs';

/** A list that is fit to be shown. */
const some = (ids) => (ids.length <= 10 ? ids : [...ids.slice(0, 10), `… ${ids.length} in all`]);

/** Ids of `expected` that are missing in the log, and ids that are there more than once. */
export function compareIds(folder, expected, options) {
  const counts = new Map();
  for (const { eventId } of logged(folder, options)) counts.set(eventId, (counts.get(eventId) ?? 0) + 1);
  return {
    lost: some(expected.filter((id) => !counts.has(id))),
    doubled: some([...counts].filter(([, count]) => count > 1).map(([id]) => id)),
  };
}

/**
 * Lets a new store repair the folder, as the next process would, and then checks log, stats and report.
 * Returns the events.
 * @param store who repairs and answers, if not this process
 * @param options `torn`: a kill or a power cut may have left parts of lines that were not accepted
 */
export async function expectKept(
  folder,
  accepted,
  hint = '',
  store = ours.createEventStore(folder),
  { torn = false } = {},
) {
  await store.append({ eventId: `check-${Math.random()}`, taskId: 'check', timestamp: 1 });
  await store.flush();
  const events = logged(folder, { torn });
  expect(compareIds(folder, accepted, { torn }), `of ${accepted.length} accepted; ${hint}`).toEqual({
    lost: [],
    doubled: [],
  });
  expect((await store.getStats()).eventCount, hint).toBe(events.length);
  expect(await store.verify(), hint).toMatchObject({
    ...(torn ? {} : { malformed: [] }),
    tornTail: null,
    duplicateIds: [],
    index: { drift: false },
  });
  return events;
}

/** The numbers of `name-0`, `name-1`, … in the order of the log. */
export const numbersOf = (events, name) =>
  events
    .filter(({ eventId }) => eventId.startsWith(`${name}-`))
    .map(({ eventId }) => Number(eventId.slice(name.length + 1)));

/** Whether numbers only go up. */
export const ascending = (numbers) => numbers.every((number, i) => i === 0 || numbers[i - 1] < number);
