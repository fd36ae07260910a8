/** Compaction: what is evicted, what is kept, and that nothing else is touched. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { logged, logText, paths, readIndex, readLog, snapshot } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, original, ours } from './support/implementations.mjs';

function planted(content) {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).log, content);
  return { folder, store: ours.createEventStore(folder) };
}

describeOurs('compact', () => {
  test('a dry run tells the number and changes nothing', async () => {
    const { folder, store } = planted(at(3, 1, 2).map(lineOf).join(''));
    const before = snapshot(folder);
    expect(await store.compact(1, { dryRun: true })).toBe(2);
    expect(await store.compact(5, { dryRun: true })).toBe(0);
    expect(snapshot(folder)).toEqual(before);
    expect(await store.compact(1, { dryRun: false })).toBe(2);
    expect(times(logged(folder))).toEqual([3]);
  });

  test('the bytes of kept lines are kept, spaces around them are not', async () => {
    const odd = [
      '{ "timestamp":5,"a":"\\u0041" }',
      '{"timestamp":6,"a":1.50,"a":2e2}',
      '{"timestamp":7,"s":"\\ud800","big":123456789012345678901}',
      '{"timestamp":8,"__proto__":{"x":1}}',
    ];
    const { folder, store } = planted(`{"timestamp":1}\n \t${odd.join('\r\n\ufeff')}\u00a0\n\n`);
    expect(await store.compact(4)).toBe(1);
    expect(logText(folder)).toBe(`${odd.join('\n')}\n`);
  });

  test('invalid UTF-8 within a kept line is kept', async () => {
    const line = Buffer.concat([
      Buffer.from('{"timestamp":2,"a":"'),
      Buffer.from([0xff, 0xed, 0xa0, 0x80]),
      Buffer.from('"}\n'),
    ]);
    const { folder, store } = planted(Buffer.concat([Buffer.from('{"timestamp":1}\n'), line]));
    await store.compact(1);
    expect(readLog(folder)).toEqual(line);
  });

  test('an event nested deeper than JSON.stringify goes is kept', async () => {
    const deep = `{"timestamp":2,"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`;
    const { folder, store } = planted(`{"timestamp":1}\n${deep}`);
    expect(await store.compact(1)).toBe(1);
    expect(logText(folder)).toBe(deep);
  });

  test('malformed lines are set aside in their order, after those already there', async () => {
    const { folder, store } = planted('first\n{"timestamp":1}\nnull\n{"timestamp":2}\n{"half":');
    writeFileSync(paths(folder).rejected, 'earlier');
    expect(await store.compact(1)).toBe(1);
    expect(logText(folder)).toBe('{"timestamp":2}\n');
    expect(readFileSync(paths(folder).rejected, 'utf8')).toBe('earlier\nfirst\nnull\n{"half":\n');
    appendFileSync(paths(folder).log, 'second\n{"timestamp":3}\n');
    expect(await store.compact(1)).toBe(1);
    expect(readFileSync(paths(folder).rejected, 'utf8')).toBe('earlier\nfirst\nnull\n{"half":\nsecond\n');
  });

  test('the same malformed line is set aside as often as it is met', async () => {
    const { folder, store } = planted('twice\n{"timestamp":1}\n{"timestamp":2}\n');
    await store.compact(1);
    appendFileSync(paths(folder).log, 'twice\n{"timestamp":3}\n');
    await store.compact(1);
    expect(readFileSync(paths(folder).rejected, 'utf8')).toBe('twice\ntwice\n');
  });

  test('malformed lines that came before any event are set aside, whichever process saw them first', async () => {
    const looks = {
      compact: (store) => store.compact(10),
      readRange: (store) => store.readRange(0, 1),
      readByTask: (store) => store.readByTask('a'),
      getStats: (store) => store.getStats(),
      verify: (store) => store.verify(),
    };
    for (const [name, look] of Object.entries(looks)) {
      const { folder, store } = planted('bad\nnull\n');
      await look(store);
      await store.append(runEvent());
      await store.compact(0);
      expect(readFileSync(paths(folder).rejected, 'utf8'), name).toBe('bad\nnull\n');
    }
  });

  test('within the limit nothing is written, malformed lines, torn tail and index included', async () => {
    const { folder, store } = planted('bad\n{"timestamp":2}\n{"timestamp":1}\n{"half":');
    writeFileSync(paths(folder).index, 'stale');
    const visible = () =>
      ['log', 'index', 'rejected', 'lock'].map((name) =>
        existsSync(paths(folder)[name]) ? readFileSync(paths(folder)[name], 'utf8') : null,
      );
    const before = visible();
    expect(await store.compact(2)).toBe(0);
    expect(visible()).toEqual(before);
  });

  test('equal times keep their order, and 0 equals -0', async () => {
    const { folder, store } = planted(
      ['0', '-0', '0.0', '5e-324', '-5e-324', '-1e400', '1e400']
        .map((time, n) => `{"n":${n},"timestamp":${time}}\n`)
        .join(''),
    );
    expect(await store.compact(6)).toBe(1);
    expect(logged(folder).map((event) => event.n)).toEqual([4, 0, 1, 2, 3, 6]);
  });

  test('while appends arrive, none of them is lost', async () => {
    const { folder, store } = planted(
      Array.from({ length: 2000 }, (_, i) => lineOf(runEvent({ eventId: `old${i}`, timestamp: i }))).join(''),
    );
    const appended = [];
    const work = [];
    for (let i = 0; i < 200; i++) {
      appended.push(`new${i}`);
      work.push(store.append(runEvent({ eventId: `new${i}`, timestamp: 10_000 + i })));
      if (i % 40 === 0) work.push(store.compact(500));
    }
    await Promise.all(work);
    const ids = logged(folder).map((event) => event.eventId);
    expect(ids.filter((id) => id.startsWith('new')).toSorted()).toEqual(appended.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    expect(readIndex(folder).eventCount).toBe(ids.length);
  });

  test('the original reads what was compacted, and compacts it likewise', async () => {
    const { folder, store } = planted(at(5, 2, 4, 1, 3).map(lineOf).join(''));
    expect(await store.compact(4)).toBe(1);
    const theirs = original.createEventStore(folder);
    expect(await theirs.readAll()).toEqual(await store.readAll());
    expect(await theirs.getStats()).toEqual(await store.getStats());
    expect(await theirs.compact(2)).toBe(2);
    expect(times(await store.readAll())).toEqual([4, 5]);
    expect(await store.getStats()).toEqual(await theirs.getStats());
  });

  test('many tasks', async () => {
    const { folder, store } = planted(
      Array.from({ length: 3000 }, (_, i) => lineOf(runEvent({ timestamp: i, taskId: `task ${i}` }))).join(
        '',
      ),
    );
    expect(await store.compact(2500)).toBe(500);
    expect(readIndex(folder)).toEqual({
      eventCount: 2500,
      oldestTimestamp: 500,
      newestTimestamp: 2999,
      taskIds: Array.from({ length: 2500 }, (_, i) => `task ${i + 500}`),
    });
  });
});
