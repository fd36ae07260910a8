/** A folder that strangers meddle with: nothing is followed, believed or hung upon, and answers stay those of the log. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectKept } from './support/accepted.mjs';
import { followedIndex, logged, logText, paths, readLock } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { agent } from './support/processes.mjs';
import { Random } from './support/random.mjs';

const seed = Number(process.env.SEED ?? Date.now() % 1e9);
const idsIn = (store) => logged(store).map(({ eventId }) => eventId);
const posix = process.platform !== 'win32';

async function filled(count = 5) {
  const path = fresh();
  const store = ours.createEventStore(path);
  for (let i = 0; i < count; i++) await store.append(runEvent({ eventId: `e-${i}`, timestamp: i }));
  await store.flush();
  return { path, store };
}

const PLANTS = {
  'a symbolic link': (path, victim) => symlinkSync(victim, path),
  'a link to nothing': (path) => symlinkSync('/nonexistent/file', path),
  'a pipe': (path) => execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdirSync(path),
};

/** Something else in the place of one of our files, made before any process of ours has it open. */
async function planted(what, name) {
  const { path } = await filled();
  const victim = join(folder(), 'victim');
  writeFileSync(victim, 'precious\n');
  // Links, pipes and folders under the name, while no process has the folder open: by a process of its own.
  rmSync(join(path, name), { force: true, recursive: true });
  PLANTS[what](join(path, name), victim);
  return { path, victim, it: await agent({ folder: path }) };
}

