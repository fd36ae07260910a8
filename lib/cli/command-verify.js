'use strict';

// verify: looks at every line; with --repair it mends what can be mended.
//
// A repair never removes anything: the log is copied first, lines that are no events are moved aside, and half
// a line at the end is closed. Which of two events with one id is the right one, nobody can tell: they stay.

const { COPYFILE_EXCL, COPYFILE_FICLONE } = require('node:fs').constants;
const { copyFile, open } = require('node:fs/promises');
const { addon } = require('./addon.js');
const { syncFolder } = require('./atomic-file.js');
const { EXIT } = require('./exit-codes.js');
const { noteMissing } = require('./filters.js');
const { backupPath } = require('./folder.js');
const { LOCK_OPTION, lockingStore } = require('./lock-option.js');
const { safe } = require('./safe-text.js');
const { counted, showCount } = require('./table.js');
const { confirm } = require('./terminal.js');

/** @typedef {import('./folder.js').StoreFolder} StoreFolder */
/** @typedef {import('../../index.js').VerifyReport & { malformedCount?: number }} Report */
/** @typedef {{ kind: string, mendable: boolean, text: string, more: string[] }} Finding */

/** Places and ids that are shown one by one. */
const SHOWN = 10;
/** Bytes of a line that are shown. */
const PREVIEW = 60;

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
  const malformed = report.malformedCount ?? report.malformed.length;
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
    const text = 'index.json says something else than the log; the next append writes it anew';
    const more = [`it counts ${report.index.eventCount ?? 'nothing readable'}; the log has ${report.events}`];
    findings.push({ kind: 'index-drift', mendable: false, text, more });
  }
  return findings;
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
  details: `Finds lines that are no events, half a line at the end, ids that occur more than once, and an index.json that does not agree.
Exit codes: 0 nothing found (or all mended), 1 findings, 2 wrong call, 3 locked by another process, 4 unreadable.

--repair copies the log to events.backup.<time>.ndjson, moves lines that are no events to events.rejected.ndjson, byte for byte,
and closes half a line at the end. No event is removed: events that share an id stay. An index.json that does not agree does no
harm; the next append writes it anew.`,
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
    const before = /** @type {Report} */ (await addon().createEventStore(folder.path).verify());
    const found = await findingsOf(folder, before);
    const kinds = (/** @type {Finding[]} */ findings) => findings.map(({ kind }) => kind);
    const wanted = options.repair === true && found.some(({ mendable }) => mendable);
    if (!wanted) {
      if (options.json) await out.json({ findings: kinds(found), ...before });
      else await show(context, 'The log', before, found);
      if (options.repair && found.length > 0) note('There is nothing here that a repair mends.');
      return found.length > 0 ? EXIT.findings : EXIT.done;
    }
    if (!options.json) {
      await show(context, 'The log', before, found);
      await out.flush();
    }
    const store = repairingStore(context);
    const question = `Mend the log in ${folder.path}? It is copied first.`;
    if (!(await confirm(question, options.yes === true, 'guidance-ledger verify --repair --yes'))) {
      note('Nothing was changed.');
      return EXIT.findings;
    }
    const { backup, rejected } = await repair(store, folder);
    const after = /** @type {Report} */ (await addon().createEventStore(folder.path).verify());
    const left = await findingsOf(folder, after);
    if (options.json)
      await out.json({ findings: kinds(left), ...after, repaired: { rejected, backup, before } });
    else {
      await out.line(`Copied the log to ${safe(backup)}; set ${counted(rejected, 'line')} aside.`);
      await show(context, 'Now', after, left);
    }
    return left.length > 0 ? EXIT.findings : EXIT.done;
  },
};

/** @typedef {import('../../index.js').EventStore & { repair: () => Promise<{ rejected: number }> }} Repairing */

/**
 * @param {import('./options.js').Context} context
 * @returns {Repairing}
 */
function repairingStore({ options, folder }) {
  const store = /** @type {Repairing} */ (lockingStore(folder, options));
  if (typeof store.repair === 'function') return store;
  throw Object.assign(new Error('This build of the addon cannot repair; update the package.'), {
    code: 'ENOSYS',
  });
}

/**
 * @param {Repairing} store
 * @param {StoreFolder} folder
 */
async function repair(store, folder) {
  await store.acquireLock();
  try {
    const backup = await backUp(folder);
    const { rejected } = await store.repair();
    return { backup, rejected };
  } finally {
    await store.releaseLock();
  }
}
