/** Following the log: events of any process, each once, through whatever replaces the log; cursors, gaps, endings. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { paths, until } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { folder as folderOnly, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { agent } from './support/processes.mjs';

const onLinux = process.platform === 'linux';

/** Events with these numbers as id and timestamp. */
const events = (first, last, fields = {}) =>
  Array.from({ length: last - first + 1 }, (_, i) =>
    runEvent({ eventId: `e${first + i}`, timestamp: first + i, ...fields }),
  );

function storeOf(folder = fresh()) {
  const store = ours.createEventStore(folder);
  onTestFinished(() => store.close());
  return { folder, store };
}

async function appendAll(store, list) {
  for (const event of list) await store.append(event);
}

/** A reader of `store`: `take(n)` gives the timestamps of the next n events, `cursor` is that of the last one. */
function follow(store, options = {}) {
  const gaps = [];
  const iterator = store.follow({ onGap: ({ missed }) => gaps.push(missed), ...options });
  const reader = {
    iterator,
    gaps,
    cursor: undefined,
    async take(count) {
      const taken = [];
      while (taken.length < count) {
        const { value, done } = await iterator.next();
        if (done) break;
        reader.cursor = value.cursor;
        taken.push(value.event.timestamp);
      }
      return taken;
    },
    /** Nothing but the event that is appended now comes next. */
    async isAtTheEnd(timestamp) {
      const next = reader.take(1);
      await store.append(runEvent({ eventId: `e${timestamp}`, timestamp }));
      expect(await next).toEqual([timestamp]);
      expect(gaps).toEqual([]);
    },
  };
  return reader;
}

describeOurs('what is given', () => {
  test('what is there, then what comes, with cursors that differ', async () => {
    const { store } = storeOf();
    await appendAll(store, events(1, 3));
    const seen = [];
    for await (const { event, cursor } of store.follow()) {
      seen.push([event.timestamp, cursor]);
      if (event.timestamp < 6) await store.append(events(event.timestamp + 3, event.timestamp + 3)[0]);
      else break;
    }
    expect(seen.map(([time]) => time)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(seen.map(([, cursor]) => cursor)).size).toBe(6);
    for (const [, cursor] of seen) expect(cursor.length).toBeLessThan(4096);
  });

  test('events of another process, within moments', async () => {
    const { folder, store } = storeOf();
    const other = await agent({ folder });
    const reader = follow(store);
    for (let i = 1; i <= 20; i++) {
      const next = reader.take(1);
      await other.run(({ store }, event) => store.append(event), runEvent({ timestamp: i }));
      expect(await next).toEqual([i]);
    }
  });

  test('a folder and a log that come later', async () => {
    const { store } = storeOf();
    const reader = follow(store);
    const first = reader.take(2);
    await appendAll(store, events(1, 2));
    expect(await first).toEqual([1, 2]);
  });

  test("from 'now': what comes after the call", async () => {
    const { store } = storeOf();
    await appendAll(store, events(1, 3));
    const reader = follow(store, { from: 'now' });
    await appendAll(store, events(4, 5));
    await store.compact(1);
    expect(await reader.take(2)).toEqual([4, 5]);
    await reader.isAtTheEnd(6);
  });

  test('from a time: of what is there, and all that comes', async () => {
    const { store } = storeOf();
    await appendAll(store, events(1, 5));
    const reader = follow(store, { from: 4 });
    expect(await reader.take(2)).toEqual([4, 5]);
    await appendAll(store, [...events(2, 2), ...events(9, 9)]);
    expect(await reader.take(2)).toEqual([2, 9]);
  });

  test('of one task, as readByTask', async () => {
    const { store } = storeOf();
    const taskId = 'tä"sk\ud800';
    await appendAll(store, [
      ...events(1, 2),
      ...events(3, 4, { taskId }),
      ...events(5, 5, { taskId: 7 }),
      ...events(6, 6, { taskId }),
    ]);
    const reader = follow(store, { taskId });
    expect(await reader.take(3)).toEqual([3, 4, 6]);
    const again = follow(store, { taskId, after: reader.cursor });
    await appendAll(store, [...events(7, 7), ...events(8, 8, { taskId })]);
    expect(await again.take(1)).toEqual([8]);
  });

  test('half a line is waited for, and what is no event is passed over', async () => {
    const { folder, store } = storeOf();
    await store.append(events(1, 1)[0]);
    const line = lineOf(events(2, 2)[0]);
    appendFileSync(paths(folder).log, `null\n{"half\n\n${line.slice(0, 20)}`);
    const reader = follow(store);
    expect(await reader.take(1)).toEqual([1]);
    const next = reader.take(1);
    appendFileSync(paths(folder).log, line.slice(20));
    expect(await next).toEqual([2]);
  });

  test('a backlog of any size, in order', async () => {
    const { folder, store } = storeOf();
    mkdirSync(folder, { recursive: true });
    const padding = 'x'.repeat(200);
    writeFileSync(paths(folder).log, events(1, 5000, { padding }).map(lineOf).join(''));
    const reader = follow(store);
    expect(await reader.take(5000)).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
    await reader.isAtTheEnd(5001);
  });
});

