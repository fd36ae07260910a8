// Reading a PostgreSQL on this machine by `guidance-ledger/fleet`: beside a bare query with parsing, and a fleet's ledger
// beside a local one of the same events. All of one round is measured on one server, with statistics as autovacuum
// makes them.
//
// Needs PostgreSQL.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createFleetLedger, createFleetStore } from '../../fleet.mjs';
import { createPersistentLedger } from '../../index.mjs';
import { event } from '../support/event.mjs';
import { initFleet } from '../support/fleet.mjs';
import { postgres } from '../support/postgres.mjs';
import { median } from '../support/results.mjs';

const COUNTS = { full: 600_000, quick: 100_000 };
const LOADED = 100_000;
const WANTED = 1000;

/** A folder with so many events in a log. */
function folderOf(folder, name, count) {
  const path = join(folder, name);
  mkdirSync(path);
  const lines = Array.from({ length: count }, (_, i) => `${JSON.stringify(event(i, count))}\n`);
  writeFileSync(join(path, 'events.ndjson'), lines.join(''));
  return path;
}

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

/** The bounds of some thousand events, elsewhere at each call. */
function bounds(call, count) {
  const first = (call * 7919 + 5000) % (count - WANTED);
  return [event(first, count).timestamp, event(first + WANTED - 1, count).timestamp];
}

/** `readRange`, and what a client does that asks by itself and parses. */
async function ranges(server, url, count) {
  const { default: pg } = await import('pg');
  const client = new pg.Client(server.client);
  await client.connect();
  await client.query('ANALYZE');
  const store = createFleetStore({ url });
  const sql = `SELECT body FROM guidance_ledger.events WHERE ledger = 1 AND at BETWEEN to_timestamp($1::float8 / 1000)
    AND to_timestamp($2::float8 / 1000) ORDER BY at, key`;
  const spans = { ours: [], bare: [] };
  for (let call = 0; call < 60; call++) {
    const range = bounds(call, count);
    const [ours, events] = await timed(() => store.readRange(...range));
    const [bare, found] = await timed(async () =>
      (await client.query({ text: sql, values: range })).rows.map(({ body }) => JSON.parse(body)),
    );
    if (events.length !== WANTED || found.length !== WANTED) throw new Error('not all were found');
    spans.ours.push(ours);
    spans.bare.push(bare);
  }
  await store.close();
  await client.end();
  return { range: median(spans.ours), bareRange: median(spans.bare) };
}

/** A ledger of the fleet, a local one, and the transfer alone. */
async function ledgers(url, path) {
  const local = createPersistentLedger({ storagePath: path, compactIntervalMs: 0 });
  const [localMs] = await timed(() => local.init());
  await local.close();
  const { default: binding } = await import('../../fleet-binding.js');
  const place = Buffer.allocUnsafeSlow(8 << 20);
  const transfer = async () => {
    const reader = new binding.FleetCore({ url, ledger: 'small' }).open(null, null, null, null);
    for (let length = await reader.nextLines(); length !== null; length = await reader.nextLines())
      reader.takeLines(place.subarray(0, length));
  };
  await transfer(); // the server has the events in memory, as it has the second time
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const fleet = createFleetLedger({ url, ledger: 'small', compactIntervalMs: 0 });
  delays.enable();
  const [fleetMs] = await timed(() => fleet.init());
  delays.disable();
  if (fleet.eventCount !== LOADED) throw new Error('not all were loaded');
  await fleet.close();
  const [transferMs] = await timed(transfer);
  return { localMs, fleetMs, transferMs, held: delays.max / 1e6 };
}

/** Milliseconds from the receipt of a batch to a follower's hand. */
async function following(url, folder) {
  const store = createFleetStore({ url, ledger: 'live', storagePath: join(folder, 'live') });
  const follower = store.follow({ from: 'start' });
  const hands = [];
  for (let number = 0; number < 12; number++) {
    const next = follower.next();
    // Times that a follower's pauses have no part in.
    await new Promise((resolve) => setTimeout(resolve, 200 + ((number * 7919) % 900)));
    await store.append({ eventId: `live-${number}`, taskId: 'task', timestamp: Date.now() });
    await store.flush();
    const { value } = await next;
    hands.push(Date.now() - value.receivedAt);
  }
  await store.close();
  return { hand: median(hands) };
}

export default {
  title: 'reading a PostgreSQL on the same machine',
  unit: {
    range: 'ms, `readRange` of 1,000',
    bareRange: 'ms, bare query and JSON.parse',
    fleetMs: 'ms, `init()` of 100,000 of the fleet',
    localMs: 'ms, of a local ledger',
    transferMs: 'ms, the transfer alone',
    held: 'ms, longest hold of the event loop',
    hand: 'ms from receipt to a follower, median',
  },
  rounds: { full: 5, quick: 2 },
  prepare: () => {},
  contenders: {
    'guidance-ledger/fleet': async ({ folder, quick }) => {
      const server = await postgres();
      try {
        const url = server.address;
        const count = COUNTS[quick ? 'quick' : 'full'];
        const [many, few] = [folderOf(folder, 'many', count), folderOf(folder, 'few', LOADED)];
        initFleet(url, 'default', 'small', 'live');
        for (const [storagePath, ledger] of [
          [many, 'default'],
          [few, 'small'],
        ]) {
          const store = createFleetStore({ url, ledger, storagePath });
          await store.flush({ timeoutMs: 600_000 });
          await store.close();
        }
        return {
          ...(await ranges(server, url, count)),
          ...(await ledgers(url, few)),
          ...(await following(url, folder)),
        };
      } finally {
        await server.stop();
      }
    },
  },
  targets: [
    {
      what: 'times a bare query and JSON.parse, `readRange` of 1,000',
      atMost: 1.5,
      of: (r) => r.ratio('guidance-ledger/fleet', 'guidance-ledger/fleet', 'range', 'bareRange'),
    },
    {
      what: 'times the local `init()`, beyond the transfer',
      atMost: 3,
      of: (r) =>
        (r.median('guidance-ledger/fleet', 'fleetMs') - r.median('guidance-ledger/fleet', 'transferMs')) /
        r.median('guidance-ledger/fleet', 'localMs'),
    },
    {
      what: 'ms, longest hold of the event loop',
      atMost: 10,
      of: (r) => r.median('guidance-ledger/fleet', 'held'),
    },
    {
      what: 'ms from receipt to a follower',
      atMost: 250,
      of: (r) => r.median('guidance-ledger/fleet', 'hand'),
    },
  ],
};
