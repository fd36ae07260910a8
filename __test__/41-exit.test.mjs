/** Processes that end right after an event was recorded: nothing is lost, however they end, and ending takes no time. */
import { expect, test } from 'vitest';
import { ascending, expectKept, numbersOf } from './support/accepted.mjs';
import { logged, readIndex } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { describeFaults } from './support/fault.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { start } from './support/processes.mjs';
import { stoppedWriter } from './support/stopped.mjs';

const COUNT = 2000;

describeOurs(`an end right after ${COUNT} events`, () => {
  test.each([
    ['logEvent', 'exit', 0],
    ['logEvent', 'throw', 1],
    ['logEvent', 'SIGTERM', 'SIGTERM'],
    ['logEvent', 'SIGKILL', 'SIGKILL'],
    ['logEvent', 'SIGINT', 'SIGINT'],
    ['logEvent', 'reject', 1],
    ['logEvent', 'return', 0],
    ['logEvent', 'abort', 'SIGABRT'],
    ['logEvent', 'exit in a listener', 0],
    ['finalizeEvent', 'exit', 0],
    ['finalizeEvent', 'SIGKILL', 'SIGKILL'],
    ['importEvents', 'exit', 0],
    ['importEvents', 'SIGKILL', 'SIGKILL'],
    ['append', 'SIGKILL', 'SIGKILL'],
  ])('%s, then %s', async (how, end, expected) => {
    const store = fresh();
    const program = start('quick', { folder: store, how, count: COUNT, end });
    expect(await program.ended, program.errors).toBe(expected);
    expect(program.lines).toHaveLength(COUNT);
    const events = await expectKept(store, program.lines);
    expect(events).toHaveLength(COUNT + 1);
    if (how !== 'logEvent') expect(ascending(numbersOf(events, 'event'))).toBe(true);
  });

  test("with durability 'disk'", async () => {
    const store = fresh();
    const program = start('quick', {
      folder: store,
      count: 50,
      end: 'SIGKILL',
      options: { durability: 'disk' },
    });
    await program.ended;
    expect(program.lines).toHaveLength(50);
    await expectKept(store, program.lines);
  });

  test('an exit leaves an index.json, and the next writer brings it up to date', async () => {
    const store = fresh();
    await start('quick', { folder: store, count: COUNT, end: 'exit' }).done();
    const left = readIndex(store);
    expect(left.eventCount).toBeGreaterThan(0);
    expect(left.eventCount).toBeLessThanOrEqual(COUNT);
    const next = ours.createEventStore(store);
    await next.append(runEvent({ timestamp: COUNT }));
    await next.flush();
    expect(readIndex(store)).toMatchObject({
      eventCount: COUNT + 1,
      oldestTimestamp: 0,
      newestTimestamp: COUNT,
    });
  });

  test('ten at once, as hooks of several agents', async () => {
    const store = fresh();
    const programs = Array.from({ length: 10 }, () =>
      start('quick', { folder: store, count: 20, end: 'exit' }),
    );
    const ids = (await Promise.all(programs.map((program) => program.done()))).flat();
    expect(ids).toHaveLength(200);
    await expectKept(store, ids);
  });
});

describeFaults('an end while another process holds the folder', () => {
  test.each(['exit', 'SIGTERM'])('%s is not held up for long', async (end) => {
    const store = fresh();
    // It has written, so that index.json is behind, when the other one stops.
    const program = start('quick', { folder: store, how: 'finalizeEvent', count: 3, end, waits: true });
    await program.said(1);
    const other = await stoppedWriter(store);
    const begun = performance.now();
    program.child.stdin.end('go\n');
    await program.ended;
    expect(performance.now() - begun, 'ms to end').toBeLessThan(5000);
    expect(logged(store).map(({ eventId }) => eventId)).toEqual(['first']);
    await other.goOn();
    await expectKept(store, ['first', 'stopped-0']);
  });

  test('what waits is written at exit if the folder gets free meanwhile', async () => {
    const store = fresh();
    const program = start('quick', {
      folder: store,
      how: 'finalizeEvent',
      count: 3,
      end: 'exit',
      waits: true,
    });
    await program.said(1);
    const other = await stoppedWriter(store);
    program.child.stdin.end('go\n');
    await program.said(4);
    await other.goOn();
    await program.done();
    await expectKept(store, [...program.lines.slice(1), 'first', 'stopped-0']);
  });

  test('a dead holder holds up no process', async () => {
    const store = fresh();
    const other = await stoppedWriter(store);
    other.program.kill('SIGKILL');
    await other.program.ended;
    const program = start('quick', { folder: store, count: 100, end: 'SIGKILL' });
    await program.ended;
    await expectKept(store, program.lines);
    expect(await ours.createEventStore(store).getStats()).toMatchObject({ eventCount: 101 });
  });
});