describeOurs('something else in the place of a file', () => {
  const cases = (names) => Object.keys(PLANTS).flatMap((what) => names.map((name) => [what, name]));

  test
    .skipIf(!posix)
    .each(cases(['events.ndjson', '.events.lk', '.events.gate', '.events.ckpt', '.events.prev']))(
    '%s as %s: refused by name at once, nothing followed',
    async (what, name) => {
      const { path, victim, it } = await planted(what, name);
      const failure = await it.fails(
        ({ store }, event) => store.append(event),
        runEvent({ eventId: 'refused' }),
      );
      expect(['ELOOP', 'EINVAL', 'EISDIR', 'ENXIO', 'ENOENT']).toContain(failure.code);
      expect(failure.path).toBe(join(path, name));
      expect(readFileSync(victim, 'utf8')).toBe('precious\n');
      expect(existsSync('/nonexistent')).toBe(false);
      if (name === 'events.ndjson')
        for (const read of [({ store }) => store.readAll(), ({ store }) => store.getStats()])
          expect(await it.fails(read)).toMatchObject({ path: paths(path).log });
      // Whoever removes it has a working folder again.
      rmSync(join(path, name), { recursive: true });
      await it.run(({ store }, event) => store.append(event), runEvent({ eventId: 'next' }));
      expect(idsIn(path)).toContain('next');
      expect(idsIn(path)).not.toContain('refused');
    },
  );

  test.skipIf(!posix).each(cases(['.events.prev']))(
    '%s as %s in a folder without a log: does not become the log',
    async (what, name) => {
      const { path, it } = await planted(what, name);
      rmSync(paths(path).log);
      const failure = await it.fails(({ store }, event) => store.append(event), runEvent());
      expect(failure.path).toBe(join(path, name));
      expect(existsSync(paths(path).log)).toBe(false);
      rmSync(join(path, name), { recursive: true });
      await it.run(({ store }, event) => store.append(event), runEvent({ eventId: 'next' }));
      expect(idsIn(path)).toEqual(['next']);
    },
  );

  test.skipIf(!posix).each(cases(['index.json']))('%s as %s: never followed', async (what, name) => {
    const { path, victim, it } = await planted(what, name);
    await it.run(({ store }, event) => store.append(event), runEvent({ eventId: 'next' }));
    await it.run(async ({ store }) => store.getStats());
    expect(readFileSync(victim, 'utf8')).toBe('precious\n');
    expect(idsIn(path)).toContain('next');
    expect((await it.run(({ store }) => store.getStats())).eventCount).toBe(6);
    if (what !== 'a folder') {
      expect(lstatSync(join(path, name)).isFile()).toBe(true);
      expect(statSync(join(path, name)).mode & 0o777, 'no rights taken over from a link').toBe(0o600);
      expect((await followedIndex(path)).eventCount).toBe(6);
    }
    expect(readdirSync(path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.skipIf(!posix).each(cases(['.lock']))(
    '%s as %s: is no lock, and never followed',
    async (what, name) => {
      const { path, victim, it } = await planted(what, name);
      const taken = await it
        .run(({ store }) => store.acquireLock())
        .then(
          () => true,
          (error) => error,
        );
      if (what === 'a folder') expect(taken).toMatchObject({ path: paths(path).lock, syscall: 'unlink' });
      else {
        expect(taken).toBe(true);
        expect(readLock(path).pid).toBe(it.pid);
        await it.run(({ store }) => store.releaseLock());
        expect(readdirSync(path)).not.toContain('.lock');
      }
      expect(readFileSync(victim, 'utf8')).toBe('precious\n');
      // Appending cares for no lock, and must not hang in a pipe.
      await it.run(({ store }, event) => store.append(event), runEvent({ eventId: 'next' }));
    },
  );

  test.skipIf(!posix).each(cases(['.events.own']))('%s as %s: locking is refused', async (what, name) => {
    const { path, victim, it } = await planted(what, name);
    expect(await it.fails(({ store }) => store.acquireLock())).toMatchObject({ path: join(path, name) });
    expect(readFileSync(victim, 'utf8')).toBe('precious\n');
  });

  test.skipIf(!posix).each(cases(['events.rejected.ndjson']))(
    '%s as %s: malformed lines are not moved into it, and not lost',
    async (what, name) => {
      const { path, victim, it } = await planted(what, name);
      appendFileSync(paths(path).log, '{"broken\n');
      const before = logText(path);
      expect(await it.fails(({ store }) => store.compact(1))).toMatchObject({ path: join(path, name) });
      expect(logText(path)).toBe(before);
      expect(readFileSync(victim, 'utf8')).toBe('precious\n');
    },
  );

  test.skipIf(!posix)('a folder that is a link is one and the same folder', async () => {
    const { path, store } = await filled();
    const link = join(folder(), 'link');
    symlinkSync(path, link);
    const other = ours.createEventStore(link);
    await other.append(runEvent({ eventId: 'by-link', timestamp: 9 }));
    expect((await store.readRange(9, 9)).map(({ eventId }) => eventId)).toEqual(['by-link']);
    await store.acquireLock();
    await expect(other.acquireLock()).rejects.toMatchObject({ code: 'ELOCKED' });
    await store.releaseLock();
    const appends = Array.from({ length: 100 }, (_, i) =>
      (i % 2 ? other : store).append(runEvent({ eventId: `both-${i}` })),
    );
    await Promise.all(appends);
    expect(idsIn(path).slice(6)).toEqual(Array.from({ length: 100 }, (_, i) => `both-${i}`));
  });

  test.skipIf(!posix)(
    'a store means the folder that its name led to at its first use, whatever becomes of a link',
    async () => {
      const [one, two] = [folder(), folder()];
      const link = join(folder(), 'link');
      symlinkSync(one, link);
      const byLink = ours.createEventStore(link);
      await byLink.append(runEvent({ eventId: 'first' }));
      const byName = ours.createEventStore(one);
      await byName.append(runEvent({ eventId: 'second' }));
      unlinkSync(link);
      symlinkSync(two, link);
      await byName.append(runEvent({ eventId: 'third' }));
      expect(idsIn(one)).toEqual(['first', 'second', 'third']);
      await byLink.append(runEvent({ eventId: 'fourth' }));
      expect(idsIn(one)).toEqual(['first', 'second', 'third', 'fourth']);
      expect(existsSync(paths(two).log)).toBe(false);
    },
  );
});

describeOurs('a folder that changes under living stores', () => {
  test('renamed, and a new one in its place', async () => {
    const home = folder();
    const [now, then] = [join(home, 'now'), join(home, 'then')];
    const before = ours.createEventStore(now);
    await before.append(runEvent({ eventId: 'old' }));
    renameSync(now, then);
    const archive = ours.createEventStore(then);
    expect((await archive.readAll()).map(({ eventId }) => eventId)).toEqual(['old']);
    await archive.append(runEvent({ eventId: 'archived' }));
    expect(existsSync(now), 'nobody asked for it').toBe(false);
    await before.append(runEvent({ eventId: 'new' }));
    expect(idsIn(then)).toEqual(['old', 'archived']);
    expect(idsIn(now)).toEqual(['new']);
  });

  test('removed and made again, by others', async () => {
    const { path, store } = await filled();
    const ledger = ours.createPersistentLedger({ storagePath: path });
    for (let round = 0; round < 5; round++) {
      rmSync(path, { recursive: true });
      expect(await store.getStats()).toMatchObject({ eventCount: 0 });
      expect(await store.readAll()).toEqual([]);
      if (round % 2) mkdirSync(path);
      await store.append(runEvent({ eventId: 'a' }));
      ledger.finalizeEvent(runEvent({ eventId: 'b' }));
      await ledger.flush();
      expect(idsIn(path)).toEqual(['a', 'b']);
      expect((await followedIndex(path)).eventCount).toBe(2);
      const anew = ours.createEventStore(path);
      await Promise.all([anew.append(runEvent({ eventId: 'c' })), store.append(runEvent({ eventId: 'd' }))]);
      expect(idsIn(path).sort()).toEqual(['a', 'b', 'c', 'd']);
      await store.acquireLock();
      await expect(anew.acquireLock()).rejects.toMatchObject({ code: 'ELOCKED' });
      await store.releaseLock();
    }
  });

  test('removed after a write: what is due later does not bring it back', async () => {
    const path = fresh();
    const ledger = ours.createPersistentLedger({ storagePath: path });
    ledger.logEvent(runEvent());
    rmSync(path, { recursive: true });
    await ledger.destroy();
    expect(existsSync(path)).toBe(false);
    ledger.logEvent(runEvent());
    await ledger.flush();
    expect(logged(path)).toHaveLength(1);
    expect((await followedIndex(path)).eventCount).toBe(1);
  });

  test('removed in the middle of a burst', async () => {
    const { path, store } = await filled();
    for (let i = 0; i < 50; i++) {
      const first = store.append(runEvent({ eventId: `${i}-a` }));
      const second = store.append(runEvent({ eventId: `${i}-b` }));
      // Under a lease the lines may be on their way into a new log still.
      rmSync(paths(path).log, { force: true });
      const third = store.append(runEvent({ eventId: `${i}-c` }));
      await Promise.all([first, second, third]);
      expect(idsIn(path), `round ${i}`).toContain(`${i}-c`);
      rmSync(paths(path).log);
    }
  });

  test('a chdir moves no store', async () => {
    const home = folder();
    mkdirSync(join(home, 'one'));
    mkdirSync(join(home, 'two'));
    const it = await agent({ folder: fresh() });
    await it.run(
      async ({ ledgerModule }, home, event) => {
        process.chdir(`${home}/one`);
        const store = ledgerModule.createEventStore('store');
        const ledger = ledgerModule.createPersistentLedger({ storagePath: './store' });
        process.chdir(`${home}/two`);
        await store.append({ ...event, eventId: 'a' });
        ledger.finalizeEvent({ ...event, eventId: 'b' });
        await ledger.flush();
      },
      home,
      runEvent(),
    );
    expect(idsIn(join(home, 'one', 'store'))).toEqual(['a', 'b']);
    expect(readdirSync(join(home, 'two'))).toEqual([]);
  });
});

describeOurs('a log that is changed in place', () => {
  /** All that is told about the log, against the log itself. */
  async function expectTruth(path, store, hint) {
    const text = logText(path);
    const events = text.split('\n').flatMap((line) => {
      try {
        const event = JSON.parse(line);
        return event !== null && typeof event === 'object' && !Array.isArray(event) ? [event] : [];
      } catch {
        return [];
      }
    });
    const ids = (list) => list.map(({ eventId }) => eventId);
    expect(ids(await store.readRange(-1e9, 1e9)), `readRange ${hint}`).toEqual(ids(events));
    expect(ids(await store.readAll()), `readAll ${hint}`).toEqual(ids(events));
    expect((await store.getStats()).eventCount, `getStats ${hint}`).toBe(events.length);
    expect(ids(await store.readByTask('task-1')), `readByTask ${hint}`).toEqual(ids(events));
    const ledger = ours.createPersistentLedger({ storagePath: path });
    await ledger.load();
    expect(ids(ledger.getEvents()), `load ${hint}`).toEqual(ids(events));
    expect((await store.verify()).events, `verify ${hint}`).toBe(events.length);
  }

  const edits = {
    truncated: (log) => truncateSync(log, statSync(log).size - 500),
    'cut to nothing': (log) => truncateSync(log, 0),
    'one byte flipped': (log) => overwrite(log, (bytes) => (bytes[700] ^= 0x40)),
    'a line overwritten by as many others': (log) =>
      overwrite(log, (bytes) => bytes.fill('#', bytes.indexOf('\n') + 1, bytes.indexOf('\n') + 100)),
    'replaced by another of the same size': (log) =>
      writeFileSync(log, readFileSync(log, 'utf8').replaceAll('"e-', '"f-')),
    'put in another order': (log) =>
      writeFileSync(log, `${readFileSync(log, 'utf8').trim().split('\n').reverse().join('\n')}\n`),
    'a line taken out and another added': (log) =>
      writeFileSync(
        log,
        `${readFileSync(log, 'utf8').split('\n').slice(1).join('\n')}${lineOf(runEvent({ eventId: 'other' }))}`,
      ),
  };

  function overwrite(log, change) {
    const bytes = readFileSync(log);
    change(bytes);
    writeFileSync(log, bytes);
  }

  for (const [what, edit] of Object.entries(edits)) {
    test(`${what}: answers follow`, async () => {
      const { path, store } = await filled(20);
      await expectTruth(path, store, 'before');
      edit(paths(path).log);
      await expectTruth(path, store, 'after');
    });

    test(`${what}, and then grown: answers follow`, async () => {
      const { path, store } = await filled(20);
      await expectTruth(path, store, 'before');
      edit(paths(path).log);
      await store.append(runEvent({ eventId: 'late', timestamp: 50 }));
      await expectTruth(path, store, 'after');
      const kept = (await store.readAll()).slice(-3).map(({ eventId }) => eventId);
      await store.compact(1000);
      expect((await store.readAll()).slice(-3).map(({ eventId }) => eventId)).toEqual(kept);
    });
  }

  test('with its old time of change put back', async () => {
    const { path, store } = await filled(20);
    await expectTruth(path, store, 'before');
    const { log } = paths(path);
    const { atime, mtime } = statSync(log);
    edits['replaced by another of the same size'](log);
    utimesSync(log, atime, mtime);
    await expectTruth(path, store, 'after');
  });
});

describeOurs('a checkpoint that lies', () => {
  test('random bytes and flipped bits never make stats wrong', async () => {
    const { path, store } = await filled(30);
    await store.flush();
    const name = join(path, '.events.ckpt');
    const valid = readFileSync(name);
    expect(valid.length).toBeGreaterThan(500);
    const random = new Random(seed);
    // The same log in many folders, each with a checkpoint of its own: nothing in memory helps.
    const it = await agent({ folder: fresh() });
    const ask = ({ ledgerModule }, path) => ledgerModule.createEventStore(path).getStats();
    for (let round = 0; round < 60; round++) {
      const copy = folder();
      linkSync(paths(path).log, paths(copy).log);
      const bytes = Buffer.from(valid);
      if (round % 3 === 0) for (let i = 0; i < bytes.length; i++) bytes[i] = random.int(256);
      else if (round % 3 === 1) bytes[random.int(bytes.length)] ^= 1 << random.int(8);
      else for (let n = 0; n < 5; n++) bytes[random.int(bytes.length)] = random.int(256);
      const cut = random.chance(0.2) ? random.int(600) : bytes.length;
      writeFileSync(join(copy, '.events.ckpt'), bytes.subarray(0, cut));
      expect(await it.run(ask, copy), `round ${round}, seed ${seed}`).toMatchObject({
        eventCount: 30,
        oldestEvent: 0,
        newestEvent: 29,
      });
    }
    writeFileSync(name, Buffer.alloc(700, 0xff));
    const writer = await agent({ folder: path });
    await writer.run(({ store }, event) => store.append(event), runEvent({ eventId: 'next', timestamp: 99 }));
    expect(await followedIndex(path)).toMatchObject({
      eventCount: 31,
      newestTimestamp: 99,
      taskIds: ['task-1'],
    });
    expect(await writer.run(({ store }) => store.compact(3))).toBe(28);
    await expectKept(path, ['e-28', 'e-29', 'next']);
  });

  test('that of another log is not believed', async () => {
    const [one, two] = [await filled(3), await filled(7)];
    for (const { store } of [one, two]) await store.flush();
    writeFileSync(join(one.path, '.events.ckpt'), readFileSync(join(two.path, '.events.ckpt')));
    const it = await agent({ folder: one.path });
    expect(await it.run(({ store }) => store.getStats())).toMatchObject({ eventCount: 3 });
    await it.run(({ store }, event) => store.append(event), runEvent());
    expect((await followedIndex(one.path)).eventCount).toBe(4);
  });

  test('an index.json that lies or is broken is corrected by the next append and never believed', async () => {
    for (const content of ['', '{', 'null', '{"eventCount":1e9,"taskIds":["x"]}', `[${'['.repeat(50_000)}`]) {
      const { path, store } = await filled(3);
      writeFileSync(paths(path).index, content);
      expect((await store.getStats()).eventCount, content.slice(0, 20)).toBe(3);
      expect((await store.verify()).index.drift).toBe(true);
      await store.append(runEvent({ timestamp: 5 }));
      expect(await followedIndex(path)).toMatchObject({ eventCount: 4, newestTimestamp: 5 });
    }
  });
});

describeOurs('a hostile lock file', () => {
  const plant = async (content) => {
    const { path } = await filled(1);
    writeFileSync(paths(path).lock, content);
    return path;
  };
  const lock = (fields) => JSON.stringify({ holder: 'js', timestamp: Date.now(), pid: 1, ...fields });

  test.each([
    ['huge', () => `{"holder":"${'x'.repeat(50 << 20)}","timestamp":${Date.now()},"pid":1}`],
    ['deep', () => '['.repeat(2_000_000)],
    ['binary', () => Buffer.from(Array.from({ length: 3000 }, (_, i) => i % 256))],
    ['empty', () => ''],
  ])('%s: read in part, waited for a moment, then taken over', async (_, content) => {
    const path = await plant(content());
    const begun = performance.now();
    await ours.createEventStore(path, { lockTimeoutMs: 10_000 }).acquireLock();
    expect(performance.now() - begun).toBeLessThan(8000);
    expect(readLock(path).pid).toBe(process.pid);
  });

  test.each([
    ['no number', 'soon'],
    ['null', null],
    ['missing', undefined],
    ['negative', -5],
    ['tiny', 1e-300],
    ['an object', {}],
  ])('a timestamp that is %s: stale, as the original has it', async (_, timestamp) => {
    const path = await plant(lock({ timestamp }));
    await ours.createEventStore(path).acquireLock();
    expect(readLock(path).pid).toBe(process.pid);
  });

  test.each([1e300, 9e15, Date.now() + 1e10])(
    'a timestamp of %s does not block for ever',
    async (timestamp) => {
      const path = await plant(lock({ timestamp }));
      const old = Date.now() / 1000 - 60;
      utimesSync(paths(path).lock, old, old);
      await ours.createEventStore(path).acquireLock();
      expect(readLock(path).pid).toBe(process.pid);
    },
  );

  test.each([
    ['control characters', '\u001b[2J\u0007\r\n\u0000x'],
    ['a bidirectional override', 'a\u202eb\u2066c'],
    ['a novel', 'y'.repeat(3000)],
    ['an object', { toString: 'x' }],
    ['a lone surrogate', '\ud800'],
  ])('a holder with %s is harmless in the message', async (_, holder) => {
    const path = await plant(lock({ holder }));
    const refusal = await ours
      .createEventStore(path)
      .acquireLock()
      .catch((error) => error);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(refusal.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(refusal.message.length).toBeLessThan(600);
    expect(refusal.code).toBe('ELOCKED');
  });

  test('a pid in it gets no signal, and appending cares for no lock of a dead program', async () => {
    const it = await agent({ folder: fresh() });
    const path = await plant(lock({ pid: it.pid, timestamp: Date.now() - 31_000 }));
    const store = ours.createEventStore(path);
    await store.append(runEvent({ eventId: 'next' }));
    await store.acquireLock();
    expect(await it.run(() => 'alive')).toBe('alive');
    await store.releaseLock();
  });

  test('one that claims to be ours, and has no holder, is taken over', async () => {
    const path = await plant(lock({ holder: '00000000-0000-8000-8000-000000000000' }));
    await ours.createEventStore(path).acquireLock();
    expect(readLock(path).pid).toBe(process.pid);
  });
});

describeOurs('a folder that cannot be made', () => {
  test.skipIf(process.platform !== 'linux')('is an error with code and path, for all calls', async () => {
    const it = await agent({ folder: '/proc/x' });
    for (const call of [
      ({ store }) => store.append({ eventId: 'a', timestamp: 1 }),
      ({ store }) => store.acquireLock(),
      ({ store }) => store.writeAll([{ eventId: 'a', timestamp: 1 }]),
    ])
      expect(await it.fails(call)).toMatchObject({ code: 'ENOENT', path: '/proc/x', syscall: 'mkdir' });
    expect(await it.run(({ store }) => store.readAll())).toEqual([]);
  });
});

describeOurs('a lock from the future', () => {
  test('is waited for once, not by each append', async () => {
    const { path } = await filled(1);
    const time = Date.now() + 3_600_000;
    writeFileSync(paths(path).lock, JSON.stringify({ holder: 'js', timestamp: time, pid: 1 }));
    utimesSync(paths(path).lock, time / 1000, time / 1000);
    const store = ours.createEventStore(path);
    for (const most of [5000, 500, 500]) {
      const begun = performance.now();
      await store.append(runEvent());
      expect(performance.now() - begun).toBeLessThan(most);
    }
    expect(logged(path)).toHaveLength(4);
  });
});

describeOurs('leftovers', () => {
  test('half-made files of dead processes go, those of others stay', async () => {
    const { path } = await filled(5);
    const ofOurs = [
      'events.tmp.00000000-0000-8000-8000-000000000000.ndjson',
      '.index.json.00000000-0000-8000-8000-000000000000.tmp',
    ];
    const ofOthers = [
      'events.tmp.00000000-0000-4000-8000-000000000000.ndjson',
      'notes.txt',
      'events.tmp.ndjson',
    ];
    for (const name of [...ofOurs, ...ofOthers]) writeFileSync(join(path, name), 'left');
    const store = ours.createEventStore(path);
    await store.destroy();
    expect(readdirSync(path).sort()).toEqual(ofOthers.sort());
  });

  test('half-made files of dead processes go with the next compaction', async () => {
    const { path, store } = await filled(5);
    for (const name of [
      'events.tmp.00000000-0000-8000-8000-000000000000.ndjson',
      '.index.json.00000000-0000-8000-8000-000000000000.tmp',
    ])
      writeFileSync(join(path, name), 'left');
    const before = readdirSync(path).filter((name) => !name.includes('00000000-0000'));
    expect(await store.compact(3)).toBe(2);
    expect(readdirSync(path).sort()).toEqual([...before, '.events.moves'].sort());
  });

  test('processes that compact at once do not remove what the others are making', async () => {
    const { path } = await filled(50);
    const agents = await Promise.all([
      agent({ folder: path }),
      agent({ folder: path }),
      agent({ folder: path }),
    ]);
    const evicted = await Promise.all(
      agents.map((it) =>
        it.run(async ({ store }, event) => {
          let sum = 0;
          for (let i = 0; i < 12; i++) {
            await store.append(event);
            sum += await store.compact(10);
          }
          return sum;
        }, runEvent()),
      ),
    );
    const kept = (await ours.createEventStore(path).getStats()).eventCount;
    expect(evicted.reduce((sum, count) => sum + count, kept)).toBe(50 + 3 * 12);
    expect(readdirSync(path).filter((name) => /tmp|prev/.test(name))).toEqual([]);
  });

  test('a rewrite that died before or after its rename is finished by the next call', async () => {
    for (const renamed of [false, true]) {
      const { path } = await filled(5);
      const { log } = paths(path);
      const previous = join(path, '.events.prev');
      execFileSync('ln', [log, previous]);
      if (renamed) {
        appendFileSync(previous, lineOf(runEvent({ eventId: 'late' })));
        writeFileSync(`${log}.new`, logText(path).split('\n').slice(3, 5).join('\n').concat('\n'));
        renameSync(`${log}.new`, log);
      }
      const it = await agent({ folder: path });
      await it.run(({ store }, event) => store.append(event), runEvent({ eventId: 'next' }));
      expect(existsSync(previous)).toBe(false);
      const expected = ['e-0', 'e-1', 'e-2', 'e-3', 'e-4', ...(renamed ? ['late'] : []), 'next'];
      await expectKept(path, expected);
      expect(idsIn(path).length).toBe(expected.length + 1);
    }
  });

  test.skipIf(!posix || process.getuid?.() !== 0)(
    'a rewrite keeps the mode of the log; new files are for their owner only',
    async () => {
      const { path, store } = await filled(5);
      expect(statSync(path).mode & 0o777).toBe(0o700);
      expect(statSync(paths(path).log).mode & 0o777).toBe(0o600);
      execFileSync('chmod', ['640', paths(path).log]);
      await store.compact(3);
      expect(statSync(paths(path).log).mode & 0o777).toBe(0o640);
      await store.writeAll([runEvent()]);
      expect(statSync(paths(path).log).mode & 0o777).toBe(0o640);
      for (const name of readdirSync(path).filter((name) => name !== 'events.ndjson'))
        expect(statSync(join(path, name)).mode & 0o777, name).toBe(0o600);
    },
  );

  test.skipIf(!posix || process.getuid?.() !== 0)(
    'root takes nothing away: the log keeps its owner, new files belong to that of the folder',
    async () => {
      const path = folder();
      const log = paths(path).log;
      writeFileSync(log, lineOf(runEvent()).repeat(3));
      chownSync(path, 12_345, 23_456);
      chownSync(log, 12_346, 23_457);
      const store = ours.createEventStore(path);
      await store.append(runEvent());
      expect(await store.compact(2)).toBe(2);
      const ownerOf = (name) => [statSync(join(path, name)).uid, statSync(join(path, name)).gid];
      expect(ownerOf('events.ndjson')).toEqual([12_346, 23_457]);
      const others = readdirSync(path).filter((name) => name !== 'events.ndjson');
      expect(others).toContain('index.json');
      for (const name of others) expect(ownerOf(name), name).toEqual([12_345, 23_456]);
    },
  );
});
