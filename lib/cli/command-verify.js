'use strict';

// verify: looks at every line; with --repair it mends what can be mended.
//
// A repair never removes anything: a log that has to be changed is copied first, lines that are no events,
// half a line at the end among them, are moved aside, and index.json is written anew. Which of two events
// with one id is the right one, nobody can tell: they stay.

const { COPYFILE_EXCL, COPYFILE_FICLONE } = require('node:fs').constants;
const { copyFile, open, stat } = require('node:fs/promises');
const { setTimeout: sleep } = require('node:timers/promises');
const { addon } = require('./addon.js');
const { syncFolder } = require('./atomic-file.js');
const { EXIT } = require('./exit-codes.js');
const { noteMissing } = require('./filters.js');
const { backupPath } = require('./folder.js');
const { LOCK_OPTION, lockingStore } = require('./lock-option.js');
const { callWith } = require('./options.js');
const { safe } = require('./safe-text.js');
const { counted, showCount } = require('./table.js');
const { confirm } = require('./terminal.js');

/** @typedef {import('./folder.js').StoreFolder} StoreFolder */
/** @typedef {import('../../index.d.ts').VerifyReport} Report */
/** @typedef {{ kind: string, mendable: boolean, text: string, more: string[] }} Finding */

/** Places and ids that are shown one by one. */
const SHOWN = 10;
/** Bytes of a line that are shown. */
const PREVIEW = 60;
/** A log that changed within this time is probably being written. */
const BUSY_MS = 2000;
/** Time in which whoever writes ends its line, and brings index.json up to date. */
const MOMENT_MS = 1000;

/**
 * The beginning of a stretch of the log, fit to be shown.
 * @param {StoreFolder} folder
 * @param {{ offset: number, length: number }} place
 */
async function preview(folder, { offset, length }) {
  const handle = await open(folder.log, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(length, PREVIEW));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
    const more = length > PREVIEW ? '…' : '';
    return `at byte ${showCount(offset)}, ${counted(length, 'byte')}: ${safe(bytes.toString('utf8', 0, bytesRead))}${more}`;
  } finally {
    await handle.close();
  }
}

/** @param {number} hidden */
const andMore = (hidden) => (hidden > 0 ? [`… and ${showCount(hidden)} more`] : []);

/**
 * @param {StoreFolder} folder
 * @param {Report} report
 * @returns {Promise<Finding[]>}
 */
async function findingsOf(folder, report) {
  /** @type {Finding[]} */
  const findings = [];
  const malformed = report.malformedCount;
  if (malformed > 0) {
    const shown = report.malformed.slice(0, SHOWN);
    const more = await Promise.all(shown.map((place) => preview(folder, place)));
    const text = counted(malformed, 'line is no event', 'lines are no events');
    findings.push({
      kind: 'malformed',
      mendable: true,
      text,
      more: [...more, ...andMore(malformed - shown.length)],
    });
  }
  if (report.tornTail !== null) {
    const text = report.tornTail.complete
      ? 'the last event lacks its newline'
      : 'the last line is only half there';
    findings.push({
      kind: 'torn-tail',
      mendable: true,
      text,
      more: [await preview(folder, report.tornTail)],
    });
  }
  if (report.duplicateIds.length > 0) {
    const shown = report.duplicateIds.slice(0, SHOWN);
    const more = shown.map(({ eventId, count }) => `${safe(eventId, PREVIEW)}: ${count} times`);
    const text = counted(
      report.duplicateIds.length,
      'id is there more than once',
      'ids are there more than once',
    );
    const hidden = report.duplicateIds.length - shown.length;
    findings.push({ kind: 'duplicate-ids', mendable: false, text, more: [...more, ...andMore(hidden)] });
  }
  if (report.index?.drift) {
    const { eventCount } = report.index;
    const text = 'index.json does not agree with the log';
    const counts = `it counts ${showCount(eventCount ?? 0)}; the log has ${showCount(report.events)}`;
    const same = 'it counts right, but its times or its tasks are others';
    const more = eventCount === null ? 'it cannot be read' : eventCount === report.events ? same : counts;
    findings.push({ kind: 'index-drift', mendable: true, text, more: [more] });
  }
  return findings;
}

/**
 * What is in the log, and what of it is not in order. Half a line at the end, or an index.json that is
 * behind, may be somebody's work of this very moment; so a log that is being written is looked at twice, and
 * what has moved on meanwhile is no finding.
 * @param {StoreFolder} folder
 * @returns {Promise<{ report: Report, findings: Finding[] }>}
 */
