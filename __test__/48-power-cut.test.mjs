/** Power cuts: with durability 'disk' nothing accepted is lost, and without it the cut is a real one. */
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { compareIds, expectKept } from './support/accepted.mjs';
import { paths } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { ours } from './support/implementations.mjs';
import { Disk, describeDisks } from './support/mounts.mjs';
import { agent, start, storeOf } from './support/processes.mjs';
import { Random } from './support/random.mjs';

const CUTS = 6;
const seed = Number(process.env.SEED ?? Date.now() % 1e9);
const size = { ext4: 32, xfs: 320 };

/**
 * Lets programs work, cuts the power and restores it. Returns what the programs had told before the cut began: the kernel lets an
 * fdatasync that is under way while the file system is shut down succeed now and then, which no real power cut would let anyone hear of.
 */
async function cut(disk, programs, others, random) {
  await Promise.all([...programs.map((it) => it.said(5)), ...others.map((it) => it.said(1))]);
  await new Promise((resolve) => setTimeout(resolve, random.next() * 60));
  const told = programs.flatMap(({ lines }) => lines);
  disk.cutPower();
  for (const it of [...programs, ...others]) it.kill();
  await Promise.all([...programs, ...others].map((it) => it.ended));
  disk.restorePower();
  return told;
}

for (const type of ['ext4', 'xfs'])
  describeDisks(
    'a power cut',
    type,
    () => {
      test(`${CUTS} cuts lose nothing that was accepted on the disk`, async () => {
        const disk = new Disk(type, size[type]);
        const path = join(disk.path, 'store');
        const random = new Random(seed);
        const accepted = [];
        for (let round = 0; round < CUTS; round++) {
          const options = { durability: 'disk' };
          const programs = ['append', 'burst', 'flush'].map((how) =>
            start('writer', { folder: path, name: `${how}${round}`, how, options }),
          );
          // In every other round the log is replaced all the while; evicted is only what the compactor added
          // itself.
          const others =
            round % 2 ? [start('rewriter', { folder: path, how: 'compact', name: `c${round}` })] : [];
          const told = await cut(disk, programs, others, random);
          expect(told.length, 'accepted in this round').toBeGreaterThan(0);
          accepted.push(...told);
          // By a process that ends: an open file would keep the disk from being unmounted.
          const next = await agent({ folder: path });
          await expectKept(path, accepted, `round ${round}, seed ${seed}`, storeOf(next), { torn: true });
          next.kill();
          await next.ended;
        }
      }, 120_000);

      test('a new folder and a new log are on the disk as soon as an event is', async () => {
        const disk = new Disk(type, size[type]);
        const path = join(disk.path, 'a', 'b', 'store');
        const program = start('writer', {
          folder: path,
          name: 'first',
          how: 'append',
          count: 1,
          options: { durability: 'disk' },
        });
        await program.done();
        disk.cutPower();
        disk.restorePower();
        await expectKept(path, ['first-0']);
      });

      test('a rewrite is there before or after, whole', async () => {
        const disk = new Disk(type, size[type]);
        const path = join(disk.path, 'store');
        const fill = start('writer', { folder: path, name: 'e', how: 'append', count: 50 });
        await fill.done();
        const it = await agent({ folder: path });
        const compacted = await it.run(({ store }) => store.compact(10));
        it.kill();
        await it.ended;
        disk.cutPower();
        disk.restorePower();
        // Its promise had resolved, so it is after, also without durability 'disk'.
        expect(compacted).toBe(40);
        const events = await expectKept(
          path,
          Array.from({ length: 10 }, (_, i) => `e-${40 + i}`),
        );
        expect(events).toHaveLength(11);
      });

      test.each([
        ['and lacks the line', false],
        ['and has the line already', true],
      ])('beside a JavaScript program that replaces the log meanwhile, %s', async (_, has) => {
        const disk = new Disk(type, size[type]);
        const path = join(disk.path, 'store');
        const it = await agent({ folder: path, options: { durability: 'disk' } });
        const add = (id) => it.run(({ store }, event) => store.append(event), runEvent({ eventId: id }));
        await add('first');
        // As the module does it: the lock, a new file, its name, and no fsync anywhere.
        const { log, lock } = paths(path);
        writeFileSync(lock, JSON.stringify({ holder: crypto.randomUUID(), timestamp: Date.now(), pid: 1 }));
        const old = readFileSync(log, 'utf8');
        const added = add('second');
        await vi.waitUntil(() => readFileSync(log, 'utf8').includes('second'), {
          timeout: 10_000,
          interval: 1,
        });
        writeFileSync(join(path, 'other.tmp'), has ? readFileSync(log, 'utf8') : old);
        renameSync(join(path, 'other.tmp'), log);
        unlinkSync(lock);
        await added;
        disk.cutPower();
        it.kill();
        await it.ended;
        disk.restorePower();
        await expectKept(path, ['first', 'second']);
      });

      test("the cut is a real one: 'process' loses events", async () => {
        const disk = new Disk(type, size[type]);
        const path = join(disk.path, 'store');
        const program = start('writer', { folder: path, name: 'e', how: 'append' });
        await program.said(200);
        disk.cutPower();
        program.kill();
        await program.ended;
        disk.restorePower();
        const { lost } = compareIds(path, program.lines.slice(0, 200));
        expect(lost.at(-1)).toMatch(/1\d\d in all|200 in all/);
        // What is left is a folder that works.
        const store = ours.createEventStore(path);
        await store.append({ eventId: 'after', taskId: 't', timestamp: 1 });
        const { eventCount } = await store.getStats();
        expect(await store.readAll()).toHaveLength(eventCount);
      });
    },
    { cuts: true },
  );
