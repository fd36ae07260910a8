'use strict';

// query: the events that satisfy all conditions.

const { eventLine } = require('./event-line.js');
const { EXIT } = require('./exit-codes.js');
const { FILTER_OPTIONS, checkTimes, chosenEvents, noteMissing } = require('./filters.js');

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'query',
  summary: 'events by time, task, session and kind of work',
  wordOption: 'task',
  details: `All conditions must hold. Events come in the order of the log; with --json as NDJSON, one event a
line.`,
  options: FILTER_OPTIONS,
  examples: [
    ['query --since 2h', 'the last two hours'],
    ['query --since 2026-03-01 --until 2026-03-07 --intent bug-fix', 'the bug fixes of a week'],
    ['query --task task-42 --json | jq .violations', 'what a task broke'],
  ],
  async run({ options, folder, out, note, colours }) {
    checkTimes(options, 'guidance-ledger query');
    noteMissing(folder, note);
    let found = false;
    for await (const event of chosenEvents(folder, options)) {
      found = true;
      if (options.json) await out.json(event);
      else await out.line(eventLine(/** @type {any} */ (event), colours));
    }
    if (!found && !options.json && folder.exists) note('No event matches.');
    return EXIT.done;
  },
};
