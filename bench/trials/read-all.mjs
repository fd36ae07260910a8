// All events of a log of 100,000, as objects.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { original, ours } from '../support/contenders.mjs';
import { fixture } from '../support/fixture.mjs';
import { timedAndHeld } from '../support/measure.mjs';

const COUNT = 100_000;

async function readAll({ data }, { createEventStore }) {
  const store = createEventStore(fixture(data, COUNT, 1000));
  return timedAndHeld(async () => expectAll(await store.readAll()));
}

function expectAll(events) {
  if (events.length !== COUNT) throw new Error('events are missing');
}

function text({ data }) {
  return readFileSync(join(fixture(data, COUNT, 1000), 'events.ndjson'), 'latin1').trimEnd();
}

export default {
  title: '`readAll()` of 100,000',
  unit: { ms: 'ms', held: 'ms held' },
  rounds: { full: 9, quick: 5 },
  prepare: ({ data }) => {
    fixture(data, COUNT, 1000);
  },
  contenders: {
    'guidance-ledger': (context) => readAll(context, ours()),
    original: async (context) => readAll(context, await original()),
    'JSON.parse alone, line by line': async (context) => {
      const lines = text(context).split('\n');
      globalThis.gc();
      return timedAndHeld(async () => expectAll(lines.map((line) => JSON.parse(line))));
    },
    'JSON.parse alone, one array': async (context) => {
      const whole = `[${text(context).replaceAll('\n', ',')}]`;
      globalThis.gc();
      return timedAndHeld(async () => expectAll(JSON.parse(whole)));
    },
  },
  targets: [
    {
      what: 'of bare `JSON.parse` of the same text (the faster way)',
      atMost: 1.25,
      of: (r) =>
        Math.max(
          r.ratio('guidance-ledger', 'JSON.parse alone, line by line', 'ms'),
          r.ratio('guidance-ledger', 'JSON.parse alone, one array', 'ms'),
        ),
    },
    {
      what: 'ms, longest hold of the event loop',
      atMost: 15,
      of: (r) => r.median('guidance-ledger', 'held'),
    },
  ],
};
