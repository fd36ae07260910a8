/** Opening a store: paths, instances on one folder, what is created and with which rights. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { followedIndex, logged, paths, snapshot } from './support/disk.mjs';
import { at, runEvent } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

describeOurs('the folder', () => {
  test('a relative path is resolved once, so that chdir does not move the store', async () => {
    const [one, other] = [folder(), folder()];
    const before = process.cwd();
    try {
      process.chdir(one);
      const store = ours.createEventStore('data');
      process.chdir(other);
      await store.append(runEvent());
    } finally {
      process.chdir(before);
    }
    expect(logged(join(one, 'data'))).toHaveLength(1);
    expect(existsSync(join(other, 'data'))).toBe(false);
  });

  test('several names of one folder are one store', async () => {
    const real = folder();
    const link = join(folder(), 'link');
    symlinkSync(real, link);
    const stores = [real, link, `${real}/`, join(real, '..', real.split('/').at(-1)), `${real}/./`].map(
      (path) => ours.createEventStore(path),
    );
    await Promise.all(stores.map((store, i) => store.append(runEvent({ timestamp: i }))));
    expect(logged(real)).toHaveLength(5);
    for (const store of stores) expect((await store.getStats()).eventCount).toBe(5);
  });

  test('names of any kind', async () => {
    for (const name of [
      'with space',
      'ünïcödé 日本 😀',
      '%20',
      'quote\'"',
      'new\nline',
      '-dash',
      '..dots..',
    ]) {
      const path = join(folder(), name);
      await ours.createEventStore(path).append(runEvent());
      expect(logged(path), name).toHaveLength(1);
    }
  });

  test('a store whose folder was removed or replaced starts anew', async () => {
    const path = fresh();
    const store = ours.createEventStore(path);
    await store.append(runEvent({ timestamp: 1 }));
    rmSync(path, { recursive: true });
    expect(await store.readAll()).toEqual([]);
    expect((await store.getStats()).eventCount).toBe(0);
    await store.append(runEvent({ timestamp: 2 }));
    expect(logged(path).map((event) => event.timestamp)).toEqual([2]);
    expect((await followedIndex(path)).eventCount).toBe(1);
  });

  test('reading a missing folder creates nothing, whatever is read', async () => {
    const path = fresh();
    const store = ours.createEventStore(path);
    await store.readAll();
    await store.readRange(0, 1);
    await store.readByTask('a');
    for await (const _ of store.stream()) throw new Error('an event from nowhere');
    await store.getStats();
    await store.compact(0);
    await store.compact(5, { dryRun: true });
    await store.verify();
    await store.flush();
    await store.releaseLock();
    await store.destroy();
    expect(snapshot(path)).toBe(null);
  });

  test('reading an existing store changes none of its files', async () => {
    const path = fresh();
    const store = ours.createEventStore(path);
    for (const event of at(2, 1)) await store.append(event);
    await store.flush();
    const before = snapshot(path);
    const reader = ours.createEventStore(path);
    await reader.readAll();
    await reader.readRange(0, 1);
    await reader.readByTask('task-1');
    await reader.getStats();
    await reader.verify();
    expect(snapshot(path)).toEqual(before);
  });

  test('events are private: new files 0600, new folders 0700', async () => {
    const path = fresh();
    await ours.createEventStore(path).append(runEvent());
    expect((statSync(path).mode & 0o777).toString(8)).toBe('700');
    for (const file of [paths(path).log, paths(path).index])
      expect((statSync(file).mode & 0o777).toString(8), file).toBe('600');
  });

  test('a rewrite keeps the rights of the log', async () => {
    const path = fresh();
    const store = ours.createEventStore(path);
    for (const event of at(1, 2)) await store.append(event);
    chmodSync(paths(path).log, 0o640);
    await store.compact(1);
    expect((statSync(paths(path).log).mode & 0o777).toString(8)).toBe('640');
    await store.writeAll(at(3));
    expect((statSync(paths(path).log).mode & 0o777).toString(8)).toBe('640');
  });

  test('a symbolic link in place of the log is not followed', async () => {
    const path = folder();
    const victim = join(folder(), 'victim');
    writeFileSync(victim, 'precious\n');
    symlinkSync(victim, paths(path).log);
    const failure = await ours
      .createEventStore(path)
      .append(runEvent())
      .catch((error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure.code).toBe('ELOOP');
    expect(readFileSync(victim, 'utf8')).toBe('precious\n');
  });

  test('a symbolic link in place of the lock is not followed', async () => {
    const path = folder();
    const victim = join(folder(), 'victim');
    writeFileSync(victim, 'precious\n');
    symlinkSync(victim, paths(path).lock);
    await ours
      .createEventStore(path)
      .acquireLock()
      .catch((error) => error);
    expect(readFileSync(victim, 'utf8')).toBe('precious\n');
  });

  test('a file where the folder should be: code, path and syscall', async () => {
    const path = join(folder(), 'file');
    writeFileSync(path, '');
    for (const call of [(s) => s.append(runEvent()), (s) => s.writeAll(at(1)), (s) => s.acquireLock()]) {
      const failure = await call(ours.createEventStore(path)).catch((error) => error);
      expect(failure).toBeInstanceOf(Error);
      expect(failure.code).toMatch(/^(ENOTDIR|EEXIST)$/);
      expect(failure.path).toContain(path);
      expect(failure.syscall).toBeTypeOf('string');
      expect(failure.message).toContain(path);
    }
    const below = await ours
      .createEventStore(join(path, 'sub'))
      .append(runEvent())
      .catch((error) => error);
    expect(below.code).toBe('ENOTDIR');
  });

  test('a folder in place of the log is told', async () => {
    const path = folder();
    mkdirSync(paths(path).log);
    const store = ours.createEventStore(path);
    const calls = [() => store.append(runEvent()), () => store.readAll(), () => store.getStats()];
    for (const call of [...calls, () => store.verify()])
      await expect(call()).rejects.toMatchObject({ code: 'EISDIR', syscall: 'open', path: paths(path).log });
    expect(existsSync(paths(path).log)).toBe(true);
  });

  test('destroy leaves nothing but lines set aside and the files of others', async () => {
    const path = folder();
    writeFileSync(paths(path).log, 'malformed\n{"timestamp":1}\n{"timestamp":2}\n');
    writeFileSync(join(path, 'events.ndjson.bak'), 'mine');
    const store = ours.createEventStore(path);
    await store.compact(1);
    await store.append(runEvent());
    await store.acquireLock();
    await store.destroy();
    expect(Object.keys(snapshot(path))).toEqual(['events.ndjson.bak', 'events.rejected.ndjson']);
  });

  test.skipIf(!process.getuid?.())('destroy tells that it may not look into the folder', async () => {
    const path = folder();
    const store = ours.createEventStore(path);
    await store.append(runEvent());
    chmodSync(path, 0o000);
    try {
      await expect(ours.createEventStore(path).destroy()).rejects.toMatchObject({ code: 'EACCES', path });
    } finally {
      chmodSync(path, 0o700);
    }
    expect(logged(path)).toHaveLength(1);
  });

  test('destroy of a folder that is none has nothing to do', async () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'mine');
    for (const gone of [path, fresh()]) await ours.createEventStore(gone).destroy();
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });
});

describeOurs('the default folder', () => {
  test('of a ledger is .claude-flow/guidance below the working directory', async () => {
    const home = mkdtempSync(join(tmpdir(), 'guidance-ledger-'));
    const before = process.cwd();
    try {
      process.chdir(home);
      const ledger = ours.createPersistentLedger();
      ledger.logEvent(runEvent());
      await ledger.flush();
      expect(logged(join(home, '.claude-flow', 'guidance'))).toHaveLength(1);
    } finally {
      process.chdir(before);
      rmSync(home, { recursive: true });
    }
  });
});
