// Hooks beside a log of gigabytes that has no checkpoint yet, as a JavaScript program leaves it.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ours } from '../support/contenders.mjs';
import { event } from '../support/event.mjs';
import { fixture } from '../support/fixture.mjs';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const TASKS = 30_000;
const HOOKS = 8;
/** Events of 520 bytes: 2.4 GB. */
const countOf = (quick) => (quick ? 400_000 : 4_800_000);

/** What a hook does: one event, and the end. */
const HOOK = `
  const { createPersistentLedger } = require(${JSON.stringify(PACKAGE)});
  createPersistentLedger({ storagePath: process.argv[1] }).finalizeEvent(JSON.parse(process.argv[2]));
  process.exit();`;

/** Milliseconds of the hook's life. */
async function hook(folder, eventId) {
  const given = { ...event(0, TASKS), eventId, timestamp: Date.now() };
  const begun = performance.now();
  const child = spawn(process.execPath, ['-e', HOOK, folder, JSON.stringify(given)], { stdio: 'inherit' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`a hook ended with ${code}`);
  return performance.now() - begun;
}

/** Lives of the hooks, and how many of their events are not in the log, or not once. */
async function hooks(context, name, count, act = async () => {}) {
  const { data, quick } = context;
  const folder = fixture(data, countOf(quick), TASKS);
  for (const file of readdirSync(folder)) if (file.startsWith('.events')) rmSync(join(folder, file));
  const token = `${name}-${process.pid}`;
  const acting = act(folder);
  const lives = await Promise.all(Array.from({ length: count }, (_, i) => hook(folder, `${token}-${i}`)));
  await acting;
  const log = join(folder, 'events.ndjson');
  const found = execFileSync('grep', ['-aoE', `${token}-[0-9]+`, log], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const different = new Set(found).size;
  // Lost, and doubled.
  return { longestMs: Math.max(...lives), wrong: count - different + (found.length - different) };
}

async function compacting(folder) {
  const store = ours().createEventStore(folder);
  const { eventCount } = await store.getStats();
  await store.compact(eventCount - 1000);
  await store.close();
}

export default {
  title: 'hooks beside a log of 2.4 GB without a checkpoint',
  unit: { longestMs: 'ms, the longest life of a hook', wrong: 'events lost or doubled' },
  rounds: { full: 3, quick: 1 },
  prepare: ({ data, quick }) => {
    fixture(data, countOf(quick), TASKS);
  },
  contenders: {
    'one alone': (context) => hooks(context, 'alone', 1),
    'eight at once': (context) => hooks(context, 'eight', HOOKS),
    'eight, during compact': (context) => hooks(context, 'beside', HOOKS, compacting),
  },
  targets: [
    {
      what: 'ms longer than alone, eight hooks at once',
      atMost: 1000,
      of: (r) => r.median('eight at once', 'longestMs') - r.median('one alone', 'longestMs'),
    },
    {
      what: 'ms longer than alone, eight hooks during a compaction',
      atMost: 1000,
      of: (r) => r.median('eight, during compact', 'longestMs') - r.median('one alone', 'longestMs'),
    },
    {
      what: 'events lost or doubled',
      atMost: 0,
      of: (r) => r.median('eight at once', 'wrong') + r.median('eight, during compact', 'wrong'),
    },
  ],
};
