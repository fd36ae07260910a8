'use strict';

// export: events for other programs.

const { writeAtomically } = require('./atomic-file.js');
const { csvHead, csvRow } = require('./csv.js');
const { EXIT } = require('./exit-codes.js');
const { FILTER_OPTIONS, checkTimes, chosenEvents, noteMissing } = require('./filters.js');
const { choiceOption, nonEmpty } = require('./options.js');
const { Output } = require('./output.js');
const { jsonText, safe } = require('./safe-text.js');
const { counted } = require('./table.js');
const { Progress } = require('./terminal.js');
const { Writable } = require('node:stream');

/**
 * @typedef {object} Format
 * @property {string} head
 * @property {(event: object, first: boolean) => string} item
 * @property {(empty: boolean) => string} foot
 */

/** @type {Record<string, Format>} */
const FORMATS = {
  ndjson: { head: '', item: (event) => `${jsonText(event)}\n`, foot: () => '' },
  json: {
    head: '[',
    item: (event, first) => `${first ? '\n' : ',\n'}${jsonText(event)}`,
    foot: (empty) => (empty ? ']\n' : '\n]\n'),
  },
  csv: { head: csvHead(), item: csvRow, foot: () => '' },
};

/**
 * @param {AsyncIterable<object>} events
 * @param {Format} format
 * @param {Output} out
 */
async function write(events, format, out) {
  const progress = new Progress('Exported');
  let count = 0;
  await out.write(format.head);
  for await (const event of events) {
    await out.write(format.item(event, count === 0));
    count++;
    progress.step();
  }
  await out.write(format.foot(count === 0));
  await out.flush();
  progress.end();
  return count;
}

/** @param {(text: string) => Promise<void>} append */
function outputTo(append) {
  const stream = new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => void append(text).then(() => done(), done),
  });
  return stream;
}

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'export',
  summary: 'events as NDJSON, JSON or CSV',
  wordOption: 'out',
  details: `--out writes a file that is there whole or not at all, and replaces one of that name; without it
the events go to stdout. CSV has one row per event: lists are joined, violations are counted and their rules
named, and a text that a spreadsheet would run as a formula gets an apostrophe before it. NDJSON and JSON keep
everything, and 'import' reads both.`,
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      help: 'ndjson (default), json or csv',
      read: choiceOption(Object.keys(FORMATS)),
    },
    out: { type: 'string', short: 'o', value: 'FILE', help: 'into this file, not to stdout', read: nonEmpty },
    ...FILTER_OPTIONS,
  },
  examples: [
    ['export --out events.ndjson', 'all of it'],
    ['export --format csv --since 7d --out week.csv', 'a week for a spreadsheet'],
    ['export --format json | jq length', 'for another program'],
  ],
  async run({ options, folder, out, note }) {
    checkTimes(options, 'guidance-ledger export');
    noteMissing(folder, note);
    const name = options.json && options.format === undefined ? 'ndjson' : (options.format ?? 'ndjson');
    const format = FORMATS[name];
    const events = chosenEvents(folder, options);
    if (options.out === undefined || options.out === '-') {
      await write(events, format, out);
      return EXIT.done;
    }
    let count = 0;
    await writeAtomically(options.out, folder, '--out', async (append) => {
      count = await write(events, format, new Output(outputTo(append)));
    });
    if (options.json) await out.json({ out: options.out, format: name, events: count });
    else note(`${counted(count, 'event')} written to ${safe(options.out)}.`);
    return EXIT.done;
  },
};