describeOurs('what replaces the log', () => {
  test('a compaction that sorts and evicts what was seen and what was not', async () => {
    const { store } = storeOf();
    await appendAll(store, [...events(5, 8), ...events(1, 4)]);
    const reader = follow(store);
    expect(await reader.take(2)).toEqual([5, 6]);
    await store.compact(5);
    // It holds the old log open.
    expect((await reader.take(6)).sort()).toEqual([1, 2, 3, 4, 7, 8]);
    await reader.isAtTheEnd(9);
  });

  test('rewrites by another process, one after the other, while events come', async () => {
    const { folder, store } = storeOf();
    const other = await agent({ folder });
    await store.append(events(0, 0)[0]);
    const reader = follow(store);
    expect(await reader.take(1)).toEqual([0]);
    const written = other.run(async ({ store }) => {
      for (let i = 1; i <= 200; i++) {
        const timestamp = i % 7 === 0 ? -i : i;
        await store.append({ eventId: `e${i}`, taskId: 't', violations: [], timestamp });
        if (i % 20 === 0) await store.compact(10);
      }
    });
    const seen = [];
    while (seen.at(-1) !== 200) seen.push(...(await reader.take(1)));
    await written;
    expect(new Set(seen).size).toBe(seen.length);
    const missed = reader.gaps.reduce((sum, missed) => sum + missed, 0);
    expect(seen.length + missed).toBe(200);
    await reader.iterator.return();
  });

  test('a save() that reorders and edits, and brings new events along', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 3));
    const ledger = ours.createPersistentLedger({ storagePath: folder });
    await ledger.init();
    const reader = follow(store);
    expect(await reader.take(3)).toEqual([1, 2, 3]);
    await store.append(events(4, 4)[0]); // the ledger does not know it
    ledger.getEvents()[0].note = 'edited';
    ledger.importEvents(events(10, 11));
    await ledger.save();
    expect((await reader.take(3)).sort()).toEqual([10, 11, 4]);
    expect((await store.readAll())[0].note).toBe('edited');
    await reader.isAtTheEnd(12);
    await ledger.destroy();
  });

  test('writeAll() of what was there and of new events', async () => {
    const { store } = storeOf();
    await appendAll(store, events(1, 4));
    const reader = follow(store);
    expect(await reader.take(4)).toEqual([1, 2, 3, 4]);
    await store.writeAll([...events(9, 9), ...events(3, 4), ...events(2, 2)]);
    expect(await reader.take(1)).toEqual([9]);
    await reader.isAtTheEnd(10);
  });

  test.each([
    ['append and compact', async ({ store }) => store.compact(2)],
    ['save', async ({ ledger }) => ledger.init().then(() => ledger.save())],
  ])('the original: %s', async (_, rewrite) => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 4));
    const reader = follow(store);
    expect(await reader.take(4)).toEqual([1, 2, 3, 4]);
    const program = await agent({ folder, implementation: 'original' });
    const next = reader.take(1);
    await program.run(({ store }, event) => store.append(event), events(5, 5)[0]);
    expect(await next).toEqual([5]);
    const then = reader.take(1);
    await program.run(rewrite);
    await program.run(({ store }, event) => store.append(event), events(6, 6)[0]);
    expect(await then).toEqual([6]);
    await reader.isAtTheEnd(7);
  });

  test('the log is removed, and begun anew', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 2));
    const reader = follow(store);
    expect(await reader.take(1)).toEqual([1]);
    await store.append(events(3, 3)[0]);
    rmSync(paths(folder).log);
    expect(await reader.take(2)).toEqual([2, 3]);
    const next = reader.take(1);
    await store.append(events(4, 4)[0]);
    expect(await next).toEqual([4]);
    await reader.isAtTheEnd(5);
  });

  test('the log is removed, and an older copy takes its place', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 3));
    const reader = follow(store);
    expect(await reader.take(3)).toEqual([1, 2, 3]);
    const next = reader.take(1);
    rmSync(paths(folder).log);
    writeFileSync(join(folder, 'copy'), [...events(1, 2), ...events(4, 4)].map(lineOf).join(''));
    renameSync(join(folder, 'copy'), paths(folder).log);
    expect(await next).toEqual([4]);
    await reader.isAtTheEnd(5);
  });

  test('the folder is destroyed, and made anew', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 2));
    const reader = follow(store);
    expect(await reader.take(2)).toEqual([1, 2]);
    const next = reader.take(1);
    await store.destroy();
    rmSync(folder, { recursive: true });
    await storeOf(folder).store.append(events(3, 3)[0]);
    expect(await next).toEqual([3]);
  });
});

