/** tail, and tail -f across everything that happens to a log. Single steps of it are tested beside its code. */
import {
  appendFileSync,
  existsSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, parsed, start } from './support/cli.mjs';
import { ID, made, READERS } from './support/commands.mjs';
import { paths, until } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';

const numbered = (from, to) =>
  Array.from({ length: to - from }, (_, i) => runEvent({ eventId: `n${from + i}`, timestamp: from + i }));
const ids = (lines) => lines.map((line) => JSON.parse(line).eventId);
const names = (from, to) => Array.from({ length: to - from }, (_, i) => `n${from + i}`);

describe('tail', () => {
  test('the last ten, or as many as -n says, in the order of the log', async () => {
    const path = folderOf(numbered(0, 30));
    const tail = async (...args) => ids((await cli(['tail', '--json', '--dir', path, ...args])).lines);
    expect(await tail()).toEqual(names(20, 30));
    expect(await tail('-n', '3')).toEqual(names(27, 30));
    expect(await tail('-n3')).toEqual(names(27, 30));
    expect(await tail('--lines', '0')).toEqual([]);
    expect(await tail('-n', '1,000')).toEqual(names(0, 30));
  });

  test('passes over lines that are not events, says so, and takes an event without its newline', async () => {
    const path = folderOf(
      numbered(0, 3),
      'nonsense\n\n  \n[1]\n',
      lineOf(runEvent({ eventId: 'last' })).trimEnd(),
    );
    const result = await cli(['tail', '-n', '2', '--json', '--dir', path]);
    expect(ids(result.lines)).toEqual(['n2', 'last']);
    expect(result.err).toContain('2 lines are not events');
  });

  test('reads a line of several blocks, and bytes that are no UTF-8', async () => {
    const long = runEvent({ eventId: 'long', note: 'x'.repeat(300_000) });
    const path = folderOf([...numbered(0, 2), long, ...numbered(2, 3)]);
    appendFileSync(paths(path).log, Buffer.from('{"eventId":"\xff","taskId":"t"}\n', 'latin1'));
    const result = await cli(['tail', '-n', '3', '--json', '--dir', path]);
    expect(ids(result.lines)).toEqual(['long', 'n2', '\ufffd']);
  });
});

test('tail takes the conditions of query', async () => {
  const events = numbered(0, 20).map((event, i) => ({ ...event, taskId: i % 2 ? 'odd' : 'even' }));
  const result = await cli(['tail', '-n', '2', '--task', 'odd', '--json', folderOf(events)]);
  expect(ids(result.lines)).toEqual(['n17', 'n19']);
});

