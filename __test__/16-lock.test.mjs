/** The lock, beyond the original: exclusive, told by code, waited for, kept fresh, free when its holder dies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { paths, readLock } from './support/disk.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, original, ours } from './support/implementations.mjs';

/** Another process that takes the lock and keeps it; resolves when it has it. */
async function holder(folder) {
  const script = `
    const { createEventStore } = require('guidance-ledger');
    createEventStore(${JSON.stringify(folder)}).acquireLock().then(() => { console.log('held'); setInterval(() => {}, 1000); });
  `;
  const child = spawn(process.execPath, ['-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stdout, 'data');
  expect(String(said)).toBe('held\n');
  return child;
}

const foreign = (age) =>
  JSON.stringify({ holder: 'a JavaScript program', timestamp: Date.now() - age, pid: 1 });

function plant(folder, content) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).lock, content);
}

describeOurs('the lock', () => {
  test('has one holder, however many race for it', async () => {
    const folder = fresh();
    for (let round = 0; round < 20; round++) {
      const stores = Array.from({ length: 8 }, () => ours.createEventStore(folder));
      const taken = await Promise.allSettled(stores.map((store) => store.acquireLock()));
      expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await stores[taken.findIndex(({ status }) => status === 'fulfilled')].releaseLock();
    }
  });

  test('a refusal has a code and the path', async () => {
    const folder = fresh();
    await ours.createEventStore(folder).acquireLock();
    const refusal = await ours
      .createEventStore(folder)
      .acquireLock()
      .catch((error) => error);
    expect(refusal).toMatchObject({ code: 'ELOCKED', path: paths(folder).lock });
    const ledger = ours.createPersistentLedger({ storagePath: folder });
    await expect(ledger.save()).rejects.toMatchObject({ code: 'ELOCKED' });
    await expect(ledger.compact()).rejects.toMatchObject({ code: 'ELOCKED' });
  });

  test('lockTimeoutMs waits until the lock is free', async () => {
    const folder = fresh();
    const first = ours.createEventStore(folder);
    await first.acquireLock();
    let taken = false;
    const waiting = ours
      .createEventStore(folder, { lockTimeoutMs: 20_000 })
      .acquireLock()
      .then(() => (taken = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(taken).toBe(false);
    await first.releaseLock();
    await waiting;
    expect(taken).toBe(true);
  });

  test('lockTimeoutMs is the most that is waited', async () => {
    const folder = fresh();
    await ours.createEventStore(folder).acquireLock();
    const start = performance.now();
    await expect(ours.createEventStore(folder, { lockTimeoutMs: 150 }).acquireLock()).rejects.toMatchObject({
      code: 'ELOCKED',
    });
    const waited = performance.now() - start;
    expect(waited).toBeGreaterThanOrEqual(140);
    expect(waited).toBeLessThan(5000);
  });

  test('another process holds it, and the original respects it', async () => {
    const folder = fresh();
    const child = await holder(folder);
    expect(readLock(folder).pid).toBe(child.pid);
    await expect(ours.createEventStore(folder).acquireLock()).rejects.toThrow(
      'Storage is locked by another process',
    );
    await expect(original.createEventStore(folder).acquireLock()).rejects.toThrow(
      'Storage is locked by another process',
    );
  });

  test('it is free at once when its holder is killed', async () => {
    const folder = fresh();
    const child = await holder(folder);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(paths(folder).lock)).toBe(true);
    await ours.createEventStore(folder).acquireLock();
    expect(readLock(folder).pid).toBe(process.pid);
  });

  test('a JavaScript program may hold it: fresh is respected, 30 seconds old is not', async () => {
    const folder = fresh();
    const theirs = original.createEventStore(folder);
    await theirs.acquireLock();
    const store = ours.createEventStore(folder);
    await expect(store.acquireLock()).rejects.toMatchObject({ code: 'ELOCKED' });
    await theirs.releaseLock();
    await store.acquireLock();
    await expect(theirs.acquireLock()).rejects.toThrow('Storage is locked by another process');
    await store.releaseLock();
    await theirs.acquireLock();
    plant(folder, foreign(30_500));
    await store.acquireLock();
    expect(readLock(folder).pid).toBe(process.pid);
  });

  test('a lock file that is being written is looked at again', async () => {
    const folder = fresh();
    plant(folder, '{"hold');
    const taken = ours
      .createEventStore(folder)
      .acquireLock()
      .catch((error) => error);
    writeFileSync(paths(folder).lock, foreign(0));
    const refusal = await taken;
    expect(refusal).toMatchObject({ code: 'ELOCKED' });
    expect(refusal.message).toContain('holder: a JavaScript program');
  });

  test('a lock file that stays unreadable is taken over', async () => {
    const folder = fresh();
    plant(folder, '{"hold');
    await ours.createEventStore(folder, { lockTimeoutMs: 5000 }).acquireLock();
    expect(readLock(folder).pid).toBe(process.pid);
  });

  test('a time in the future does not block for ever', async () => {
    const folder = fresh();
    plant(folder, JSON.stringify({ holder: 'from the future', timestamp: Date.now() + 1e12, pid: 1 }));
    utimesSync(paths(folder).lock, 1, 1);
    await ours.createEventStore(folder).acquireLock();
    expect(readLock(folder).pid).toBe(process.pid);
  });

  test('a holder cannot put control characters or a novel into our message', async () => {
    const folder = fresh();
    plant(
      folder,
      JSON.stringify({ holder: `\u001b[31mred\n${'x'.repeat(3000)}`, timestamp: Date.now(), pid: 1 }),
    );
    const refusal = await ours
      .createEventStore(folder)
      .acquireLock()
      .catch((error) => error);
    expect(refusal.code).toBe('ELOCKED');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(refusal.message).not.toMatch(/[\u0000-\u001f]/);
    expect(refusal.message.length).toBeLessThan(1000);
  });

  test('releaseLock removes no lock but ours, even if another was written over it', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await store.acquireLock();
    writeFileSync(paths(folder).lock, foreign(0));
    await store.releaseLock();
    expect(readLock(folder).holder).toBe('a JavaScript program');
    await expect(store.acquireLock()).rejects.toMatchObject({ code: 'ELOCKED' });
    plant(folder, foreign(31_000));
    await store.acquireLock();
    writeFileSync(paths(folder).lock, 'nobody’s');
    await store.releaseLock();
    expect(existsSync(paths(folder).lock)).toBe(false);
  });

  test('stores of several folders do not know each other', async () => {
    const stores = [fresh(), fresh()].map((folder) => ours.createEventStore(folder));
    for (const store of stores) await store.acquireLock();
    for (const store of stores) await expect(store.acquireLock()).rejects.toThrow('Storage is locked');
  });

  test('destroy removes the lock of any holder', async () => {
    const folder = fresh();
    await ours.createEventStore(folder).acquireLock();
    await ours.createEventStore(folder).destroy();
    const store = ours.createEventStore(folder);
    await store.acquireLock();
    await expect(ours.createEventStore(folder).acquireLock()).rejects.toThrow('Storage is locked');
    await store.releaseLock();
  });

  test.skipIf(Symbol.asyncDispose === undefined)('disposal gives it back', async () => {
    const folder = fresh();
    const store = ours.createEventStore(folder);
    await store.acquireLock();
    await store[Symbol.asyncDispose]();
    expect(existsSync(paths(folder).lock)).toBe(false);
  });
});
