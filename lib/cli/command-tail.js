'use strict';

// tail: the newest events, and those to come.
//
// Reads the log itself, from its end: the public API knows no "last n" that would not read all before.

const { eventLine } = require('./event-line.js');
const { EXIT } = require('./exit-codes.js');
const { noteMissing } = require('./filters.js');
const { eventOf, linesBackward } = require('./lines.js');
const { LogFollower, openLog } = require('./log-follower.js');
const { countOption } = require('./options.js');
const { counted } = require('./table.js');

/** @typedef {import('node:fs/promises').FileHandle} FileHandle */

/**
 * The last events before the end, and where the last whole line ends.
 * @param {FileHandle} handle
 * @param {number} count
 * @param {boolean} following whether a line without its end is left for later
 */
async function lastEvents(handle, count, following) {
  const { size } = await handle.stat();
  /** @type {Record<string, unknown>[]} */
  const events = [];
  let end = size;
  let malformed = 0;
  for await (const { offset, bytes, whole } of linesBackward(handle, size)) {
    if (!whole && following) {
      end = offset;
      continue;
    }
    if (events.length >= count) break;
    const event = eventOf(bytes);
    if (event) events.push(event);
    else if (event === null) malformed++;
  }
  return { events: events.reverse(), end, malformed };
}

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'tail',
  summary: 'the newest events, and with -f those to come',
  wordOption: 'lines',
  details: `Events come in the order of the log; with --json as NDJSON. -f goes on until it is stopped, waits
for a log that is not there yet, and survives compactions: each event is shown once.`,
  options: {
    lines: { type: 'string', short: 'n', value: 'N', help: 'how many (default: 10)', read: countOption(0) },
    follow: { type: 'boolean', short: 'f', help: 'wait for more' },
  },
  examples: [
    ['tail -n 3', 'the last three events'],
    ['tail -f', 'watch events arrive'],
    ['tail -n 0 -f --json | jq -c .violations[]', 'every violation from now on'],
  ],
  async run({ options, folder, out, note, colours }) {
    const { lines: count = 10, follow = false, json } = options;
    const show = (/** @type {Record<string, unknown>} */ event) =>
      json ? out.json(event) : out.line(eventLine(event, colours));
    const skipped = (/** @type {number} */ lines) =>
      note(`${counted(lines, 'line is no event', 'lines are no events')}; 'verify' tells more.`);
    noteMissing(folder, note);
    const handle = await openLog(folder.log);
    let offset = 0;
    if (handle !== null) {
      const { events, end, malformed } = await lastEvents(handle, count, follow);
      offset = end;
      for (const event of events) await show(event);
      await out.flush();
      if (malformed > 0) skipped(malformed);
    }
    if (folder.exists && offset === 0 && !json) note('There are no events yet.');
    if (!follow) {
      await handle?.close();
      return EXIT.done;
    }
    for await (const line of new LogFollower(folder.log, handle, offset, note).lines()) {
      const event = line && eventOf(line.bytes);
      if (event) await show(event);
      else if (event === null) skipped(1);
      else if (line === undefined) await out.flush();
    }
    return EXIT.done;
  },
};
