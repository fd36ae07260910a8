/** The lock among processes: one holder, for as long as it holds, and free the moment it dies. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { paths, readLock, until } from './support/disk.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { agent, start } from './support/processes.mjs';
import { Random } from './support/random.mjs';

const seed = Number(process.env.SEED ?? Date.now() % 1e9);
const acquire = ({ store }) => store.acquireLock();
const release = ({ store }) => store.releaseLock();
const LOCKED = 'Storage is locked by another process';

describeOurs('the lock among processes', () => {
  test('200 races have one winner each', async () => {
    const store = fresh();
    const marker = join(folder(), 'marker');
    const racers = [0, 1, 2, 3].map(() => start('racer', { folder: store, marker, count: 50 }));
    const rounds = await Promise.all(racers.map((racer) => racer.done()));
    expect(rounds.map(({ length }) => length)).toEqual([50, 50, 50, 50]);
    expect(existsSync(paths(store).lock)).toBe(false);
    // Nothing of the race is left lying about.
    expect(readdirSync(store).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('also while holders are killed', async () => {
    const store = fresh();
    const marker = join(folder(), 'marker');
    const random = new Random(seed);
    const steady = [0, 1].map(() => start('racer', { folder: store, marker, count: 40, holdMs: 1 }));
    for (let round = 0; round < 10; round++) {
      const victim = start('racer', { folder: store, marker, count: 1000, holdMs: 1 });
      await victim.said(1 + random.int(4));
      victim.kill();
      await victim.ended;
    }
    for (const racer of steady) expect(await racer.done(), `seed ${seed}`).toHaveLength(40);
    await (await agent({ folder: store })).run(acquire);
    expect(readdirSync(store).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('clocks that JavaScript was given are not believed', async () => {
    for (const time of [0, -1, 5, Number.NaN, Number.POSITIVE_INFINITY, 1e14, -8.64e15]) {
      const store = fresh();
      const it = await agent({ folder: store });
      await it.run(({ store }, time) => {
        Date.now = () => time;
        return store.acquireLock();
      }, time);
      expect(Math.abs(readLock(store).timestamp - Date.now()), String(time)).toBeLessThan(60_000);
      expect(await (await agent({ folder: store })).fails(acquire)).toMatchObject({ code: 'ELOCKED' });
      const theirs = await agent({ folder: store, implementation: 'original' });
      expect((await theirs.fails(acquire)).message).toContain(LOCKED);
    }
  });

  test('ten processes want a lock whose holder has just died: one gets it', async () => {
    const store = fresh();
    const agents = await Promise.all(Array.from({ length: 6 }, () => agent({ folder: store })));
    for (let round = 0; agents.length > 2; round++) {
      const taken = await Promise.allSettled(agents.map((it) => it.run(acquire)));
      const winners = agents.filter((_, i) => taken[i].status === 'fulfilled');
      expect(winners, `round ${round}`).toHaveLength(1);
      for (const { reason } of taken.filter(({ status }) => status === 'rejected')) {
        expect(reason).toMatchObject({ code: 'ELOCKED', path: paths(store).lock });
        expect(reason.message).toContain(LOCKED);
      }
      const [winner] = winners;
      expect(readLock(store).pid).toBe(winner.pid);
      winner.kill();
      await winner.ended;
      agents.splice(agents.indexOf(winner), 1);
    }
  });

  test('who waits gets it as soon as the holder dies', async () => {
    const store = fresh();
    const holder = await agent({ folder: store });
    await holder.run(acquire);
    const waiting = ours.createEventStore(store, { lockTimeoutMs: 25_000 }).acquireLock();
    const begun = performance.now();
    holder.kill();
    await waiting;
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(readLock(store).pid).toBe(process.pid);
  });

  test('a stopped holder keeps it, whatever the clock says', async () => {
    const store = fresh();
    const holder = await agent({ folder: store });
    await holder.run(acquire);
    holder.kill('SIGSTOP');
    const other = await agent({ folder: store });
    const refusal = await other.fails(({ store }) => {
      const { now } = Date;
      Date.now = () => now() + 3_600_000;
      return store.acquireLock();
    });
    expect(refusal).toMatchObject({ code: 'ELOCKED', path: paths(store).lock });
    expect(refusal.message, 'by the true clock').toMatch(/age: \d{1,4}ms/);
    holder.kill('SIGCONT');
    await holder.run(release);
    await other.run(acquire);
  });

  test('a holder that was stopped while the original took over does not take it back or away', async () => {
    const store = fresh();
    const holder = await agent({ folder: store });
    await holder.run(acquire);
    holder.kill('SIGSTOP');
    const theirs = await agent({ folder: store, implementation: 'original' });
    // The original believes its clock: after 30 seconds without a word the holder is gone.
    await theirs.run(({ store }) => {
      const { now } = Date;
      Date.now = () => now() + 30_050;
      return store.acquireLock().finally(() => {
        Date.now = now;
      });
    });
    const taken = readLock(store);
    expect(taken.pid).toBe(theirs.pid);
    holder.kill('SIGCONT');
    await holder.run(release);
    expect(readLock(store)).toEqual(taken);
    expect(await (await agent({ folder: store })).fails(acquire)).toMatchObject({ code: 'ELOCKED' });
  });

  test('it is kept also when its store object is garbage', async () => {
    const store = fresh();
    const holder = await agent({ folder: store }, { nodeOptions: ['--expose-gc'] });
    await holder.run(({ ledgerModule, folder }) => ledgerModule.createEventStore(folder).acquireLock());
    for (let i = 0; i < 5; i++) await holder.run(() => void globalThis.gc());
    const refusal = await ours
      .createEventStore(store)
      .acquireLock()
      .catch((error) => error);
    expect(refusal).toMatchObject({ code: 'ELOCKED' });
  });

  test('a ledger that saves or compacts holds it and gives it back, also when it fails', async () => {
    const store = fresh();
    const here = ours.createPersistentLedger({ storagePath: store, maxEvents: 1 });
    const other = await agent({ folder: store });
    await here.save();
    await other.run(acquire);
    await expect(here.save()).rejects.toThrow(LOCKED);
    await expect(here.compact()).rejects.toThrow(LOCKED);
    await other.run(release);
    await here.compact();
    await here.save();
    expect(existsSync(paths(store).lock)).toBe(false);
  });
});

describeFaults('the lock and the clock', () => {
  /** A holder whose clocks the test moves; each event makes it look at them. */
  async function holder(store) {
    const faults = new Faults(folder());
    const it = await agent({ folder: store }, { env: faults.env });
    await it.run(acquire);
    return { it, faults };
  }

  const shifted = (by) => async (store) => {
    const theirs = await agent({ folder: store, implementation: 'original' });
    return theirs.run(async ({ store }, by) => {
      const { now } = Date;
      Date.now = () => now() + by;
      try {
        await store.acquireLock();
        return 'taken';
      } catch (error) {
        return error.message;
      }
    }, by);
  };

  test('a holder that works for longer than 30 seconds keeps it: its file is kept fresh', async () => {
    const store = fresh();
    const { it, faults } = await holder(store);
    const { timestamp, ...same } = readLock(store);
    for (const elapsed of [20_000, 40_000, 60_000]) {
      // With work to come back to in a moment, its thread looks at the clock then.
      await it.run(({ ledger }) => void ledger.finalizeEvent(ledger.createEvent('work', 'feature', 'hash')));
      faults.advance(elapsed);
      const refreshed = () => readLock(store).timestamp >= timestamp + elapsed;
      await until(refreshed, `a timestamp ${elapsed} ms later`, 20_000);
      expect(readLock(store)).toMatchObject(same);
    }
    const original = await shifted(60_000)(store);
    expect(original).toContain(LOCKED);
    const ourOther = await agent({ folder: store }, { env: faults.env });
    expect(await ourOther.fails(acquire)).toMatchObject({ code: 'ELOCKED' });
    await it.run(release);
    expect(existsSync(paths(store).lock)).toBe(false);
    await ourOther.run(acquire);
  });

  test('given back, it is not refreshed any more', async () => {
    const store = fresh();
    const { it, faults } = await holder(store);
    await it.run(release);
    const other = ours.createEventStore(store);
    await other.acquireLock();
    const before = readLock(store);
    faults.advance(60_000);
    await it.run(({ ledger }) => void ledger.finalizeEvent(ledger.createEvent('work', 'feature', 'hash')));
    await it.run(({ ledger }) => ledger.flush());
    expect(readLock(store)).toEqual(before);
    await other.releaseLock();
  });

  test('a clock that goes back does not make it expire or last for ever', async () => {
    const store = fresh();
    const { it, faults } = await holder(store);
    faults.advance(0);
    const early = await agent({ folder: store });
    const refusal = await early.fails(({ store }) => {
      const { now } = Date;
      Date.now = () => now() - 3_600_000;
      return store.acquireLock();
    });
    expect(refusal).toMatchObject({ code: 'ELOCKED' });
    it.kill();
    await it.ended;
    await early.run(acquire);
  });
});
