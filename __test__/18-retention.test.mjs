/** Retention: which events a compaction keeps, the archive that the others go to, and reading both. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { logged, logText, readLog } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';

const place = (path) => join(path, 'archive');
const FILE = `events-${new Date().toISOString().slice(0, 7)}.ndjson.gz`;
const fileOf = (path) => join(place(path), FILE);
const timesOf = async (events) => {
  const all = [];
  for await (const { timestamp } of events) all.push(timestamp);
  return all;
};
const whole = (store) => timesOf(store.stream({ archive: true }));

async function storeOf(...events) {
  const path = fresh();
  const store = ours.createEventStore(path);
  await store.appendAll(events);
  return { path, store };
}

describe('limits', () => {
  test('whichever is exceeded evicts the oldest', async () => {
    const now = Date.now();
    const ages = [50, 40, 30, 20, 10, 0].map((seconds) => now - seconds * 1000);
    const line = lineOf(runEvent({ eventId: 'event-1000', timestamp: now })).length;
    for (const [limits, left] of [
      [{ maxEvents: 4 }, 4],
      [{ maxAgeMs: 25_000 }, 3],
      [{ maxBytes: line * 2 }, 2],
      [{ maxEvents: 5, maxAgeMs: 25_000, maxBytes: line * 4 }, 3],
      [{ maxEvents: 1, maxAgeMs: 25_000, maxBytes: line * 4 }, 1],
      [{ maxEvents: Infinity, maxBytes: 1e9, maxAgeMs: 1e9 }, 6],
      [{ maxBytes: 0 }, 0],
    ]) {
      const events = ages.map((timestamp, i) => runEvent({ eventId: `event-100${i}`, timestamp }));
      const { store, path } = await storeOf(...events.toReversed());
      expect(await store.compact(limits, { dryRun: true })).toBe(6 - left);
      expect(await store.compact(limits)).toBe(6 - left);
      expect(times(logged(path)).toSorted()).toEqual(ages.slice(6 - left));
      expect(existsSync(place(path))).toBe(false);
    }
  });

  test('an event without a time is older than any', async () => {
    const { store } = await storeOf(...at(Date.now(), 'soon'));
    expect(await store.compact({ maxAgeMs: 1e6 })).toBe(1);
  });

  test('wrong limits are refused, and nothing is done', async () => {
    const { store, path } = await storeOf(...at(1, 2));
    for (const [limits, code, message] of [
      [{}, undefined, /must name one of maxEvents, maxAgeMs and maxBytes/],
      [{ archive: true }, undefined, /must name one of/],
      [{ maxEvents: undefined }, undefined, /must name one of/],
      [{ maxEvents: -1 }, 'ERR_OUT_OF_RANGE', /limits\.maxEvents/],
      [{ maxAgeMs: '90d' }, 'ERR_INVALID_ARG_TYPE', /limits\.maxAgeMs/],
      [{ maxBytes: 1.5 }, 'ERR_OUT_OF_RANGE', /limits\.maxBytes/],
      [{ maxEvents: 1, archive: 5 }, 'ERR_INVALID_ARG_TYPE', /limits\.archive/],
      [{ maxEvents: 1, archive: '' }, undefined, /limits\.archive/],
      [{ maxEvent: 1 }, undefined, /maxEvents/],
      ['1', 'ERR_INVALID_ARG_TYPE', /maxEvents/],
      [null, 'ERR_INVALID_ARG_TYPE', /maxEvents/],
    ]) {
      const refused = await store.compact(limits).catch((error) => error);
      expect(refused, JSON.stringify(limits)).toBeInstanceOf(Error);
      expect(refused.message).toMatch(message);
      if (code) expect(refused.code).toBe(code);
    }
    for (const archive of [5, null, '']) expect(() => store.stream({ archive })).toThrow(/archive/);
    await expect(store.readRange(0, 1, { archve: true })).rejects.toThrow(/archive/);
    expect(times(logged(path))).toEqual([1, 2]);
  });
});

describe('archive', () => {
  test('events go there byte for byte, in the order of time, and zcat reads them', async () => {
    const odd = '{"eventId":"x","timestamp":2,"n":738529527931269425,"s":"\\u0041","x":1e999}';
    const { path, store } = await storeOf(...at(3, 1, 5, 4));
    const lines = logText(path).split('\n');
    writeFileSync(join(path, 'events.ndjson'), ` ${odd} \r\nnonsense\n`, { flag: 'a' });
    expect(await store.compact({ maxEvents: 2, archive: true })).toBe(3);
    const expected = [lines[1], odd, lines[0]].map((line) => `${line}\n`).join('');
    expect(gunzipSync(readFileSync(fileOf(path))).toString()).toBe(expected);
    const zcat = spawnSync('zcat', [fileOf(path)]);
    if (zcat.error === undefined) expect(zcat.stdout.toString()).toBe(expected);
    expect(times(logged(path))).toEqual([4, 5]);
    // Another goes behind it, in the same file.
    expect(await store.compact({ maxEvents: 1, archive: true })).toBe(1);
    expect(readdirSync(place(path)).toSorted()).toEqual(['.archive.lk', FILE]);
    expect(gunzipSync(readFileSync(fileOf(path))).toString()).toBe(`${expected}${lines[3]}\n`);
    expect(readdirSync(path).filter((name) => /evict|archived/.test(name))).toEqual([]);
  });

  test('reading both: each event once, the archive first', async () => {
    const { store, path } = await storeOf(
      ...at(3, 1, 5, 4, 2).map((event, i) => ({ ...event, taskId: `t${i % 2}` })),
    );
    expect(await whole(store)).toEqual([3, 1, 5, 4, 2]);
    await store.compact({ maxEvents: 2, archive: true });
    expect(await whole(store)).toEqual([1, 2, 3, 4, 5]);
    expect(await timesOf(store.stream())).toEqual([4, 5]);
    expect(times(await store.readRange(2, 4, { archive: true }))).toEqual([2, 3, 4]);
    expect(times(await store.readRange(2, 4))).toEqual([4]);
    expect(times(await store.readByTask('t0', { archive: true }))).toEqual([2, 3, 5]);
    expect(await timesOf(store.stream({ archive: true, from: 3, taskId: 't1' }))).toEqual([4]);
    expect(await timesOf(store.stream({ archive: place(path), to: 1 }))).toEqual([1]);
    expect((await store.readAll()).length).toBe(2);
    expect((await store.getStats()).eventCount).toBe(2);
    await store.compact({ maxEvents: 0, archive: true });
    expect(await whole(store)).toEqual([1, 2, 3, 4, 5]);
  });

  test('in a folder of its own', async () => {
    const { store, path } = await storeOf(...at(1, 2, 3));
    const dir = join(folder(), 'cold', 'events');
    await store.compact({ maxEvents: 1, archive: dir });
    expect(existsSync(place(path))).toBe(false);
    expect(readdirSync(dir)).toContain(FILE);
    expect(await timesOf(store.stream({ archive: dir }))).toEqual([1, 2, 3]);
    expect(await whole(store)).toEqual([3]);
    expect((await store.verify({ archive: dir })).archive).toMatchObject({ folder: dir, events: 2 });
    expect('archive' in (await store.verify())).toBe(false);
  });

  test('a reader is disturbed neither by appends nor by compactions', async () => {
    const { store } = await storeOf(
      ...Array.from({ length: 3000 }, (_, i) => runEvent({ timestamp: i, pad: 'x'.repeat(300) })),
    );
    await store.compact({ maxEvents: 2000, archive: true });
    const seen = [];
    for await (const { timestamp } of store.stream({ archive: true })) {
      seen.push(timestamp);
      if (seen.length % 500 === 0) await store.compact({ maxEvents: 2000 - seen.length / 2, archive: true });
    }
    expect(seen).toEqual([...Array(3000).keys()]);
  });

  test('a month goes on in another file behind what is not ours, which stays', async () => {
    const { path, store } = await storeOf(...at(1, 2, 3, 4));
    mkdirSync(place(path));
    const foreign = Buffer.concat([gzipSync(lineOf(runEvent({ timestamp: -1 }))), Buffer.from('no gzip')]);
    writeFileSync(fileOf(path), foreign);
    await store.compact({ maxEvents: 2, archive: true });
    await store.compact({ maxEvents: 1, archive: true });
    expect(readFileSync(fileOf(path)).equals(foreign)).toBe(true);
    const further = FILE.replace('.ndjson', '-2.ndjson');
    expect(readdirSync(place(path)).toSorted()).toEqual(['.archive.lk', further, FILE].toSorted());
    expect(await whole(store)).toEqual([-1, 1, 2, 3, 4]);
    const { archive } = await store.verify();
    expect(archive.files.map(({ file, events, damage }) => [file, events, damage.length])).toEqual([
      [FILE, 1, 1],
      [further, 3, 0],
    ]);
  });

  test('damage in the middle costs what is damaged, and verify says where', async () => {
    const count = 6000;
    const { path, store } = await storeOf(
      ...Array.from({ length: count }, (_, i) => runEvent({ timestamp: i, pad: `${i}`.repeat(60) })),
    );
    await store.compact({ maxEvents: 10, archive: true });
    const sound = readFileSync(fileOf(path));
    expect((await store.verify()).archive).toMatchObject({ events: count - 10, files: [{ damage: [] }] });
    const starts = [];
    for (let i = sound.indexOf('GL4'); i !== -1; i = sound.indexOf('GL4', i + 1)) starts.push(i - 12);
    expect(starts.length).toBeGreaterThan(5);
    // In a member's head, in its lines, and at its end.
    for (const offset of [starts[2] + 20, starts[2] + 500, starts[3] - 4]) {
      const damaged = Buffer.from(sound);
      damaged.fill(0x55, offset, offset + 4);
      writeFileSync(fileOf(path), damaged);
      const seen = await whole(store);
      expect(seen.length).toBeGreaterThan(count - 2000);
      expect(seen.length).toBeLessThan(count);
      const lost = count - seen.length;
      expect(seen).toEqual([...Array(count).keys()].filter((time) => seen.includes(time)));
      const { archive } = await store.verify();
      expect(archive.events).toBe(count - 10 - lost);
      const [{ damage, events, bytes }] = archive.files;
      expect({ events, bytes }).toEqual({ events: count - 10 - lost, bytes: sound.length });
      expect(damage).toEqual([{ offset: starts[2], length: starts[3] - starts[2] }]);
    }
    // A compaction goes on behind it, and lets it stand.
    await store.compact({ maxEvents: 1, archive: true });
    expect((await store.verify()).archive.events).toBeGreaterThan(count - 2000);
  });

  test('what is no folder is refused before anything is evicted', async () => {
    const { path, store } = await storeOf(...at(1, 2));
    const before = readLog(path);
    const file = join(folder(), 'file');
    writeFileSync(file, 'mine');
    await expect(store.compact({ maxEvents: 1, archive: file })).rejects.toThrow(file);
    if (process.platform !== 'win32') {
      symlinkSync(folder(), place(path));
      await expect(store.compact({ maxEvents: 1, archive: true })).rejects.toThrow(place(path));
      rmSync(place(path));
    }
    expect(readLog(path).equals(before)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('destroy leaves it', async () => {
    const { path, store } = await storeOf(...at(1, 2));
    await store.compact({ maxEvents: 1, archive: true });
    await store.destroy();
    expect(readdirSync(path)).toEqual(['archive']);
    expect(await whole(store)).toEqual([1]);
  });

  test('without anything to evict there is none', async () => {
    const { path, store } = await storeOf(...at(1, 2));
    expect(await store.compact({ maxEvents: 2, archive: true })).toBe(0);
    expect(existsSync(place(path))).toBe(false);
    expect(await ours.createEventStore(fresh()).compact({ maxEvents: 2, archive: true })).toBe(0);
  });
});

describe('a ledger', () => {
  const ledgerOf = (path, config) => ours.createPersistentLedger({ storagePath: path, ...config });

  test('compact() and the timer obey retention', async () => {
    const { path, store } = await storeOf(...at(1, 2, 3, Date.now()));
    const ledger = ledgerOf(path, { retention: { maxAgeMs: 1e6, archive: true } });
    await ledger.load();
    expect(await ledger.compact()).toBe(3);
    expect(ledger.eventCount).toBe(1);
    expect((await whole(store)).slice(0, 3)).toEqual([1, 2, 3]);
    await ledger.close();

    await store.appendAll(at(4, 5));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const timed = ledgerOf(path, { compactIntervalMs: 1000, retention: { maxEvents: 1, archive: true } });
      await timed.init();
      vi.advanceTimersByTime(1000);
      await vi.waitFor(() => expect(timed.eventCount).toBe(1));
      await timed.close();
    } finally {
      vi.useRealTimers();
    }
    expect((await whole(store)).slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
  });

  test('maxEvents alone means what it meant; its default is a limit only where no other is named', async () => {
    const count = 10_050;
    const { path } = await storeOf(
      ...Array.from({ length: count }, (_, i) => runEvent({ timestamp: Date.now() - i })),
    );
    const evicts = async (config) => {
      const limits = [];
      const spy = vi.spyOn(ours.EventStore.prototype, 'compact').mockImplementation(async (given) => {
        limits.push(given);
        return 0;
      });
      try {
        await ledgerOf(path, config).compact();
      } finally {
        spy.mockRestore();
      }
      return limits[0];
    };
    expect(await evicts({})).toBe(10_000);
    expect(await evicts({ maxEvents: 5 })).toBe(5);
    expect(await evicts({ retention: {} })).toEqual({ maxEvents: 10_000 });
    expect(await evicts({ retention: { archive: true } })).toEqual({ maxEvents: 10_000, archive: true });
    expect(await evicts({ retention: { maxAgeMs: 5 } })).toEqual({ maxAgeMs: 5 });
    expect(await evicts({ maxEvents: 7, retention: { maxBytes: 5 } })).toEqual({ maxEvents: 7, maxBytes: 5 });
    expect(await evicts({ maxEvents: 7, retention: { maxEvents: 9 } })).toEqual({ maxEvents: 9 });
    expect(await evicts({ retention: { maxEvents: 9, archive: path } })).toEqual({
      maxEvents: 9,
      archive: path,
    });
    for (const retention of [5, { maxEvents: '5' }, { archive: 1 }, { max: 1 }])
      expect(() => ledgerOf(path, { retention })).toThrow(/retention/);
  });
});