describeOurs('cursors', () => {
  test('in another process, through compactions and saves', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 6));
    const reader = follow(store);
    expect(await reader.take(4)).toEqual([1, 2, 3, 4]);
    await reader.iterator.return();
    await store.compact(4);
    const ledger = ours.createPersistentLedger({ storagePath: folder });
    await ledger.init();
    ledger.importEvents(events(0, 0));
    await ledger.save();
    await ledger.destroy();
    await store.compact(5);
    await store.append(events(7, 7)[0]);
    const other = await agent({ folder });
    const seen = await other.run(async ({ store }, after) => {
      const seen = [];
      for await (const { event } of store.follow({ after })) {
        seen.push(event.timestamp);
        if (event.timestamp === 7) return seen;
      }
    }, reader.cursor);
    expect(seen.sort()).toEqual([0, 5, 6, 7]);
  });

  test('what was evicted before it was seen is counted', async () => {
    const { store } = storeOf();
    await appendAll(store, events(1, 10));
    const reader = follow(store);
    expect(await reader.take(2)).toEqual([1, 2]);
    await reader.iterator.return();
    await store.compact(6);
    await appendAll(store, events(11, 12));
    await store.compact(5);
    const again = follow(store, { after: reader.cursor });
    expect(await again.take(5)).toEqual([8, 9, 10, 11, 12]);
    expect(again.gaps).toEqual([5]);
    const strict = store.follow({ after: reader.cursor });
    await expect(strict.next()).rejects.toMatchObject({ code: 'EGAP', missed: 5 });
    expect(await strict.next()).toEqual({ done: true, value: undefined });
  });

  test('in the middle of a log that was sorted', async () => {
    const { store } = storeOf();
    await appendAll(store, [...events(6, 9), ...events(1, 5)]);
    const reader = follow(store);
    await reader.take(3);
    await reader.iterator.return();
    await store.compact(8);
    const half = follow(store, { after: reader.cursor });
    expect(await half.take(3)).toEqual([2, 3, 4]);
    expect(half.gaps).toEqual([1]);
    await half.iterator.return();
    const rest = follow(store, { after: half.cursor });
    expect(await rest.take(2)).toEqual([5, 9]);
    await rest.isAtTheEnd(10);
  });

  test('after a rewrite of the original: what is newer, and a gap', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 5));
    const reader = follow(store);
    expect(await reader.take(3)).toEqual([1, 2, 3]);
    await reader.iterator.return();
    const program = await agent({ folder, implementation: 'original' });
    await program.run(({ store }) => store.compact(4));
    const again = follow(store, { after: reader.cursor });
    expect(await again.take(2)).toEqual([4, 5]);
    expect(again.gaps).toEqual([null]);
  });

  test('of more rewrites ago than are remembered, and with a damaged memory: a gap', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 3));
    const reader = follow(store);
    expect(await reader.take(3)).toEqual([1, 2, 3]);
    await reader.iterator.return();
    for (let i = 4; i < 24; i++) {
      await store.append(events(i, i)[0]);
      await store.compact(2);
      if (i === 19) expect(await follow(store, { after: reader.cursor }).take(2)).toEqual([18, 19]);
    }
    const old = follow(store, { after: reader.cursor });
    expect(await old.take(2)).toEqual([22, 23]);
    expect(old.gaps).toEqual([null]);
    const moves = `${folder}/.events.moves`;
    const bytes = readFileSync(moves);
    for (const damaged of [
      bytes.subarray(0, 100),
      Buffer.alloc(64, 255),
      Buffer.alloc(0),
      bytes.fill(1, 40, 48),
    ]) {
      writeFileSync(moves, damaged);
      const other = follow(store, { after: old.cursor });
      await store.append(runEvent({ timestamp: 100 }));
      expect(await other.take(1)).toEqual([100]);
      await store.writeAll(events(22, 23));
    }
  });

  test('of a folder that was copied, and of another folder', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 5));
    const reader = follow(store);
    expect(await reader.take(3)).toEqual([1, 2, 3]);
    const copy = storeOf();
    mkdirSync(copy.folder, { recursive: true });
    for (const name of readdirSync(folder))
      writeFileSync(`${copy.folder}/${name}`, readFileSync(`${folder}/${name}`));
    const there = follow(copy.store, { after: reader.cursor });
    expect(await there.take(2)).toEqual([4, 5]);
    expect(there.gaps).toEqual([null]);
  });

  test('a log that was cut in place is a gap', async () => {
    const { folder, store } = storeOf();
    await appendAll(store, events(1, 3));
    const reader = follow(store);
    expect(await reader.take(3)).toEqual([1, 2, 3]);
    const next = reader.take(1);
    truncateSync(paths(folder).log, 20);
    await until(() => reader.gaps.length > 0);
    await store.append(events(5, 5)[0]);
    expect(await next).toEqual([5]);
    expect(reader.gaps).toEqual([null]);
  });
});