async function examine(folder) {
  const store = addon().createEventStore(folder.path);
  const first = await store.verify();
  const passing = first.tornTail !== null || first.index?.drift === true;
  if (!passing || !(await isBusy(folder)))
    return { report: first, findings: await findingsOf(folder, first) };
  await sleep(MOMENT_MS);
  const report = await store.verify();
  const grown = report.lines !== first.lines || report.events !== first.events;
  const indexMoved = grown || report.index?.eventCount !== first.index?.eventCount;
  const tailMoved = report.tornTail?.offset !== first.tornTail?.offset;
  const findings = await findingsOf(folder, report);
  return {
    report,
    findings: findings.filter(
      ({ kind }) => !((kind === 'index-drift' && indexMoved) || (kind === 'torn-tail' && tailMoved)),
    ),
  };
}

/** @param {StoreFolder} folder */
async function isBusy(folder) {
  try {
    return Math.abs(Date.now() - (await stat(folder.log)).mtimeMs) < BUSY_MS;
  } catch {
    return false; // whatever is wrong with the log has been told
  }
}

/**
 * A copy of the log, on the disk. A compaction meanwhile does not matter: it leaves the file that is copied.
 * @param {StoreFolder} folder
 */
async function backUp(folder) {
  const path = backupPath(folder, new Date());
  await copyFile(folder.log, path, COPYFILE_EXCL | COPYFILE_FICLONE);
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(folder.path);
  return path;
}

/**
 * @param {import('./options.js').Context} context
 * @param {string} title
 * @param {Report} report
 * @param {Finding[]} findings
 */
async function show({ out, colours }, title, report, findings) {
  const clean =
    findings.length === 0 ? colours.green('in order') : colours.yellow(counted(findings.length, 'finding'));
  await out.line(`${title}: ${counted(report.lines, 'line')}, ${counted(report.events, 'event')}; ${clean}`);
  for (const { text, more } of findings) {
    await out.line(`${colours.yellow('!')} ${text}`);
    for (const line of more) await out.line(`    ${line}`);
  }
}

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'verify',
  summary: 'look at every line; --repair mends',
  wordOption: 'dir',
  details: `Finds lines that are no events, half a line at the end, ids that occur more than once, and an
index.json that does not agree. Exit codes: 0 nothing found (or all mended), 1 findings, 2 wrong call, 3
locked by another process, 4 unreadable.

--repair copies the log to events.backup.<time>.ndjson, moves lines that are no events to
events.rejected.ndjson, byte for byte, half a line at the end included, and writes index.json anew. If only
index.json is wrong, the log is neither changed nor copied. No event is removed: events that share an id stay.`,
  options: {
    repair: { type: 'boolean', help: 'mend what was found, after a backup' },
    yes: { type: 'boolean', short: 'y', help: 'do not ask' },
    ...LOCK_OPTION,
  },
  examples: [
    ['verify', 'is all in order?'],
    ['verify --json | jq .malformed', 'where the broken lines are'],
    ['verify --repair --yes', 'mend without a question'],
  ],
  async run(context) {
    const { options, folder, out, note } = context;
    noteMissing(folder, note);
    const { report: before, findings: found } = await examine(folder);
    const kinds = (/** @type {Finding[]} */ findings) => findings.map(({ kind }) => kind);
    const mendable = found.filter((finding) => finding.mendable);
    if (!options.repair || mendable.length === 0) {
      if (options.json) await out.json({ findings: kinds(found), ...before });
      else await show(context, 'The log', before, found);
      await out.flush();
      if (options.repair && found.length > 0) note('There is nothing here that a repair mends.');
      return found.length > 0 ? EXIT.findings : EXIT.done;
    }
    if (!options.json) {
      await show(context, 'The log', before, found);
      await out.flush();
    }
    const changesLog = mendable.some(({ kind }) => kind !== 'index-drift');
    const question = changesLog
      ? `Mend the log in ${safe(folder.path)}? It is copied first.`
      : `Write index.json in ${safe(folder.path)} anew?`;
    if (!(await confirm(question, options.yes === true, callWith(context, '--repair', '--yes')))) {
      note('Nothing was changed.');
      return EXIT.findings;
    }
    const { backup, rejected } = await repair(lockingStore(folder, options), folder, changesLog);
    const { report: after, findings: left } = await examine(folder);
    if (options.json)
      await out.json({ findings: kinds(left), ...after, repaired: { rejected, backup, before } });
    else {
      if (backup === null) await out.line('Wrote index.json anew.');
      else await out.line(`Copied the log to ${safe(backup)}; set ${counted(rejected, 'line')} aside.`);
      await show(context, 'Now', after, left);
    }
    return left.length > 0 ? EXIT.findings : EXIT.done;
  },
};

/**
 * @param {import('../../index.d.ts').EventStore} store
 * @param {StoreFolder} folder
 * @param {boolean} changesLog
 */
async function repair(store, folder, changesLog) {
  await store.acquireLock();
  try {
    const backup = changesLog ? await backUp(folder) : null;
    const { rejected } = await store.repair();
    return { backup, rejected };
  } finally {
    await store.releaseLock();
  }
}
