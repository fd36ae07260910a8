'use strict';

// compact: keeps the newest events and removes the others.

const { createEventStore } = require('../../index.js');
const { EXIT } = require('./exit-codes.js');
const { noteMissing } = require('./filters.js');
const { countOption } = require('./options.js');
const { counted } = require('./table.js');
const { confirm } = require('./terminal.js');
const { spanOption } = require('./times.js');

const MAX_EVENTS = 10_000;
const LOCK_TIMEOUT_MS = 5000;

/** @type {import('./options.js').Option} */
const LOCK_OPTION = {
  type: 'string',
  value: 'SPAN',
  help: 'how long to wait for another holder of the lock (default: 5s)',
  read: spanOption,
};

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'compact',
  summary: 'keep the newest events, remove the others',
  details: `By timestamp. What is removed is gone: 'export' first what you want to keep. Lines that are no events are moved to
events.rejected.ndjson. Appends that arrive meanwhile are kept.`,
  options: {
    'max-events': { type: 'string', value: 'N', help: 'how many to keep (default: 10000)', read: countOption(0) },
    'dry-run': { type: 'boolean', help: 'only say how many would be removed' },
    'lock-timeout': LOCK_OPTION,
    yes: { type: 'boolean', short: 'y', help: 'do not ask' },
  },
  examples: [
    ['compact --dry-run', 'how many events would go'],
    ['compact --max-events 50000 --yes', 'from a timer'],
  ],
  async run({ options, folder, out, note }) {
    const maxEvents = options['max-events'] ?? MAX_EVENTS;
    const lockTimeoutMs = options['lock-timeout'] ?? LOCK_TIMEOUT_MS;
    const store = createEventStore(folder.path, { lockTimeoutMs });
    noteMissing(folder, note);
    const planned = await store.compact(maxEvents, { dryRun: true });
    const { eventCount } = await store.getStats();
    const tell = async (/** @type {number} */ removed, /** @type {string} */ verb) => {
      const kept = eventCount - removed;
      if (options.json) await out.json({ dryRun: options['dry-run'] === true, removed, maxEvents });
      else await out.line(`${counted(removed, 'event')} ${verb}, ${counted(kept, 'event')} kept.`);
      return EXIT.done;
    };
    if (options['dry-run']) return tell(planned, 'would be removed');
    if (planned === 0) return tell(0, 'removed');
    const question = `Remove the oldest ${counted(planned, 'event')} of ${folder.path}?`;
    const call = `guidance-ledger compact --max-events ${maxEvents} --yes`;
    if (!(await confirm(question, options.yes === true, call))) {
      note('Nothing was removed.');
      return EXIT.findings;
    }
    await store.acquireLock();
    try {
      return await tell(await store.compact(maxEvents), 'removed');
    } finally {
      await store.releaseLock();
    }
  },
};
module.exports.LOCK_OPTION = LOCK_OPTION;
