/** `kill -9` at any moment: nothing accepted is lost, and the next process finds a folder that works. */
import { expect, test } from 'vitest';
import { ascending, expectKept, numbersOf } from './support/accepted.mjs';
import { logged, logText } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { agent, start } from './support/processes.mjs';
import { Random } from './support/random.mjs';

const ROUNDS = 20;
const seed = Number(process.env.SEED ?? Date.now() % 1e9);

/** Kills a program a random moment after its n-th line. */
async function killedAfter(program, lines, random) {
  await program.said(lines);
  const moment = random.next() * 3;
  if (moment > 1) await new Promise((resolve) => setTimeout(resolve, moment));
  program.kill('SIGKILL');
  expect(await program.ended, program.errors).toBe('SIGKILL');
  return program.lines;
}

/** Writers that are killed, two at a time. `folders` are those of the two. Returns what each folder has accepted. */
async function killRounds(how, folders, random) {
  const accepted = new Map(folders.map((path) => [path, []]));
  for (let round = 0; round < ROUNDS; round += 2) {
    const kills = folders.map(async (path, n) => {
      const program = start('writer', { folder: path, name: `r${round + n}`, how });
      accepted.get(path).push(...(await killedAfter(program, 1 + random.int(120), random)));
    });
    await Promise.all(kills);
  }
  return accepted;
}

describeOurs('kill -9', () => {
  test(`${ROUNDS} rounds of awaited append lose nothing`, async () => {
    // One may hold the folder when it dies, and the other goes on until its own end.
    const store = fresh();
    const accepted = (await killRounds('append', [store, store], new Random(seed))).get(store);
    expect(accepted.length).toBeGreaterThan(ROUNDS);
    const events = await expectKept(store, accepted, `seed ${seed}`, undefined, { torn: true });
    for (let round = 0; round < ROUNDS; round++)
      expect(ascending(numbersOf(events, `r${round}`)), `order of r${round}, seed ${seed}`).toBe(true);
  }, 120_000);

  test(`${ROUNDS} rounds of logEvent lose nothing`, async () => {
    // A folder each: what a call leaves to the background, because another process holds the folder for long,
    // is not accepted when it returns.
    for (const [store, accepted] of await killRounds('logEvent', [fresh(), fresh()], new Random(seed))) {
      expect(accepted.length).toBeGreaterThan(ROUNDS / 2);
      await expectKept(store, accepted, `seed ${seed}`, undefined, { torn: true });
    }
  }, 120_000);

  test('of appenders, a compactor and a saver, ours and the original mixed', async () => {
    const store = fresh();
    const random = new Random(seed + 1);
    const accepted = [];
    for (let round = 0; round < 8; round++) {
      const programs = [
        start('writer', { folder: store, name: `a${round}`, how: 'append' }),
        start('writer', { folder: store, name: `f${round}`, how: 'flush' }),
        start('writer', { folder: store, name: `j${round}`, how: 'append', implementation: 'original' }),
        start('rewriter', { folder: store, how: round % 2 ? 'save' : 'compact', name: `w${round}` }),
      ];
      const lines = await Promise.all(programs.map((it) => killedAfter(it, 1 + random.int(25), random)));
      accepted.push(...lines.slice(0, 3).flat());
    }
    // The rewriter's own events are there to be evicted.
    const events = await expectKept(store, accepted, `seed ${seed}`, undefined, { torn: true });
    expect(events.length).toBeGreaterThanOrEqual(accepted.length);
  }, 120_000);
});

describeFaults('kill -9 at each system call', () => {
  const OPERATIONS = ['open', 'write', 'pwrite', 'fsync', 'rename', 'link', 'unlink', 'ftruncate', 'flock'];

  /** What a process does until it is killed; it tells what was accepted and how far it came. */
  const scenario = async ({ store, ledger, fs }) => {
    const event = (eventId, timestamp) => ({
      eventId,
      taskId: eventId,
      timestamp,
      violations: [],
      reworkLines: 0,
    });
    const said = (text) => fs.writeSync(1, `${text}\n`);
    for (let i = 0; i < 3; i++) {
      await store.append(event(`new-${i}`, 100 + i));
      said(`new-${i}`);
    }
    await ledger.load();
    ledger.finalizeEvent(event('logged', 200));
    said('logged');
    await ledger.save();
    said('saved');
    await ledger.compact();
    said('compacted');
  };

  async function prepared() {
    const path = fresh();
    const store = ours.createEventStore(path);
    for (let i = 0; i < 10; i++) await store.append(runEvent({ eventId: `old-${i}`, timestamp: i }));
    return path;
  }

  const options = (path) => ({ folder: path, options: { maxEvents: 8, durability: 'disk' } });

  test.each(['kill', 'die'])(
    '%s',
    async (action) => {
      const count = new Faults(folder(), '*/store/*');
      const whole = await agent(options(await prepared()), { env: count.env });
      await whole.run(scenario);
      whole.kill();
      const moments = OPERATIONS.flatMap((operation) => {
        const calls = count.calls().filter((call) => call.startsWith(`${operation} `)).length;
        return Array.from({ length: calls }, (_, i) => ({ operation, nth: i + 1 }));
      });
      expect(moments.length).toBeGreaterThan(20);
      // All of them take minutes: each run takes its share, and the seed says which.
      const random = new Random(seed + 2);
      const chosen = process.env.EVERY_CALL
        ? moments
        : moments.filter(() => random.chance(12 / moments.length));
      for (let i = 0; i < chosen.length; i += 2)
        await Promise.all(chosen.slice(i, i + 2).map((it) => die(action, it)));
    },
    600_000,
  );

  async function die(action, { operation, nth }) {
    const path = await prepared();
    const hint = `${action} at ${operation} ${nth}, seed ${seed}`;
    const faults = new Faults(folder());
    const victim = await agent(options(path), { env: faults.env });
    faults.set(`${operation} */store/* ${nth} ${action}`);
    await victim.run(scenario).catch(() => {});
    victim.kill();
    await victim.ended;
    const left = logText(path);
    const repaired = await agent(options(path));
    const found = await repaired.run(async ({ store }) => {
      await store.append({ eventId: 'after', taskId: 'after', timestamp: 300 });
      return { count: (await store.getStats()).eventCount, report: await store.verify() };
    });
    const ids = logged(path).map(({ eventId }) => eventId);
    const compacted = victim.lines.includes('compacted') || !ids.includes('old-0');
    const kept = compacted
      ? [...Array(4).keys()].map((i) => `old-${i + 6}`)
      : [...Array(10).keys()].map((i) => `old-${i}`);
    const accepted = victim.lines.filter((line) => line !== 'saved' && line !== 'compacted');
    expect(new Set(ids).size, `${hint}: ${ids}, was ${left}`).toBe(ids.length);
    expect(ids, hint).toEqual(expect.arrayContaining([...kept, ...accepted, 'after']));
    expect(found.count, hint).toBe(ids.length);
    expect(found.report, hint).toMatchObject({ malformed: [], tornTail: null, duplicateIds: [] });
    // A second recovery finds nothing to do.
    const before = logText(path);
    const again = await agent(options(path));
    await again.run(({ store }) => store.compact(1000));
    expect(logText(path), hint).toBe(before);
    for (const it of [repaired, again]) it.kill();
  }
});