describe.skipIf(ours === null || process.platform === 'win32')(
  'something else in the place of .events.moves',
  () => {
    test.each([
      ['a symbolic link', (name, victim) => symlinkSync(victim, name)],
      ['a hard link', (name, victim) => linkSync(victim, name)],
      ['a pipe', (name) => execFileSync('mkfifo', [name])],
      ['a folder', (name) => mkdirSync(name)],
    ])('%s', async (_, plant) => {
      const { folder, store } = storeOf();
      await appendAll(store, events(1, 4));
      const victim = join(folderOnly(), 'victim');
      writeFileSync(victim, 'precious');
      plant(join(folder, '.events.moves'), victim);
      const reader = follow(store);
      expect(await reader.take(4)).toEqual([1, 2, 3, 4]);
      await store.compact(2);
      await reader.isAtTheEnd(5);
      expect(readFileSync(victim, 'utf8')).toBe('precious');
    });
  },
);

describeOurs('endings', () => {
  const threads = () => readdirSync('/proc/self/task').length;
  const descriptors = () => readdirSync('/proc/self/fd').length;

  test.skipIf(!onLinux)('return(), a signal and close() leave nothing behind', async () => {
    const folder = fresh();
    const first = ours.createEventStore(folder);
    await first.append(events(1, 1)[0]);
    await first.close();
    const before = descriptors();
    const threadsBefore = threads();
    const ends = [
      async (_, iterator) => iterator.return(),
      async (store) => store.close(),
      async (_, __, controller) => controller.abort(),
      async (store, iterator) => Promise.all([iterator.return(), store.close()]),
    ];
    for (const end of ends) {
      const store = ours.createEventStore(folder);
      const controller = new AbortController();
      const iterator = store.follow({ signal: controller.signal });
      expect((await iterator.next()).value.event.timestamp).toBe(1);
      const pending = iterator.next().catch((error) => error.code);
      expect(descriptors()).toBeGreaterThan(before);
      await end(store, iterator, controller);
      expect(['ABORT_ERR', undefined]).toContain((await pending)?.code ?? (await pending)?.value);
      await store.close();
      await until(() => descriptors() === before);
    }
    // Idle threads of the engine stay for half a second, in case there is more to do.
    await until(() => threads() <= threadsBefore);
  });

  test('return() ends a pending next() at once, and next() after it is done', async () => {
    const { store } = storeOf();
    const iterator = store.follow();
    const pending = iterator.next();
    expect(await iterator.return('x')).toEqual({ done: true, value: 'x' });
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await expect(store.follow().throw(new Error('mine'))).rejects.toThrow('mine');
  });

  test('close() of the store ends the loop', async () => {
    const { store } = storeOf();
    await store.append(events(1, 1)[0]);
    const loop = (async () => {
      const seen = [];
      for await (const { event } of store.follow()) seen.push(event.timestamp);
      return seen;
    })();
    const reader = follow(store);
    await reader.take(1);
    await store.close();
    expect(await loop).toEqual([1]);
    await store.append(events(2, 2)[0]); // opens anew
    expect(await follow(store).take(2)).toEqual([1, 2]);
  });

  test('a signal that was aborted before, and one that is aborted in the loop', async () => {
    const { store } = storeOf();
    await appendAll(store, events(1, 3));
    const reason = new Error('why');
    await expect(store.follow({ signal: AbortSignal.abort(reason) }).next()).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      cause: reason,
    });
    const controller = new AbortController();
    const seen = [];
    const loop = (async () => {
      for await (const { event } of store.follow({ signal: controller.signal })) {
        seen.push(event.timestamp);
        controller.abort();
      }
    })();
    await expect(loop).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(seen).toEqual([1]);
  });

  test('what onGap throws ends the iteration', async () => {
    const { store } = storeOf();
    await appendAll(store, events(1, 3));
    const reader = follow(store);
    await reader.take(1);
    await reader.iterator.return();
    await store.compact(1);
    const onGap = () => {
      throw new Error('stop');
    };
    const iterator = store.follow({ after: reader.cursor, onGap });
    await expect(iterator.next()).rejects.toThrow('stop');
    expect((await iterator.next()).done).toBe(true);
  });

  test('calls at once are answered in order', async () => {
    const { store } = storeOf();
    const iterator = store.follow();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    await appendAll(store, events(1, 3));
    const found = await Promise.all(calls);
    expect(found.map(({ value }) => value.event.timestamp)).toEqual([1, 2, 3]);
    await iterator.return();
  });
});

