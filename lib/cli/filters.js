'use strict';

// Which events a command is about.

const { addon } = require('./addon.js');
const { countOption } = require('./options.js');
const { safe } = require('./safe-text.js');
const { timeOption } = require('./times.js');
const { UsageError } = require('./usage-error.js');

/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('./folder.js').StoreFolder} StoreFolder */
/** @typedef {import('./options.js').Options} Options */

/** @type {Options} */
const TIME_OPTIONS = {
  since: {
    type: 'string',
    value: 'TIME',
    help: "from then on: '2h', '7d', 'today', '2026-03-01', a Unix time",
    read: timeOption(false),
  },
  until: {
    type: 'string',
    value: 'TIME',
    help: 'up to then, inclusive; a day counts as a whole',
    read: timeOption(true),
  },
};

/** @type {Options} */
const FILTER_OPTIONS = {
  ...TIME_OPTIONS,
  task: { type: 'string', value: 'ID', help: 'only events of this task' },
  session: { type: 'string', value: 'ID', help: 'only events of this session' },
  intent: { type: 'string', value: 'KIND', help: "only this kind of work, as 'bug-fix'" },
  limit: { type: 'string', value: 'N', help: 'at most so many, the first in the log', read: countOption(0) },
};

/**
 * The chosen events in the order of the log, in bounded memory.
 * @param {StoreFolder} folder
 * @param {Record<string, any>} options values of FILTER_OPTIONS
 * @returns {AsyncGenerator<RunEvent, void, void>}
 */
async function* chosenEvents(folder, { since, until, task, session, intent, limit = Infinity }) {
  let left = limit;
  if (left === 0) return;
  const store = addon().createEventStore(folder.path);
  for await (const event of store.stream({ from: since, to: until, taskId: task })) {
    if (session !== undefined && event.sessionId !== session) continue;
    if (intent !== undefined && event.intent !== intent) continue;
    yield event;
    left--;
    if (left === 0) return;
  }
}

/**
 * @param {Record<string, any>} options
 * @param {string} call
 */
function checkTimes({ since, until }, call) {
  if (since === undefined || until === undefined || since <= until) return;
  throw new UsageError('--since is later than --until', `${call} --since 2h --until now`);
}

/**
 * A folder that is not there holds no events; people who mistyped its name want to know.
 * @param {StoreFolder} folder
 * @param {(text: string) => void} note
 */
function noteMissing(folder, note) {
  if (!folder.exists) note(`There is no folder ${safe(folder.path)}. Another one is chosen with --dir.`);
}

module.exports = { FILTER_OPTIONS, TIME_OPTIONS, checkTimes, chosenEvents, noteMissing };
