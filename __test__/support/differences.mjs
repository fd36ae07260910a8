/**
 * The deliberate differences from `@claude-flow/guidance/persistence`, numbered. This is the one list: the comparison of the two
 * implementations excuses nothing else, and each number has a test of its own in `03-differences.test.mjs`.
 *
 * `touches` says what may differ in the step in which the difference shows: the `answer` (or error), the `log`, the `index`,
 * the `stats`, the `lock`, the `rejected` lines, or the `memory` of a ledger from then on.
 */
export const DIFFERENCES = [
  {
    number: 1,
    name: 'finalizeEvent persists',
    touches: ['log', 'index', 'stats'],
    text: 'finalizeEvent() writes the event, under enableWAL, as logEvent() does. The original keeps it in memory only.',
  },
  {
    number: 2,
    name: 'stats come from the log',
    touches: ['index', 'stats'],
    text: 'getStats() and every index.json we write count what the log holds. The original counts up whatever index.json said before.',
  },
  {
    number: 3,
    name: 'lines that are no objects are malformed',
    touches: ['answer', 'log', 'index', 'stats', 'memory'],
    text: 'A line holding null, a number, a string or an array is no event. The original hands it out as one.',
  },
  {
    number: 4,
    name: 'malformed lines are set aside',
    touches: ['rejected'],
    text: 'A rewrite moves malformed lines, byte for byte, to events.rejected.ndjson. The original deletes them.',
  },
  {
    number: 5,
    name: 'torn tails are healed',
    touches: ['log', 'index', 'stats'],
    text: 'If the log does not end with a newline, the next append adds one first. The original glues its event to the torn line, and both are lost.',
  },
  {
    number: 6,
    name: 'the lock is a lock',
    touches: ['answer', 'lock'],
    text: 'Exclusive however many race for it, refreshed while it is held, free at once when its holder dies, released by its holder only.',
  },
  {
    number: 7,
    name: 'save() keeps unseen lines',
    touches: ['log', 'index', 'stats'],
    text: 'save() writes what the ledger holds, then every line that the ledger never held. The original erases those.',
  },
  {
    number: 8,
    name: 'compact() keeps unsaved events',
    touches: ['answer', 'memory'],
    text: 'Events that are in memory only stay there when a compaction reloads the ledger. The original drops them.',
  },
  {
    number: 9,
    name: 'errors are reported',
    touches: ['answer'],
    text: "Faults of the disk carry code and path; those of background work reach onError, or the next flush(), save() or destroy(); events that are lost at an exit are named on stderr. ELOCKED for .lock goes on, behind the original's sentence, with whose it is and what to do. The original swallows them.",
  },
  {
    number: 10,
    name: 'invalid arguments are refused',
    touches: ['answer', 'log', 'index', 'stats', 'memory'],
    text: 'TypeError or RangeError that names the argument, and nothing is kept or written. So are a Map, a Set, a RegExp, a Promise and their like, whose content JSON leaves out. The original writes "undefined" or {} into the log, or takes the default folder.',
  },
  {
    number: 11,
    name: 'any size, any iterable',
    touches: ['answer', 'memory'],
    text: 'Imports of any length, and from generators. The original exhausts the call stack near 120,000 events, and persists nothing of a generator.',
  },
  {
    number: 12,
    name: 'rewrites keep the bytes',
    touches: ['log', 'index', 'stats', 'memory'],
    text: 'A rewrite moves the bytes of each event, from { to }. The original parses and serialises again: spaces, escapes, doubled keys and large numbers change.',
  },
  {
    number: 13,
    name: 'the index lists what counts',
    touches: ['answer', 'index', 'stats'],
    text: 'index.json lists each distinct task once, and only numbers count as oldest and newest. The original compares any values, and adds a task that is an object with each event.',
  },
  {
    number: 14,
    name: 'events without a time are evicted first',
    touches: ['answer', 'log', 'index', 'stats', 'memory'],
    text: 'Compaction evicts events whose timestamp is no number before all others. The order of the original is then undefined (its comparison yields NaN).',
  },
  {
    number: 15,
    name: 'accepted is written',
    touches: ['log', 'index', 'stats'],
    text: 'When logEvent() or finalizeEvent() returns, the line is in the hands of the operating system. The original begins to write then.',
  },
  {
    number: 16,
    name: 'undefined options mean the default',
    touches: ['answer'],
    text: 'createPersistentLedger({ storagePath, maxEvents: undefined }) keeps the default. In the original, the undefined takes its place.',
  },
  {
    number: 17,
    name: 'appends await a rewrite of the original',
    touches: [],
    text: "While a JavaScript program's fresh .lock is there it may be rewriting the log: the line is written at once, but append() and flush() resolve when the lock is gone or 30 seconds old, having made sure that the line is still there. The original resolves at once, and its line may be lost.",
  },
  {
    number: 18,
    name: 'the environment names the default folder',
    touches: [],
    text: 'A ledger without storagePath uses the folder that GUIDANCE_LEDGER_DIR names, as the command-line tool does; if that is unset or empty, .claude-flow/guidance. The original knows no such variable.',
  },
  {
    number: 19,
    name: 'unknown options are reported',
    touches: [],
    text: 'Of an option whose name is not known there is one warning; without storagePath it is refused. The original passes it over.',
  },
];

const byNumber = new Map(DIFFERENCES.map((difference) => [difference.number, difference]));

export function difference(number) {
  const found = byNumber.get(number);
  if (!found) throw new Error(`no difference has the number ${number}`);
  return found;
}

/** The title of a test of difference `number`. */
export function title(number) {
  return `${number}. ${difference(number).name}`;
}
