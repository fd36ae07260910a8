/**
 * Failing system calls: each is told with code, path and name of the call, harms nothing that was accepted before, and is over
 * once its cause is gone.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { expectKept } from './support/accepted.mjs';
import { logged, logText, paths } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { bind, describeMounts } from './support/mounts.mjs';
import { agent } from './support/processes.mjs';

const append = ({ store }, event) => store.append(event);
const idsIn = (store) => logged(store).map(({ eventId }) => eventId);

/** A store with three events in it and a process that meets the faults. */
async function victim(options = {}) {
  const store = fresh();
  for (const i of [0, 1, 2])
    await ours.createEventStore(store).append(runEvent({ eventId: `old-${i}`, timestamp: i }));
  const faults = new Faults(folder(), '*/store/*');
  const it = await agent({ folder: store, ...options }, { env: faults.env });
  return { store, faults, it };
}

const CALLS = {
  append,
  compact: ({ store }) => store.compact(1),
  writeAll: ({ store }, event) => store.writeAll([event]),
  save: async ({ ledger }) => {
    await ledger.load();
    await ledger.save();
  },
  acquireLock: ({ store }) => store.acquireLock(),
  readAll: ({ store }) => store.readAll(),
  getStats: ({ store }) => store.getStats(),
};

describeFaults('a failing system call', () => {
  test.each([
    ['append', 'write */events.ndjson', 'ENOSPC', 'events.ndjson', 'write'],
    ['append', 'write */events.ndjson', 'EIO', 'events.ndjson', 'write'],
    ['append', 'write */events.ndjson', 'EDQUOT', 'events.ndjson', 'write'],
    ['append', 'open */events.ndjson', 'EACCES', 'events.ndjson', 'open'],
    ['append', 'open */events.ndjson', 'EMFILE', 'events.ndjson', 'open'],
    ['append', 'open */events.ndjson', 'EROFS', 'events.ndjson', 'open'],
    ['append', 'open */.events.lk', 'EACCES', '.events.lk', 'open'],
    ['append', 'flock */.events.lk', 'ENOLCK', '.events.lk', 'flock'],
    ['compact', 'open */events.tmp.*', 'ENOSPC', 'events', 'open'],
    ['compact', 'pwrite */events.tmp.*', 'ENOSPC', 'events', 'write'],
    ['compact', 'pwrite */events.tmp.*', 'EIO', 'events', 'write'],
    ['compact', 'fsync */events.tmp.*', 'EIO', 'events', 'fsync'],
    ['compact', 'fsync */.events.ckpt', 'EIO', '.events.ckpt', 'fsync'],
    ['compact', 'link */.events.prev', 'ENOSPC', '.events.prev', 'link'],
    ['compact', 'rename */events.ndjson', 'EACCES', 'events.ndjson', 'rename'],
    ['compact', 'rename */events.ndjson', 'EIO', 'events.ndjson', 'rename'],
    ['writeAll', 'rename */events.ndjson', 'EROFS', 'events.ndjson', 'rename'],
    ['writeAll', 'pwrite */events.tmp.*', 'EDQUOT', 'events', 'write'],
    ['save', 'rename */events.ndjson', 'EIO', 'events.ndjson', 'rename'],
    ['save', 'fsync */events.tmp.*', 'EIO', 'events', 'fsync'],
    ['save', 'link */.lock', 'ENOSPC', '.lock', 'link'],
    ['acquireLock', 'open */.lock.*', 'ENOSPC', '.lock', 'open'],
    ['acquireLock', 'open */.events.own', 'EMFILE', '.events.own', 'open'],
    ['readAll', 'open */events.ndjson', 'EMFILE', 'events.ndjson', 'open'],
    ['getStats', 'open */events.ndjson', 'EACCES', 'events.ndjson', 'open'],
  ])('%s: %s fails with %s', async (call, rule, code, name, syscall) => {
    const { store, faults, it } = await victim();
    const before = logText(store);
    faults.set(`${rule} 1+ errno ${code}`);
    const failure = await it.fails(CALLS[call], runEvent({ eventId: 'refused' }));
    expect(failure).toMatchObject({ code, syscall });
    expect(failure.path.startsWith(join(store, name)), failure.path).toBe(true);
    expect(failure.message).toContain(code);
    expect(logText(store), 'the log is as it was').toBe(before);
    faults.clear();
    // Nothing half done lies about, the same call now works, and what was refused is not written behind our
    // back.
    expect(readdirSync(store).filter((file) => file.includes('.tmp'))).toEqual([]);
    await it.run(append, runEvent({ eventId: 'next', timestamp: 9 }));
    expect(idsIn(store)).toEqual(['old-0', 'old-1', 'old-2', 'next']);
    await it.run(({ store }) => store.flush());
    expect((await ours.createEventStore(store).verify()).index.drift).toBe(false);
    await it.run(CALLS[call], runEvent({ eventId: 'again', timestamp: 10 }));
    const expected = {
      append: ['old-0', 'old-1', 'old-2', 'next', 'again'],
      compact: ['next'],
      writeAll: ['again'],
    }[call] ?? ['old-0', 'old-1', 'old-2', 'next'];
    expect(idsIn(store)).toEqual(expected);
    it.kill();
    await expectKept(store, expected);
  });

  test.each(['compact', 'writeAll', 'save'])(
    '%s: the log is replaced, but its folder cannot be synced: EUNCONFIRMED',
    async (call) => {
      const { store, faults, it } = await victim();
      const before = statSync(paths(store).log).ino;
      faults.set(`fsync ${store} 1+ errno EIO`);
      const failure = await it.fails(CALLS[call], runEvent({ eventId: 'new' }));
      expect(failure).toMatchObject({ code: 'EUNCONFIRMED' });
      expect(failure.message).toMatch(/was replaced as asked/);
      faults.clear();
      expect(statSync(paths(store).log).ino).not.toBe(before);
      const held = { compact: ['old-2'], writeAll: ['new'], save: ['old-0', 'old-1', 'old-2'] }[call];
      await it.run(append, runEvent({ eventId: 'next', timestamp: 9 }));
      expect(idsIn(store)).toEqual([...held, 'next']);
      await expectKept(store, [...held, 'next']);
    },
  );

  test('the folder cannot be made', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store }, { env: faults.env });
    faults.set('mkdir * 1+ errno EACCES');
    expect(await it.fails(append, runEvent())).toMatchObject({ code: 'EACCES', syscall: 'mkdir' });
    faults.clear();
    await it.run(append, runEvent({ eventId: 'next' }));
    await expectKept(store, ['next']);
  });

  test('what fails beside the log does not fail the append', async () => {
    const { store, faults, it } = await victim();
    faults.set('rename */index.json 1+ errno ENOSPC', 'pwrite */.events.ckpt 1+ errno EIO');
    for (const i of [0, 1]) await it.run(append, runEvent({ eventId: `kept-${i}` }));
    faults.clear();
    expect((await ours.createEventStore(store).getStats()).eventCount).toBe(5);
    await it.run(append, runEvent({ eventId: 'next' }));
    await expectKept(store, ['old-0', 'old-1', 'old-2', 'kept-0', 'kept-1', 'next']);
  });

  test('writes that take seven bytes at a time', async () => {
    const { store, faults, it } = await victim();
    faults.set('write */events.ndjson 1+ short 7', 'pwrite * 1+ short 7');
    await it.run(append, runEvent({ eventId: 'slow-0', timestamp: 8 }));
    await it.run(
      ({ ledger }, event) => void ledger.finalizeEvent(event),
      runEvent({ eventId: 'slow-1', timestamp: 9 }),
    );
    await expectKept(store, ['old-0', 'old-1', 'old-2', 'slow-0', 'slow-1']);
    expect(await it.run(({ store }) => store.compact(2))).toBe(4);
    faults.clear();
    await expectKept(store, ['slow-0', 'slow-1']);
  });

  test('a short write, then a full disk: whole lines count, half a line is closed by the next', async () => {
    const { store, faults, it } = await victim();
    const events = ['a', 'b', 'c'].map((eventId) => runEvent({ eventId }));
    const cut = lineOf(events[0]).length + 20;
    faults.set(`write */events.ndjson 1 short ${cut}`, 'write */events.ndjson 2+ errno ENOSPC');
    // Imported events are one batch.
    await it.run(({ ledger }, events) => ledger.importEvents(events), events);
    const failure = await it.fails(({ ledger }) => ledger.flush());
    expect(failure).toMatchObject({ code: 'ENOSPC', syscall: 'write', path: paths(store).log });
    expect(logText(store).endsWith(lineOf(events[1]).slice(0, 20))).toBe(true);
    expect((await ours.createEventStore(store).getStats()).eventCount).toBe(4);
    faults.clear();
    await it.run(({ ledger }) => ledger.flush());
    const lines = logText(store).split('\n').slice(0, -1);
    expect(lines.slice(3)).toEqual([
      JSON.stringify(events[0]),
      lineOf(events[1]).slice(0, 20),
      JSON.stringify(events[1]),
      JSON.stringify(events[2]),
    ]);
    expect((await ours.createEventStore(store).getStats()).eventCount).toBe(6);
  });

  test('a short write that lacks the newline only: the event is there once', async () => {
    const { store, faults, it } = await victim();
    const event = runEvent({ eventId: 'whole' });
    faults.set(
      `write */events.ndjson 1 short ${lineOf(event).length - 1}`,
      'write */events.ndjson 2+ errno ENOSPC',
    );
    await it.run(append, event).catch(() => {});
    faults.clear();
    const count = (await ours.createEventStore(store).getStats()).eventCount;
    await it.run(append, runEvent({ eventId: 'next' }));
    expect(count).toBe(4);
    await expectKept(store, ['old-0', 'old-1', 'old-2', 'whole', 'next']);
  });

  test.each([
    ['fails', 'write */events.ndjson 1+ errno ENOSPC', 'ENOSPC'],
    ['cannot be opened', 'open */events.ndjson 1+ errno EACCES', 'EACCES'],
    ['is on a disk without room for the lock', 'open */.events.lk 1+ errno ENOSPC', 'ENOSPC'],
  ])('logEvent never throws: the log %s', async (_, rule, code) => {
    for (const listens of [true, false]) {
      const { store, faults, it } = await victim({ listens });
      faults.set(rule);
      const log = ({ ledger }, events) => {
        for (const event of events) ledger.finalizeEvent(event);
        return ledger.getEvents().length;
      };
      const events = [1, 2, 3].map((i) => runEvent({ eventId: `e-${i}` }));
      expect(await it.run(log, events), 'they stay in the ledger').toBe(3);
      if (listens) {
        const told = await it.run(async ({ told }) => {
          while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
          return told;
        });
        expect(told, 'once per streak').toEqual([code]);
      } else {
        for (const ends of ['flush', 'save', 'destroy']) {
          const failure = await it.fails(({ ledger }, name) => ledger[name](), ends);
          expect(failure, ends).toMatchObject({ code });
        }
      }
      expect(idsIn(store)).toEqual(['old-0', 'old-1', 'old-2']);
      faults.clear();
      await it.run(({ ledger }) => ledger.flush());
      await it.run(({ ledger }) => ledger.flush());
      expect(idsIn(store)).toEqual(['old-0', 'old-1', 'old-2', 'e-1', 'e-2', 'e-3']);
      it.kill();
      await expectKept(store, ['e-1', 'e-2', 'e-3']);
    }
  });

  test('an error of the background without a listener is reported by the next call, once', async () => {
    const { store, faults, it } = await victim();
    faults.set('write */events.ndjson 1+ errno EIO');
    await it.run(({ ledger }, event) => void ledger.finalizeEvent(event), runEvent({ eventId: 'e' }));
    await it.run(() => new Promise((resolve) => setTimeout(resolve, 100)));
    faults.clear();
    expect(await it.fails(({ ledger }) => ledger.flush())).toMatchObject({ code: 'EIO' });
    await it.run(({ ledger }) => ledger.flush());
    await expectKept(store, ['e']);
  });

  test('lines that wait are written in their order, before those that come later', async () => {
    const { store, faults, it } = await victim({ listens: true });
    const log = ({ ledger }, event) => void ledger.finalizeEvent(event);
    faults.set('write */events.ndjson 1+ errno ENOSPC');
    for (let i = 0; i < 5; i++) await it.run(log, runEvent({ eventId: `e-${i}` }));
    faults.clear();
    await it.run(log, runEvent({ eventId: 'e-5' }));
    await it.run(({ ledger }) => ledger.flush());
    expect(idsIn(store).slice(3)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `e-${i}`));
  });

  test('too many open files, in earnest', async () => {
    const { store, it } = await victim();
    const failure = await it.fails(
      async ({ store, fs }, event) => {
        const open = [];
        try {
          for (;;) open.push(fs.openSync('/dev/null'));
        } catch {
          // Not one is left.
        }
        try {
          await store.append(event);
        } finally {
          for (const fd of open) fs.closeSync(fd);
        }
      },
      runEvent({ eventId: 'refused' }),
    );
    expect(failure).toMatchObject({ code: 'EMFILE', syscall: 'open' });
    expect(failure.message).toContain('ulimit');
    await it.run(append, runEvent({ eventId: 'next' }));
    await expectKept(store, ['old-0', 'old-1', 'old-2', 'next']);
    expect(idsIn(store)).not.toContain('refused');
  });
});

