'use strict';

// stats: what the folder holds, from the log itself.

const { createReadStream, readFileSync } = require('node:fs');
const { addon } = require('./addon.js');
const { EXIT } = require('./exit-codes.js');
const { noteMissing } = require('./filters.js');
const { splitLines } = require('./lines.js');
const { safe } = require('./safe-text.js');
const { counted, showBytes, showCount, table } = require('./table.js');
const { showSpan, showTime } = require('./times.js');

/** @typedef {import('./folder.js').StoreFolder} StoreFolder */

/** @param {unknown} error */
const isMissing = (error) =>
  ['ENOENT', 'ENOTDIR'].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '');

/**
 * What index.json says: a courtesy to others, and never believed.
 * @param {StoreFolder} folder
 * @param {number} truth
 * @returns {{ eventCount: number | null, drift: boolean } | null}
 */
function indexState(folder, truth) {
  let text;
  try {
    text = readFileSync(folder.index, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  let count = null;
  try {
    const found = JSON.parse(text)?.eventCount;
    if (typeof found === 'number') count = found;
  } catch {
    // Unreadable: drift without a count.
  }
  return { eventCount: count, drift: count !== truth };
}

/** @param {StoreFolder} folder */
async function rejectedLines(folder) {
  const rejected = { lines: 0, bytes: 0 };
  try {
    for await (const { bytes } of splitLines(createReadStream(folder.rejected))) {
      rejected.lines++;
      rejected.bytes += bytes.length + 1;
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return rejected;
}

/** @param {number | null} time */
function when(time) {
  if (time === null) return '–';
  const ago = Date.now() - time;
  const span = Number.isFinite(ago) ? ` (${showSpan(Math.abs(ago))} ${ago < 0 ? 'ahead' : 'ago'})` : '';
  return `${showTime(time)}${span}`;
}

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'stats',
  summary: 'how many events, since when, how large',
  wordOption: 'dir',
  details: `Everything is counted from the log. 'index' says whether index.json, which other programs may
read, agrees.`,
  options: {},
  examples: [
    ['stats', 'the default folder'],
    ['stats --dir /srv/agent/guidance --json', 'another folder, for a program'],
  ],
  async run({ options, folder, out, note, colours }) {
    noteMissing(folder, note);
    const stats = await addon().createEventStore(folder.path).getStats();
    const index = indexState(folder, stats.eventCount);
    const rejected = await rejectedLines(folder);
    if (options.json) {
      await out.json({ folder: folder.path, exists: folder.exists, ...stats, index, rejected });
      return EXIT.done;
    }
    const says = index?.eventCount == null ? 'cannot be read' : `says ${showCount(index.eventCount)}`;
    const drift = `${says}; the next append, or verify --repair, writes it anew`;
    const rows = [
      ['Folder', safe(folder.path)],
      ['Events', colours.bold(showCount(stats.eventCount))],
      ['Size', showBytes(stats.storageSizeBytes)],
      ['Oldest', when(stats.oldestEvent)],
      ['Newest', when(stats.newestEvent)],
      ['Index', index === null ? 'none' : index.drift ? colours.yellow(drift) : 'agrees'],
      [
        'Set aside',
        rejected.lines === 0 ? 'nothing' : `${counted(rejected.lines, 'line')}, ${showBytes(rejected.bytes)}`,
      ],
    ];
    for (const row of table(rows)) await out.line(row);
    return EXIT.done;
  },
};
