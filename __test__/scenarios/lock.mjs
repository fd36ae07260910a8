/** The lock of a folder. */

import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { bytes, paths, readLock } from '../support/disk.mjs';
import { runEvent } from '../support/events.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function plant(folder, content, ageMs = 20_000) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).lock, typeof content === 'string' ? content : JSON.stringify(content));
  const then = (Date.now() - ageMs) / 1000;
  utimesSync(paths(folder).lock, then, then);
}

const peer = (age) => ({ holder: 'peer', timestamp: Date.now() - age, pid: 1 });

export const lock = {
  async 'acquireLock writes holder, timestamp and pid'({ createEventStore }, folder) {
    const before = Date.now();
    expect(await createEventStore(folder).acquireLock()).toBe(undefined);
    const content = readLock(folder);
    expect(content.holder).toMatch(UUID);
    expect(content.timestamp).toBeGreaterThanOrEqual(before);
    expect(content.timestamp).toBeLessThanOrEqual(Date.now());
    expect(content.pid).toBe(process.pid);
    return null;
  },

  async 'a held lock refuses another store'({ createEventStore }, folder) {
    await createEventStore(folder).acquireLock();
    const refusal = await createEventStore(folder)
      .acquireLock()
      .catch((error) => error);
    expect(refusal).toBeInstanceOf(Error);
    const { holder } = readLock(folder);
    expect(refusal.message).toMatch(
      /^Storage is locked by another process \(holder: [0-9a-f-]{36}, age: \d+ms\)\. Lock file: /,
    );
    expect(refusal.message).toContain(holder);
    // Ours goes on with a sentence of what to do.
    const [sentence] = /^.*? Lock file: .*?\.lock(?=$|\. )/.exec(refusal.message);
    expect(sentence.endsWith(`Lock file: ${paths(folder).lock}`)).toBe(true);
    return sentence;
  },

  async 'a second acquireLock of the same store fails too'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    await store.acquireLock();
    await expect(store.acquireLock()).rejects.toThrow('Storage is locked by another process');
    await store.releaseLock();
    return null;
  },

  async 'releaseLock makes room'({ createEventStore }, folder) {
    const [one, other] = [createEventStore(folder), createEventStore(folder)];
    await one.acquireLock();
    expect(await one.releaseLock()).toBe(undefined);
    expect(existsSync(paths(folder).lock)).toBe(false);
    await other.acquireLock();
    expect(readLock(folder).pid).toBe(process.pid);
    await other.releaseLock();
    await one.acquireLock();
    return null;
  },

  async 'only the holder releases'({ createEventStore }, folder) {
    await createEventStore(folder).acquireLock();
    const before = bytes(paths(folder).lock);
    await createEventStore(folder).releaseLock();
    expect(bytes(paths(folder).lock)).toEqual(before);
    return null;
  },

  async 'releasing what is not held is no error'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    await store.releaseLock();
    await store.acquireLock();
    await store.releaseLock();
    await store.releaseLock();
    expect(existsSync(paths(folder).lock)).toBe(false);
    return null;
  },

  async "another program's fresh lock is respected"({ createEventStore }, folder) {
    plant(folder, peer(29_000), 0);
    const before = bytes(paths(folder).lock);
    const store = createEventStore(folder);
    await expect(store.acquireLock()).rejects.toThrow(
      /^Storage is locked by another process \(holder: peer, age: (29|30)\d{3}ms\)/,
    );
    await store.releaseLock();
    expect(bytes(paths(folder).lock)).toEqual(before);
    return null;
  },

  async 'a lock of 30 seconds is taken over'({ createEventStore }, folder) {
    plant(folder, peer(30_001));
    const store = createEventStore(folder);
    await store.acquireLock();
    expect(readLock(folder).pid).toBe(process.pid);
    await store.releaseLock();
    expect(existsSync(paths(folder).lock)).toBe(false);
    return null;
  },

  async 'a lock file that says nothing is taken over'({ createEventStore }, folder) {
    const store = createEventStore(folder);
    for (const content of [
      '',
      '{',
      'not json',
      'null',
      '"text"',
      '{"holder":"peer"}',
      '{"holder":"peer","timestamp":"yesterday"}',
      '\u0000'.repeat(50),
    ]) {
      plant(folder, content);
      await store.acquireLock();
      expect(readLock(folder).pid, content).toBe(process.pid);
      await store.releaseLock();
    }
    return null;
  },

  async 'appending and reading do not ask for the lock'({ createEventStore }, folder) {
    const [holder, other] = [createEventStore(folder), createEventStore(folder)];
    await holder.acquireLock();
    const event = runEvent();
    await other.append(event);
    expect(await other.readAll()).toEqual([event]);
    expect((await other.getStats()).eventCount).toBe(1);
    await holder.releaseLock();
    return null;
  },
};