describeFaults("durability 'disk'", () => {
  const disk = { options: { durability: 'disk' } };
  const syncs = (faults, path) => faults.calls().filter((call) => call === `fsync ${path}`).length;

  test('a failed fsync is reported, never tried again, and fails all that follows until the store is opened anew', async () => {
    const { store, faults, it } = await victim(disk);
    await it.run(append, runEvent({ eventId: 'safe' }));
    const { log } = paths(store);
    faults.forgetCalls();
    faults.set('fsync */events.ndjson 1 errno EIO');
    expect(await it.fails(append, runEvent({ eventId: 'unsure' }))).toMatchObject({
      code: 'EIO',
      syscall: 'fsync',
      path: log,
    });
    const failure = await it.fails(append, runEvent({ eventId: 'refused' }));
    expect(failure).toMatchObject({ code: 'EUNSAFE', path: log });
    expect(failure.message).toMatch(/new EventStore/);
    expect(await it.fails(({ store }) => store.flush())).toMatchObject({ code: 'EUNSAFE' });
    expect(syncs(faults, log), 'fsyncs of the log').toBe(1);
    expect(idsIn(store)).toContain('safe');
    const before = statSync(log).ino;
    // Opened anew: the log is copied into another file, synced, and all goes on.
    await it.run(
      async ({ ledgerModule, folder }, event) =>
        ledgerModule.createEventStore(folder, { durability: 'disk' }).append(event),
      runEvent({ eventId: 'anew' }),
    );
    expect(statSync(log).ino, 'another file').not.toBe(before);
    await it.run(append, runEvent({ eventId: 'next' }));
    const events = await expectKept(store, ['old-0', 'old-1', 'old-2', 'safe', 'anew', 'next']);
    expect(events.map(({ eventId }) => eventId)).not.toContain('refused');
  });

  test('logEvent does not throw at a failed fsync; the error is told', async () => {
    const { store, faults, it } = await victim({ ...disk, listens: true });
    faults.set('fsync */events.ndjson 1+ errno EIO');
    await it.run(({ ledger }, event) => void ledger.finalizeEvent(event), runEvent({ eventId: 'unsure' }));
    const told = await it.run(async ({ told }) => {
      while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      return told;
    });
    expect(['EIO', 'EUNSAFE']).toContain(told[0]);
    expect(idsIn(store)).toContain('old-2');
    faults.clear();
    await it.run(async ({ ledgerModule, folder, ledger }) => {
      const anew = ledgerModule.createEventStore(folder, { durability: 'disk' });
      await anew.append(ledger.createEvent('anew', 'feature', 'hash'));
    });
    await it.run(({ ledger }) => ledger.flush());
    await expectKept(store, ['unsure']);
  });

  test('one fsync for all that wait; the folder is synced once the log is new', async () => {
    const store = fresh();
    const faults = new Faults(folder(), '*/store*');
    const it = await agent({ folder: store, ...disk }, { env: faults.env });
    await it.run(append, runEvent({ eventId: 'first' }));
    expect(syncs(faults, store), 'fsyncs of the folder at creation').toBeGreaterThanOrEqual(1);
    const folderSyncs = syncs(faults, store);
    faults.forgetCalls();
    const events = Array.from({ length: 200 }, (_, i) => runEvent({ eventId: `e-${i}` }));
    await it.run(({ store }, events) => Promise.all(events.map((event) => store.append(event))), events);
    const grouped = syncs(faults, paths(store).log);
    expect(grouped).toBeGreaterThanOrEqual(1);
    expect(grouped, 'fsyncs for 200 appends at once').toBeLessThanOrEqual(10);
    expect(syncs(faults, store), 'the folder is known').toBe(0);
    expect(folderSyncs).toBeLessThanOrEqual(3);
    faults.forgetCalls();
    for (let i = 0; i < 5; i++) await it.run(append, runEvent({ eventId: `one-${i}` }));
    expect(syncs(faults, paths(store).log), 'one at a time: one each').toBe(5);
    faults.forgetCalls();
    await it.run(({ store }) => store.compact(10));
    expect(syncs(faults, store), 'fsyncs of the folder after a rename').toBeGreaterThanOrEqual(1);
  });

  test("'process' does not sync the log at all", async () => {
    const { store, faults, it } = await victim();
    faults.forgetCalls();
    for (let i = 0; i < 5; i++) await it.run(append, runEvent());
    expect(syncs(faults, paths(store).log)).toBe(0);
  });

  test('a folder whose fsync fails is told as well', async () => {
    const store = fresh();
    const faults = new Faults(folder());
    const it = await agent({ folder: store, ...disk }, { env: faults.env });
    faults.set('fsync */store 1+ errno EIO');
    expect(await it.fails(append, runEvent())).toMatchObject({ code: 'EIO', syscall: 'fsync', path: store });
  });
});