describeOurs('arguments', () => {
  test.each([
    [{ after: 5 }, TypeError, /after/],
    [{ after: '' }, RangeError, /after/],
    [{ after: 'gl1~0~0.0.0.0~0.0.0.0.0.0~00000000' }, RangeError, /after/],
    [{ after: 'x'.repeat(10_000) }, RangeError, /after/],
    [{ after: 'x', from: 'now' }, TypeError, /from/],
    [{ from: null }, TypeError, /from/],
    [{ from: 'then' }, RangeError, /from/],
    [{ from: Number.NaN }, RangeError, /from/],
    [{ from: new Date() }, TypeError, /from/],
    [{ taskId: 5 }, TypeError, /taskId/],
    [{ signal: {} }, TypeError, /signal/],
    [{ onGap: 'x' }, TypeError, /onGap/],
    [{ form: 'now' }, TypeError, /form/],
    [5, TypeError, /options/],
  ])('%j is refused', (options, type, words) => {
    const { store } = storeOf();
    expect(() => store.follow(options)).toThrow(type);
    expect(() => store.follow(options)).toThrow(words);
  });

  test('undefined means the default', async () => {
    const { store } = storeOf();
    await store.append(events(1, 1)[0]);
    const options = {
      after: undefined,
      from: undefined,
      taskId: undefined,
      signal: undefined,
      onGap: undefined,
    };
    expect((await store.follow(options).next()).value.event.timestamp).toBe(1);
  });
});
