/** `kill -9` of compactions into an archive, several at once: each accepted event is in exactly one of log and archive. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logged } from './support/disk.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { script } from './support/processes.mjs';
import { Random } from './support/random.mjs';

/** More with `ARCHIVE_KILLS=200`. */
const KILLS = Number(process.env.ARCHIVE_KILLS ?? 30);
const seed = Number(process.env.SEED ?? Date.now() % 1e9);

/** Appends and compacts, and says which events were accepted, and when a compaction begins. */
const compactor = async ({ ledgerModule, runEvent, say, folder }, name) => {
  const store = ledgerModule.createEventStore(folder);
  for (let round = 0; ; round++) {
    const events = Array.from({ length: 120 }, (_, i) =>
      runEvent({ eventId: `${name}-${round}-${i}`, timestamp: Date.now(), pad: `${i}`.repeat(100) }),
    );
    await store.appendAll(events);
    say(`accepted ${name}-${round}`);
    await store.compact({ maxEvents: 60, archive: true });
  }
};

async function idsOf(events) {
  const ids = [];
  for await (const { eventId } of events) ids.push(eventId);
  return ids;
}

/** What is lost of the accepted, and what is there twice. */
function faults(ids, accepted) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return {
    lost: accepted.filter((id) => !counts.has(id)),
    twice: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
  };
}

describeOurs('compactions into an archive', () => {
  test(`${KILLS} of them are killed: nothing is lost, and nothing is there twice`, async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    const random = new Random(seed);
    const accepted = [];
    let evictions = 0;
    for (let kill = 0; kill < KILLS; kill += 2) {
      const two = [0, 1].map((n) => script(folder, compactor, [`k${kill + n}`]));
      await Promise.all(
        two.map(async (program) => {
          await program.said(1 + random.int(3));
          // Somewhere in the compaction that began then, which takes some milliseconds.
          await new Promise((resolve) => setTimeout(resolve, random.next() * 25));
          program.kill('SIGKILL');
          expect(await program.ended, program.errors).toBe('SIGKILL');
          for (const line of program.lines)
            for (let i = 0; i < 120; i++) accepted.push(`${line.replace('accepted ', '')}-${i}`);
        }),
      );
      evictions += readdirSync(folder).filter((name) => /\.events\.(evict|archived)/.test(name)).length;
      const ids = await idsOf(store.stream({ archive: true }));
      expect(faults(ids, accepted), `after ${kill + 2} kills, seed ${seed}`).toEqual({ lost: [], twice: [] });
    }
    expect(evictions, 'some were killed in the middle').toBeGreaterThan(0);
    // The next compaction brings everything to its place, where any program finds it.
    await store.compact({ maxEvents: 1, archive: true });
    expect(readdirSync(folder).filter((name) => /\.events\.(evict|archived)/.test(name))).toEqual([]);
    const files = readdirSync(join(folder, 'archive')).filter((name) => name.startsWith('events-'));
    const archived = files.flatMap((name) =>
      execFileSync('zcat', [join(folder, 'archive', name)], { maxBuffer: 1 << 30 })
        .toString()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).eventId),
    );
    const all = [...archived, ...logged(folder, { torn: true }).map(({ eventId }) => eventId)];
    expect(faults(all, accepted), `seed ${seed}`).toEqual({ lost: [], twice: [] });
    const { archive } = await store.verify();
    expect(archive.events).toBe(archived.length);
    expect(archive.files.flatMap(({ damage }) => damage)).toEqual([]);
  }, 300_000);
});
