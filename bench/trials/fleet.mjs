// Shipping to a PostgreSQL on this machine: beside a bare INSERT of the same lines over the same kind of connection, and
// beside single inserts from Node; how soon a follower has what was committed, and what it costs while nothing comes.
//
// Needs PostgreSQL, and: cargo build --release --locked -p guidance-ledger-tool -p fleet --bins --examples

import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { event } from '../support/event.mjs';
import { postgres } from '../support/postgres.mjs';
import { median } from '../support/results.mjs';

const TARGET = fileURLToPath(new URL('../../target/release/', import.meta.url));
const TOOL = join(TARGET, 'guidance-ledger');
const BARE = join(TARGET, 'examples/bare_insert');
const run = promisify(execFile);

const ALONE = { full: 100_000, quick: 30_000 };
const EACH = { full: 25_000, quick: 8_000 };

const SHIP = `SELECT guidance_ledger.ship_v1('default', $1, $2, $3, $4, $5, $6, $7, $8, 'host', NULL, 'bench', 0, NULL, 0, 0)`;

/** Folders with logs of so many events each, all different. */
function folders({ folder, quick }, count) {
  const size = (count === 1 ? ALONE : EACH)[quick ? 'quick' : 'full'];
  return Array.from({ length: count }, (_, number) => {
    const path = join(folder, `folder-${number}`);
    mkdirSync(path);
    const line = (_, i) => `${JSON.stringify(event(number * size + i, size))}\n`;
    writeFileSync(join(path, 'events.ndjson'), Array.from({ length: size }, line).join(''));
    return { path, size };
  });
}

/** @param {(server: object) => Promise<object>} work */
async function withServer(work) {
  const server = await postgres();
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

async function client(server) {
  const { default: pg } = await import('pg');
  const connected = new pg.Client(server.client);
  await connected.connect();
  return connected;
}

const fleet = (path, ...words) => [TOOL, ['fleet', ...words, '--dir', path]];

function init(server, paths) {
  for (const path of paths) {
    const [tool, words] = fleet(path, 'init', '--url', server.address);
    execFileSync(tool, words, { stdio: 'ignore' });
  }
}

const rate = (all, ms) => all.reduce((sum, { size }) => sum + size, 0) / ms;

/** Whole lives of `fleet ship --once`, connecting and reading the folder included. */
function ship(context, count) {
  return withServer(async (server) => {
    const all = folders(context, count);
    init(
      server,
      all.map(({ path }) => path),
    );
    const start = performance.now();
    await Promise.all(all.map(({ path }) => run(...fleet(path, 'ship', '--once'))));
    const perMs = rate(all, performance.now() - start);
    const looker = await client(server);
    const { rows } = await looker.query(
      `SELECT count(*)::int AS events, (pg_total_relation_size('guidance_ledger.events') +
         pg_total_relation_size('guidance_ledger.batches'))::float8 AS bytes FROM guidance_ledger.events`,
    );
    await looker.end();
    if (rows[0].events !== all.length * all[0].size) throw new Error('not all was shipped');
    return { perMs, bytes: rows[0].bytes / rows[0].events };
  });
}

/** The server's own measure: columns are made before the clock runs. */
function bare(context, count) {
  return withServer(async (server) => {
    const all = folders(context, count);
    const files = all.map(({ path }) => join(path, 'events.ndjson'));
    const { stdout } = await run(BARE, [server.address, ...files]);
    return { perMs: rate(all, Number(stdout)) };
  });
}

function single(context) {
  return withServer(async (server) => {
    const count = context.quick ? 1000 : 4000;
    const inserter = await client(server);
    await inserter.query('CREATE TABLE events (id text PRIMARY KEY, at timestamptz, task text, body jsonb)');
    const lines = Array.from({ length: count }, (_, number) => event(number, count));
    const start = performance.now();
    for (const line of lines) {
      const values = [line.eventId, new Date(line.timestamp), line.taskId, JSON.stringify(line)];
      await inserter.query('INSERT INTO events VALUES ($1, $2, $3, $4)', values);
    }
    const ms = performance.now() - start;
    await inserter.end();
    return { perMs: count / ms };
  });
}

/** Commits a second of so many machines at once, twenty events each time, as `fleet ship` sends them. */
function small(context, machines) {
  return withServer(async (server) => {
    const path = join(context.folder, 'folder');
    mkdirSync(path);
    init(server, [path]);
    const end = performance.now() + (context.quick ? 3000 : 10_000);
    const times = [];
    const machine = async (_, number) => {
      const connected = await client(server);
      const source = randomUUID();
      let known = null;
      for (let first = 0; performance.now() < end; first += 20) {
        const lines = Array.from({ length: 20 }, (_, i) => event(number * 1e6 + first + i, 1000));
        const bodies = lines.map((line) => Buffer.from(JSON.stringify(line)));
        const token = randomUUID();
        const start = performance.now();
        await connected.query(SHIP, [
          source,
          Number.parseInt(source.slice(0, 4), 16),
          known,
          token,
          lines.map((line) => new Date(line.timestamp).toISOString()),
          bodies.map((body) => createHash('sha256').update(body).digest('hex').slice(0, 32)),
          lines.map(() => 1),
          bodies,
        ]);
        times.push(performance.now() - start);
        known = token;
      }
      await connected.end();
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: machines }, machine));
    return { commits: (times.length / (performance.now() - start)) * 1000, commitMs: median(times) };
  });
}