describe('tail -f', () => {
  const follow = (path, ...args) => start(['tail', '-f', '--json', '--dir', path, ...args]);
  const seen = (tool, count) =>
    until(() => tool.lines().length >= count, `${count} events; ${tool.err}`, 10_000);

  test('shows events as they come, half lines when they are whole', async () => {
    const path = folderOf(numbered(0, 3));
    const tool = follow(path, '-n', '1');
    await seen(tool, 1);
    const store = ours.createEventStore(path);
    await store.append(numbered(3, 4)[0]);
    await seen(tool, 2);
    const line = lineOf(numbered(4, 5)[0]);
    appendFileSync(paths(path).log, line.slice(0, 20));
    await store.getStats();
    appendFileSync(paths(path).log, line.slice(20));
    appendFileSync(paths(path).log, 'nonsense\n');
    await seen(tool, 3);
    await until(() => tool.err.includes('1 line is not an event'), 'the note');
    expect(ids(tool.lines())).toEqual(names(2, 5));
  });

  test('survives compactions: each event once', async () => {
    const path = folderOf(numbered(0, 50));
    const tool = follow(path, '-n', '1');
    const store = ours.createEventStore(path);
    await seen(tool, 1);
    await store.append(numbered(50, 51)[0]);
    for (let round = 0; round < 5; round++) {
      const next = 51 + round * 3;
      await store.append(numbered(next, next + 1)[0]);
      await store.compact(5);
      await store.append(numbered(next + 1, next + 2)[0]);
      await seen(tool, 2 + round * 3 + 2);
      await store.append(numbered(next + 2, next + 3)[0]);
      await seen(tool, 2 + round * 3 + 3);
    }
    expect(ids(tool.lines())).toEqual(names(49, 66));
  });

  test('survives a rewrite that changes the order, and events without ids', async () => {
    const bare = (n) => ({ taskId: 'bare', timestamp: n, n });
    const path = folderOf([bare(1), bare(2), bare(2), bare(3)]);
    const tool = follow(path, '-n', '4');
    await seen(tool, 4);
    const lines = [bare(3), bare(2), bare(1), bare(2), bare(4), bare(2)].map(lineOf).join('');
    writeFileSync(join(path, 'new'), lines);
    renameSync(join(path, 'new'), paths(path).log);
    await seen(tool, 6);
    expect(tool.lines().map((line) => JSON.parse(line).n)).toEqual([1, 2, 2, 3, 4, 2]);
  });

  test('waits for a log that is not there yet, and creates nothing meanwhile', async () => {
    const path = fresh();
    const tool = follow(path);
    await until(() => tool.err.includes('There is no folder'), 'the note');
    expect(existsSync(path)).toBe(false);
    await ours.createEventStore(path).append(numbered(0, 1)[0]);
    await seen(tool, 1);
    expect(ids(tool.lines())).toEqual(['n0']);
  });

  test('survives the end of a store and a new beginning', async () => {
    const path = folderOf(numbered(0, 2));
    const tool = follow(path);
    await seen(tool, 2);
    await ours.createEventStore(path).destroy();
    await ours.createEventStore(path).append(numbered(5, 6)[0]);
    await seen(tool, 3);
    expect(ids(tool.lines())).toEqual(['n0', 'n1', 'n5']);
  });

  test('begins again when the log is cut', async () => {
    const path = folderOf(numbered(0, 9));
    const tool = follow(path, '-n', '1');
    await seen(tool, 1);
    truncateSync(paths(path).log, 0);
    await until(() => tool.err.includes('was cut'), 'the note');
    appendFileSync(paths(path).log, lineOf(numbered(20, 21)[0]));
    await seen(tool, 2);
    expect(ids(tool.lines())).toEqual(['n8', 'n20']);
  });

  test('ends quietly when its reader goes away', async () => {
    const path = folderOf(numbered(0, 2));
    const tool = follow(path);
    await seen(tool, 2);
    tool.child.stdout.destroy();
    const gone = new Promise((resolve) => tool.child.once('exit', resolve));
    await ours.createEventStore(path).append(numbered(2, 3)[0]);
    expect(await gone).toBe(0);
    expect(tool.err).toBe('');
  });
});

test('parsed events of tail equal those of query', async () => {
  const path = folderOf(numbered(0, 20));
  expect(parsed(await cli(['tail', '-n', '20', '--json', '--dir', path]))).toEqual(
    parsed(await cli(['query', '--json', '--dir', path])),
  );
});

test('tail -f says on stderr that it waits', async () => {
  const tool = start(['tail', '-f', folderOf(numbered(0, 1))]);
  await until(() => tool.err.includes('Waiting for events'), 'the note');
  expect(tool.lines()).toHaveLength(1);
});

test.skipIf(process.platform === 'win32')('a log that is a link is refused, by every command', async () => {
  const [real, path] = [folderOf([runEvent({ eventId: ID, taskId: 'behind' })]), folderOf([])];
  rmSync(paths(path).log);
  symlinkSync(paths(real).log, paths(path).log);
  for (const args of READERS) {
    const { code, out, err } = await cli([...made(args), '--dir', path]);
    expect({ args, code, out }).toEqual({ args, code: 4, out: '' });
    expect(err).toMatch(
      /^guidance-ledger: ELOOP: .* symbolic link stands where a file of the store should be/,
    );
  }
});