describeOurs('a path that is no folder', () => {
  test('a file in its place, or above it: ENOTDIR', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, 'mine');
    for (const path of [file, join(file, 'below'), join(file, 'far', 'below')]) {
      const store = ours.createEventStore(path);
      await expect(store.append(runEvent()), path).rejects.toMatchObject({ code: 'ENOTDIR' });
      await expect(store.acquireLock(), path).rejects.toMatchObject({ code: 'ENOTDIR' });
      const ledger = ours.createPersistentLedger({ storagePath: path });
      ledger.finalizeEvent(runEvent({ eventId: 'stays' }));
      expect(ledger.eventCount).toBe(1);
      await expect(ledger.flush(), path).rejects.toMatchObject({ code: 'ENOTDIR' });
    }
  });

  test('once the file is gone, the next call works and what waited is written', async () => {
    const path = join(folder(), 'store');
    writeFileSync(path, 'mine');
    const ledger = ours.createPersistentLedger({ storagePath: path });
    const store = ours.createEventStore(path);
    ledger.finalizeEvent(runEvent({ eventId: 'waited' }));
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'ENOTDIR' });
    execFileSync('rm', [path]);
    await ledger.flush();
    await store.append(runEvent({ eventId: 'next' }));
    await expectKept(path, ['waited', 'next']);
  });
});