/** Nanoseconds of processor time of a process. */
const cpu = (pid) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);

/** Events now and then, one at a time; then a stretch in which nothing comes. */
function follow(context) {
  return withServer(async (server) => {
    const path = join(context.folder, 'folder');
    mkdirSync(path);
    init(server, [path]);
    const looker = await client(server);
    const shipper = spawn(...fleet(path, 'ship'), { stdio: 'ignore' });
    const follower = spawn(...fleet(path, 'follow', '--from', 'start', '--json'), {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const hands = new Map();
    createInterface({ input: follower.stdout }).on('line', (line) => {
      hands.set(JSON.parse(line).eventId, Date.now());
    });
    const accepted = new Map();
    for (let number = 0; number < (context.quick ? 12 : 60); number++) {
      // Times that a follower's pauses have no part in.
      await pause(300 + ((number * 7919) % 1700));
      const id = `event-${number}`;
      accepted.set(id, Date.now());
      const line = JSON.stringify({ eventId: id, taskId: 'task', timestamp: Date.now() });
      execFileSync(TOOL, ['record', '--dir', path], { input: line, stdio: ['pipe', 'ignore', 'inherit'] });
    }
    while (hands.size < accepted.size) await pause(50);
    const { rows } = await looker.query(
      `SELECT convert_from(e.body, 'UTF8')::jsonb->>'eventId' AS id, extract(epoch FROM b.received_at)::float8 * 1000 AS ms
         FROM guidance_ledger.events e JOIN guidance_ledger.batches b USING (batch)`,
    );
    const spans = rows.map(({ id, ms }) => hands.get(id) - ms).sort((a, b) => a - b);
    const whole = [...accepted].map(([id, ms]) => hands.get(id) - ms);
    const { rows: backends } = await looker.query(
      "SELECT pid, query FROM pg_stat_activity WHERE application_name LIKE 'guidance-ledger%'",
    );
    // Of the server's processes, the one that answers the follower.
    const backend = backends.find(({ query }) => query.includes('n.head'))?.pid;
    shipper.kill('SIGTERM');
    await pause(3000);
    const before = [cpu(follower.pid), cpu(backend)];
    const span = context.quick ? 5000 : 20_000;
    await pause(span);
    const share = [cpu(follower.pid), cpu(backend)].map((ns, i) => ((ns - before[i]) / span / 1e6) * 100);
    follower.kill('SIGTERM');
    await looker.end();
    return {
      hand: median(spans),
      late: spans[Math.floor(spans.length * 0.95)],
      whole: median(whole),
      idle: share[0],
      server: share[1],
    };
  });
}

export default {
  title: 'shipping to a PostgreSQL on the same machine, and following it',
  unit: {
    perMs: 'thousand events a second',
    bytes: 'bytes an event, tables and indexes',
    commits: 'commits a second',
    commitMs: 'ms a commit, median',
    hand: 'ms from commit to a follower, median',
    late: 'ms, of 95 of 100 at most',
    whole: 'ms from `record` to a follower, median',
    idle: '% of a core, idle follower',
    server: '% of a core, its server process',
  },
  rounds: { full: 7, quick: 2 },
  prepare: () => {},
  contenders: {
    'one folder': (context) => ship(context, 1),
    'bare INSERT, one client': (context) => bare(context, 1),
    'eight folders': (context) => ship(context, 8),
    'bare INSERT, eight clients': (context) => bare(context, 8),
    'Node `pg`, single inserts': single,
    'eight machines, 20 events each time': (context) => small(context, 8),
    '64 machines, 20 events each time': (context) => small(context, 64),
    follow,
  },
  targets: [
    {
      what: 'of a bare INSERT, one folder',
      atLeast: 0.7,
      of: (r) => r.ratio('one folder', 'bare INSERT, one client', 'perMs'),
    },
    {
      what: 'of a bare INSERT, eight folders',
      atLeast: 0.7,
      of: (r) => r.ratio('eight folders', 'bare INSERT, eight clients', 'perMs'),
    },
    {
      what: 'times single inserts from Node, one folder',
      atLeast: 10,
      of: (r) => r.ratio('one folder', 'Node `pg`, single inserts', 'perMs'),
    },
    { what: 'ms from commit to a follower', atMost: 250, of: (r) => r.median('follow', 'hand') },
    { what: '% of a core, idle follower', atMost: 0.5, of: (r) => r.median('follow', 'idle') },
  ],
};
