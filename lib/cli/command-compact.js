'use strict';

// compact: keeps the newest events and removes the others.

const { EXIT } = require('./exit-codes.js');
const { noteMissing } = require('./filters.js');
const { LOCK_OPTION, lockingStore } = require('./lock-option.js');
const { callWith, countOption } = require('./options.js');
const { safe } = require('./safe-text.js');
const { counted } = require('./table.js');
const { confirm } = require('./terminal.js');

const MAX_EVENTS = 10_000;

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'compact',
  summary: 'keep the newest events, remove the others',
  wordOption: 'max-events',
  details: `By timestamp. What is removed is gone: 'export' first what you want to keep. Lines that are no
events are moved to events.rejected.ndjson. Appends that arrive meanwhile are kept.`,
  options: {
    'max-events': {
      type: 'string',
      value: 'N',
      help: 'how many to keep (default: 10000)',
      read: countOption(0),
    },
    'dry-run': { type: 'boolean', help: 'only say how many would be removed' },
    ...LOCK_OPTION,
    yes: { type: 'boolean', short: 'y', help: 'do not ask' },
  },
  examples: [
    ['compact --dry-run', 'how many events would go'],
    ['compact --max-events 50000 --yes', 'from a timer'],
  ],
  async run(context) {
    const { options, folder, out, note } = context;
    const maxEvents = options['max-events'] ?? MAX_EVENTS;
    const store = lockingStore(folder, options);
    noteMissing(folder, note);
    const planned = await store.compact(maxEvents, { dryRun: true });
    const tell = async (/** @type {number} */ removed) => {
      const dryRun = options['dry-run'] === true;
      const left = (await store.getStats()).eventCount - (dryRun ? removed : 0);
      if (options.json) await out.json({ dryRun, maxEvents, removed, left });
      else
        await out.line(
          `${counted(removed, 'event')} ${dryRun ? 'would be ' : ''}removed, ${counted(left, 'event')} left.`,
        );
      return EXIT.done;
    };
    if (options['dry-run'] || planned === 0) return tell(planned);
    const question = `Remove the oldest ${counted(planned, 'event')} of ${safe(folder.path)}?`;
    const call = callWith(context, '--max-events', String(maxEvents), '--yes');
    if (!(await confirm(question, options.yes === true, call))) {
      note('Nothing was removed.');
      return EXIT.findings;
    }
    await store.acquireLock();
    try {
      return await tell(await store.compact(maxEvents));
    } finally {
      await store.releaseLock();
    }
  },
};