const isRoot = process.getuid?.() === 0;

describeOurs('a folder that may not be written', () => {
  test.skipIf(isRoot || process.platform === 'win32')('without the right to: EACCES', async () => {
    const path = folder();
    await ours.createEventStore(path).append(runEvent({ eventId: 'before' }));
    chmodSync(path, 0o500);
    onTestFinished(() => chmodSync(path, 0o700));
    await expect(ours.createEventStore(path).compact(0)).rejects.toMatchObject({ code: 'EACCES' });
    expect(await ours.createEventStore(path).readAll()).toHaveLength(1);
  });
});

describeMounts('a file system that may not be written', () => {
  test('mounted read-only: reading works, writing says EROFS, and works once it is writable', async () => {
    const { real, shown, remount } = bind();
    await ours.createEventStore(join(real, 'store')).append(runEvent({ eventId: 'before' }));
    const path = join(shown, 'store');
    const it = await agent({ folder: path });
    remount('ro');
    try {
      expect(await it.run(async ({ store }) => (await store.readAll()).length)).toBe(1);
      expect(await it.run(async ({ store }) => (await store.getStats()).eventCount)).toBe(1);
      expect(await it.fails(append, runEvent())).toMatchObject({ code: 'EROFS', syscall: 'open' });
      expect(await it.fails(({ store }) => store.compact(0))).toMatchObject({ code: 'EROFS' });
      expect(await it.fails(({ store }) => store.acquireLock())).toMatchObject({ code: 'EROFS' });
      await it.run(({ ledger }, event) => void ledger.finalizeEvent(event), runEvent({ eventId: 'waits' }));
      expect(await it.fails(({ ledger }) => ledger.flush())).toMatchObject({ code: 'EROFS' });
    } finally {
      remount('rw');
    }
    await it.run(({ ledger }) => ledger.flush());
    await it.run(append, runEvent({ eventId: 'next' }));
    await expectKept(path, ['before', 'waits', 'next']);
  });

  test('immutable: what can be done is done, what cannot says EPERM or EACCES', async () => {
    const path = fresh();
    mkdirSync(path, { recursive: true });
    await ours.createEventStore(path).append(runEvent({ eventId: 'before' }));
    try {
      execFileSync('chattr', ['+i', path], { stdio: 'ignore' });
    } catch {
      return; // this file system knows no such thing
    }
    try {
      const it = await agent({ folder: path });
      const failure = await it.fails(({ store }) => store.compact(0));
      expect(['EPERM', 'EACCES']).toContain(failure.code);
      expect(await it.run(async ({ store }) => (await store.readAll()).length)).toBe(1);
      // Files in it can be written, just none can be made or replaced.
      await it.run(append, runEvent({ eventId: 'within' }));
      expect(idsIn(path)).toEqual(['before', 'within']);
    } finally {
      execFileSync('chattr', ['-i', path]);
    }
    await expectKept(path, ['before', 'within']);
  });
});
