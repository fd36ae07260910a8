/**
 * The control plane: `node control-plane.mjs FOLDER REPORTED`, where REPORTED is a file with a JSON array of
 * the event ids that the hook processes reported.
 *
 * It reads the folder with our ledger and with the original JavaScript module, compares both with what was
 * reported, prints metrics, compacts, and accounts for each event. The exit code is 1 if a single claim does
 * not hold.
 */

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { PersistentLedger as OriginalLedger } from '@claude-flow/guidance/persistence';
import { PersistentLedger } from 'guidance-ledger';
import { compilePolicy, rulesOf } from './policy.mjs';
import { check, failed, heading, say, table } from './report.mjs';

const KEEP = 60;

const [, , storagePath, reportedPath] = process.argv;
const reported = JSON.parse(readFileSync(reportedPath, 'utf8'));
const config = { storagePath, maxEvents: KEEP, compactIntervalMs: 0 };

heading('3. The control plane loads the folder');
const ledger = new PersistentLedger(config);
await ledger.init();
const events = ledger.getEvents();
table([await stats(ledger)]);
say();
compareIds('the hooks reported', reported, 'the store holds', idsOf(events));

heading('4. The original JavaScript module reads the same folder');
// Hooks that end at once leave index.json, which the original believes, behind their last events.
await ledger.flush();
const original = await openOriginal();
check('it reads the same events in the same order', isDeepStrictEqual(original.getEvents(), events));
check(
  'it counts the same in its index',
  isDeepStrictEqual(await original.getStorageStats(), await ledger.getStorageStats()),
);
check('it computes the same metrics', isDeepStrictEqual(original.computeMetrics(), ledger.computeMetrics()));
check('it ranks the same violations', isDeepStrictEqual(original.rankViolations(), ledger.rankViolations()));

heading('5. What the runs say about the rules');
const metrics = ledger.computeMetrics();
table([
  { metric: 'runs', value: String(metrics.taskCount) },
  { metric: 'violations per 10 runs', value: metrics.violationRate.toFixed(2) },
  { metric: 'corrected by the agent', value: `${(metrics.selfCorrectionRate * 100).toFixed(1)} %` },
  { metric: 'rework lines per run', value: metrics.reworkLines.toFixed(1) },
]);
say('\nViolations, most expensive first:');
const texts = new Map(rulesOf(compilePolicy()).map((rule) => [rule.id, rule.text]));
table(
  ledger.rankViolations().map(({ ruleId, frequency, cost, score }) => ({
    rule: ruleId,
    times: frequency,
    'rework each': Number(cost.toFixed(1)),
    score: Math.round(score),
    text: texts.get(ruleId) ?? '',
  })),
);
say('\nThe evaluators over all runs:');
table(await verdicts());

heading(`6. Compaction keeps the newest ${KEEP}`);
const evicted = await ledger.compact();
const kept = await ledger.getEventStore().readAll();
table([{ appended: reported.length, evicted, kept: kept.length, ...(await stats(ledger)) }]);
say();
const keptIds = new Set(idsOf(kept));
const gone = events.filter((event) => !keptIds.has(event.eventId));
check('evicted + kept = appended', evicted + kept.length === reported.length, `${evicted} + ${kept.length}`);
check('what is gone is what was evicted', gone.length === evicted, `${gone.length} gone`);
check('no evicted run is newer than a kept one', newest(gone) <= oldest(kept));
check(
  'the kept events are unchanged',
  isDeepStrictEqual(sortById(kept), sortById(events.filter((event) => keptIds.has(event.eventId)))),
);
check('the ledger in memory agrees', isDeepStrictEqual(idsOf(ledger.getEvents()), idsOf(kept)));
check('the original module reads the same', isDeepStrictEqual((await openOriginal()).getEvents(), kept));
await ledger.destroy();

process.exitCode = failed() ? 1 : 0;

/** Opens the folder with the original module, without its compaction timer. */
async function openOriginal() {
  const opened = new OriginalLedger(config);
  await opened.init();
  return opened;
}

async function stats(of) {
  const { eventCount, storageSizeBytes, oldestEvent, newestEvent } = await of.getStorageStats();
  return {
    events: eventCount,
    bytes: storageSizeBytes,
    oldest: time(oldestEvent),
    newest: time(newestEvent),
  };
}

function time(ms) {
  return ms === null ? '-' : new Date(ms).toISOString().slice(11, 23);
}

async function verdicts() {
  const counts = new Map();
  for (const event of ledger.getEvents()) {
    for (const { name, passed } of await ledger.evaluate(event)) {
      const row = counts.get(name) ?? { evaluator: name, passed: 0, failed: 0 };
      row[passed ? 'passed' : 'failed'] += 1;
      counts.set(name, row);
    }
  }
  return [...counts.values()];
}

function compareIds(expectedName, expected, actualName, actual) {
  const lacking = difference(expected, actual);
  const unknown = difference(actual, expected);
  check(
    `${actualName} every event that ${expectedName} (${expected.length})`,
    lacking.length === 0,
    `${lacking.length} missing`,
  );
  check(`${actualName} nothing else`, unknown.length === 0, `${unknown.length} unknown`);
  check(`${actualName} none twice`, new Set(actual).size === actual.length, `${actual.length} lines`);
}

function difference(from, other) {
  const known = new Set(other);
  return from.filter((id) => !known.has(id));
}

function idsOf(list) {
  return list.map((event) => event.eventId);
}

function sortById(list) {
  return list.toSorted((a, b) => a.eventId.localeCompare(b.eventId));
}

function newest(list) {
  return Math.max(...list.map((event) => event.timestamp));
}

function oldest(list) {
  return Math.min(...list.map((event) => event.timestamp));
}
