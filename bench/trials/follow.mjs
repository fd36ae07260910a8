// Following the log: how soon another process's event is there, how fast a backlog is, what waiting costs.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ours } from '../support/contenders.mjs';
import { fixture } from '../support/fixture.mjs';

const MODULE = fileURLToPath(new URL('../../index.js', import.meta.url));
const TASKS = 100;
const BACKLOG = 100_000;

/** Appends an event whenever it is asked, and says when that was resolved, by the system's clock. */
const WRITER = `
  const { createEventStore } = require(process.argv[1]);
  const store = createEventStore(process.argv[2]);
  require('node:readline').createInterface({ input: process.stdin }).on('line', async (number) => {
    await store.append({ eventId: 'w' + number, taskId: 't', timestamp: Date.now(), violations: [] });
    process.stdout.write(performance.timeOrigin + performance.now() + '\\n');
  });
`;

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** What this process takes while it waits, in percent. */
async function shareOfACore() {
  // Node is not idle at once.
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const before = process.cpuUsage();
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1000 / (performance.now() - start)) * 100;
}

export default {
  title: '`follow`: an event of another process, a backlog of 100,000, an idle reader',
  unit: {
    p50Ms: 'ms from the append resolved to the event in hand, median',
    p99Ms: '… in 99 of 100 cases',
    ms: 'ms for the backlog',
    idle: '% of a core while nothing happens',
  },
  rounds: { full: 5, quick: 2 },
  prepare: ({ data }) => {
    fixture(data, BACKLOG, TASKS);
  },
  contenders: {
    'follow, another process appends': async ({ folder, quick }) => {
      const store = ours().createEventStore(folder);
      await store.append({ eventId: 'first', taskId: 't', timestamp: 0, violations: [] });
      const writer = spawn(process.execPath, ['-e', WRITER, MODULE, folder], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const resolved = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
      const follower = store.follow();
      await follower.next();
      const waits = [];
      for (let number = 0; number < (quick ? 200 : 1000); number++) {
        const next = follower.next().then(() => performance.timeOrigin + performance.now());
        await new Promise((resolve) => setTimeout(resolve, number % 5));
        writer.stdin.write(`${number}\n`);
        const { value } = await resolved.next();
        waits.push(Math.max(0, (await next) - Number(value)));
      }
      writer.stdin.end();
      await once(writer, 'exit');
      await store.close();
      waits.sort((a, b) => a - b);
      return { p50Ms: at(waits, 0.5), p99Ms: at(waits, 0.99) };
    },
    'follow, backlog': async ({ data }) => {
      const store = ours().createEventStore(fixture(data, BACKLOG, TASKS));
      globalThis.gc();
      const start = performance.now();
      let count = 0;
      for await (const { event, cursor } of store.follow()) {
        if (event.timestamp >= 0 && cursor.length > 0 && ++count === BACKLOG) break;
      }
      return { ms: performance.now() - start };
    },
    'stream, the same': async ({ data }) => {
      const store = ours().createEventStore(fixture(data, BACKLOG, TASKS));
      globalThis.gc();
      const start = performance.now();
      let count = 0;
      for await (const event of store.stream()) if (event.timestamp >= 0) count++;
      if (count !== BACKLOG) throw new Error('not all events were read');
      return { ms: performance.now() - start };
    },
    'follow, idle': async ({ folder }) => {
      const store = ours().createEventStore(folder);
      await store.append({ eventId: 'first', taskId: 't', timestamp: 0, violations: [] });
      // What Node itself takes is not the follower's.
      const own = await shareOfACore();
      const follower = store.follow();
      await follower.next();
      const pending = follower.next();
      const idle = (await shareOfACore()) - own;
      await follower.return();
      await pending;
      await store.close();
      return { idle };
    },
  },
  targets: [
    {
      what: 'ms, median, from an append of another process to the event in hand',
      atMost: 10,
      of: (r) => r.median('follow, another process appends', 'p50Ms'),
    },
    {
      what: '… in 99 of 100 cases',
      atMost: 60,
      of: (r) => r.median('follow, another process appends', 'p99Ms'),
    },
    {
      what: 'of the time of `stream()` for a backlog',
      atMost: 1.25,
      of: (r) => r.ratio('follow, backlog', 'stream, the same', 'ms'),
    },
    {
      what: '% of a core while nothing happens',
      atMost: 0.1,
      of: (r) => r.median('follow, idle', 'idle'),
    },
  ],
};
