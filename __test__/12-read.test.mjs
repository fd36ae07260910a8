/** Reading beyond the original: by task, as a stream, and the report of verify(). */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { paths } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

function planted(content) {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).log, content);
  return { folder, store: ours.createEventStore(folder) };
}

const many = (count) =>
  Array.from({ length: count }, (_, i) => runEvent({ eventId: `e${i}`, timestamp: i, taskId: `t${i % 7}` }));

async function gather(iterable) {
  const events = [];
  for await (const event of iterable) events.push(event);
  return events;
}

describeOurs('readByTask', () => {
  test('gives the events of a task in the order of the log', async () => {
    const { store } = planted(
      [...many(50), runEvent({ taskId: undefined }), runEvent({ taskId: 5 }), runEvent({ taskId: '5' })]
        .map(lineOf)
        .join(''),
    );
    expect(times(await store.readByTask('t3'))).toEqual([3, 10, 17, 24, 31, 38, 45]);
    expect(await store.readByTask('5')).toHaveLength(1);
    expect(await store.readByTask('none')).toEqual([]);
    expect(await store.readByTask('undefined')).toEqual([]);
  });

  test('tasks are compared as JavaScript compares strings', async () => {
    const { store } = planted(
      `${[
        '"\\u0061"',
        '"a"',
        '"\\ud83d\\ude00"',
        '"😀"',
        '"\\ud83d"',
        '"\\u00e9"',
        '"e\\u0301"',
        '"__proto__"',
        '""',
      ]
        .map((task, n) => `{"n":${n},"taskId":${task}}\n`)
        .join('')}{"n":9,"taskId":"no","task\\u0049d":"a"}\n`,
    );
    const found = async (task) => (await store.readByTask(task)).map((event) => event.n);
    expect(await found('a')).toEqual([0, 1, 9]);
    expect(await found('😀')).toEqual([2, 3]);
    expect(await found('\ud83d')).toEqual([4]);
    expect(await found('é')).toEqual([5]);
    expect(await found('e\u0301')).toEqual([6]);
    expect(await found('__proto__')).toEqual([7]);
    expect(await found('')).toEqual([8]);
  });

  test('sees what was appended since', async () => {
    const { folder, store } = planted(lineOf(runEvent({ taskId: 'a', timestamp: 1 })));
    expect(await store.readByTask('a')).toHaveLength(1);
    appendFileSync(paths(folder).log, lineOf(runEvent({ taskId: 'a', timestamp: 2 })));
    expect(times(await store.readByTask('a'))).toEqual([1, 2]);
    expect(times(await store.readRange(2, 2))).toEqual([2]);
  });
});

describeOurs('stream', () => {
  test('gives every event in order, and can be asked twice', async () => {
    const events = many(5000);
    const { store } = planted(events.map(lineOf).join(''));
    expect(await gather(store.stream())).toEqual(events);
    expect(await gather(store.stream({}))).toHaveLength(5000);
  });

  test('filters by time, both ends included, and by task', async () => {
    const { store } = planted(many(100).map(lineOf).join(''));
    expect(times(await gather(store.stream({ from: 10, to: 12 })))).toEqual([10, 11, 12]);
    expect(times(await gather(store.stream({ from: 98 })))).toEqual([98, 99]);
    expect(times(await gather(store.stream({ to: 1 })))).toEqual([0, 1]);
    expect(times(await gather(store.stream({ taskId: 't2', from: 20, to: 40 })))).toEqual([23, 30, 37]);
    expect(await gather(store.stream({ from: 5, to: 4 }))).toEqual([]);
  });

  test('leaving the loop ends it', async () => {
    const { store } = planted(many(1000).map(lineOf).join(''));
    const stream = store.stream();
    for await (const event of stream) if (event.timestamp === 3) break;
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    const other = store.stream();
    await other.next();
    expect(await other.return('given')).toEqual({ done: true, value: 'given' });
    expect(await other.next()).toEqual({ done: true, value: undefined });
  });

  test('a signal ends it with an AbortError', async () => {
    const { store } = planted(many(20_000).map(lineOf).join(''));
    const controller = new AbortController();
    const seen = [];
    const failure = await (async () => {
      for await (const event of store.stream({ signal: controller.signal })) {
        seen.push(event);
        if (seen.length === 10) controller.abort(new Error('enough'));
      }
    })().catch((error) => error);
    expect(failure).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    expect(failure.cause.message).toBe('enough');
    expect(seen).toHaveLength(10);
    const before = await store
      .stream({ signal: AbortSignal.abort() })
      .next()
      .catch((error) => error);
    expect(before.name).toBe('AbortError');
  });

  test('a log of 50 MB passes through without being held', { timeout: 120_000 }, async () => {
    const line = lineOf(runEvent({ text: 'x'.repeat(4_500) }));
    const { folder, store } = planted('');
    for (let i = 0; i < 10; i++) appendFileSync(paths(folder).log, line.repeat(1000));
    globalThis.gc?.();
    let count = 0;
    let most = 0;
    const start = process.memoryUsage().rss;
    for await (const _ of store.stream())
      if (++count % 500 === 0) most = Math.max(most, process.memoryUsage().rss - start);
    expect(count).toBe(10_000);
    expect(most).toBeLessThan(45 << 20);
  });

  test('appends meanwhile do not disturb it, nor does a compaction', async () => {
    const events = many(3000);
    const { store } = planted(events.map(lineOf).join(''));
    const stream = store.stream();
    const seen = [(await stream.next()).value];
    await store.append(runEvent({ timestamp: 9999 }));
    await store.compact(1);
    for await (const event of stream) seen.push(event);
    expect(seen.slice(0, 3000)).toEqual(events);
    expect(times(await store.readAll())).toEqual([9999]);
  });
});

describeOurs('the event loop', () => {
  test('has its turn while a large log is read', async () => {
    const { store } = planted(many(60_000).map(lineOf).join(''));
    let turns = 0;
    const beat = setInterval(() => turns++, 1);
    try {
      expect(await store.readAll()).toHaveLength(60_000);
    } finally {
      clearInterval(beat);
    }
    expect(turns).toBeGreaterThan(3);
  });
});

describeOurs('verify', () => {
  test('an orderly store', async () => {
    const { store } = planted('');
    for (const event of at(1, 2)) await store.append(event);
    await store.flush();
    expect(await store.verify()).toMatchObject({
      lines: 2,
      events: 2,
      blank: 0,
      malformed: [],
      tornTail: null,
      duplicateIds: [],
      index: { eventCount: 2, drift: false },
    });
  });

  test('tells blank, malformed and doubled lines, the torn tail and the drift of the index', async () => {
    const twin = lineOf({ eventId: 'twin', timestamp: 1 });
    const { folder, store } = planted(`${twin}\n \r\nnot json\n5\n${twin}{"eventId":"x"}\n{"half":`);
    writeFileSync(
      paths(folder).index,
      JSON.stringify({ eventCount: 9, oldestTimestamp: null, newestTimestamp: null, taskIds: [] }),
    );
    const report = await store.verify();
    const at = Buffer.byteLength(`${twin}\n \r\n`);
    expect(report).toMatchObject({
      events: 3,
      blank: 2,
      duplicateIds: [{ eventId: 'twin', count: 2 }],
      index: { eventCount: 9, drift: true },
    });
    expect(report.malformed.slice(0, 2)).toEqual([
      { offset: at, length: 8 },
      { offset: at + 9, length: 1 },
    ]);
    expect(report.tornTail).toMatchObject({ length: 8, complete: false });
  });

  test('a complete last line without its newline', async () => {
    const { store } = planted('{"a":1}\n{"b":2}');
    expect(await store.verify()).toMatchObject({
      events: 2,
      tornTail: { offset: 8, length: 7, complete: true },
      index: null,
    });
  });
});
