/** import: events from files and pipes, each once. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, lockHolder, parsed, start, TOOL } from './support/cli.mjs';
import { logged, paths, readLock, readLog } from './support/disk.mjs';
import { lineOf, oddlyWritten, runEvent } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';

const exported = (path, ...args) => cli(['export', '--dir', path, ...args]);

const events = oddlyWritten();

describe('import', () => {
  const imported = (path, args = [], input = '') =>
    cli(['import', '--json', '--dir', path, ...args], { input });

  test('what export wrote, import takes', async () => {
    const source = folderOf(events);
    for (const format of ['ndjson', 'json']) {
      const path = fresh();
      const { out } = await exported(source, '--format', format);
      const result = await imported(path, [], out);
      expect(result.code).toBe(0);
      expect(parsed(result)).toEqual([{ dryRun: false, read: 3, added: 3, skipped: 0, refused: 0 }]);
      expect(logged(path)).toEqual(events);
      expect(readLock(path)).toBeNull();
      expect(parsed(await imported(path, [], out))).toMatchObject([{ added: 0, skipped: 3 }]);
    }
  });

  test('reads a file, and stdin as -', async () => {
    const file = paths(folderOf(events)).log;
    const path = fresh();
    expect(await cli(['import', file, '--dir', path])).toMatchObject({
      code: 0,
      out: '3 events added, 0 already there, 0 refused.\n',
    });
    expect(parsed(await imported(path, ['-'], lineOf(runEvent())))).toMatchObject([{ added: 1 }]);
    const missing = await cli(['import', join(path, 'none'), '--dir', fresh()]);
    expect(missing.code).toBe(4);
    expect(missing.err).toContain('ENOENT');
  });

  test('skips ids that are there, or twice in the input, and knows events without ids by their text', async () => {
    const path = folderOf([events[0]]);
    const bare = { taskId: 't', timestamp: 1 };
    const input = [events[0], events[1], events[1], bare, bare].map(lineOf).join('');
    expect(parsed(await imported(path, [], input))).toMatchObject([{ read: 5, added: 2, skipped: 3 }]);
    expect(parsed(await imported(path, [], input))).toMatchObject([{ read: 5, added: 0, skipped: 5 }]);
    expect(logged(path)).toEqual([events[0], events[1], bare]);
  });

  test('refuses what is not an event, says where, and adds the rest', async () => {
    const input = [
      'nonsense\u001b[2J',
      '[1]',
      '5',
      '{"taskId":"t"}',
      '{"timestamp":1}',
      JSON.stringify(events[0]),
      '',
      '',
    ].join('\n');
    const path = fresh();
    const result = await imported(path, [], input);
    expect(result.code).toBe(1);
    expect(parsed(result)).toEqual([{ dryRun: false, read: 6, added: 1, skipped: 0, refused: 5 }]);
    expect(result.err).toContain('line 1 is refused: not JSON: nonsense\\u001b[2J\n');
    expect(result.err).toContain('line 4 is refused: timestamp is not a number');
    expect(logged(path)).toEqual([events[0]]);
    const many = await imported(fresh(), [], 'x\n'.repeat(100));
    expect(many.err.split('\n')).toHaveLength(12);
    expect(many.err).toContain('… and 90 more are refused.');
  });

  test('an array may be written in any way', async () => {
    const tricky = [runEvent({ note: '],[{}"\\' }), runEvent({ note: '\\"', deep: [[[]], {}] })];
    for (const input of [
      JSON.stringify(tricky),
      JSON.stringify(tricky, null, 3),
      `\ufeff \n\t${JSON.stringify(tricky)} \n`,
    ]) {
      const path = fresh();
      expect(parsed(await imported(path, [], input))).toMatchObject([{ read: 2, added: 2, refused: 0 }]);
      expect(logged(path)).toEqual(tricky);
    }
    expect(parsed(await imported(fresh(), [], '[ ]'))).toMatchObject([{ read: 0 }]);
    expect(parsed(await imported(fresh(), [], ''))).toMatchObject([{ read: 0 }]);
    expect(parsed(await imported(fresh(), [], '[5,]'))).toMatchObject([{ read: 1, refused: 1 }]);
  });

  test('an array that ends too soon, or goes on, is an error; what was read is added', async () => {
    for (const [input, message] of [
      [`[${JSON.stringify(events[0])},{"a":`, 'the array has no end'],
      [`[${JSON.stringify(events[0])}] x`, 'something follows the end of the array'],
    ]) {
      const path = fresh();
      const result = await imported(path, [], input);
      expect(result.code).toBe(4);
      expect(result.err).toContain(message);
      expect(result.err).toContain('Run it again');
      expect(result.err).not.toMatch(/panicked/);
      expect(logged(path)).toEqual([events[0]]);
      expect(readLock(path)).toBeNull();
    }
  });

  test('items that lie across the blocks of a pipe', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => runEvent({ note: 'é'.repeat(i % 97) }));
    for (const input of [JSON.stringify(many), many.map(lineOf).join('')]) {
      const path = fresh();
      expect(parsed(await imported(path, [], input))).toMatchObject([{ added: 3000 }]);
      expect(logged(path)).toEqual(many);
    }
  });

  test('--dry-run only counts', async () => {
    const path = fresh();
    expect(parsed(await imported(path, ['--dry-run'], events.map(lineOf).join('')))).toMatchObject([
      { dryRun: true, added: 3 },
    ]);
    expect(existsSync(path)).toBe(false);
  });

  test('into a locked folder ends with code 3', async () => {
    const path = folderOf([]);
    await lockHolder(path);
    expect(await imported(path, ['--lock-timeout', '50'], lineOf(events[0]))).toMatchObject({ code: 3 });
    expect(logged(path)).toEqual([]);
  });

  test('one that is killed and run again has each event once', async () => {
    const many = Array.from({ length: 20_000 }, () => runEvent());
    const file = paths(folderOf(many)).log;
    const path = fresh();
    const tool = start(['import', file, '--dir', path]);
    while (!existsSync(paths(path).log) || statSync(paths(path).log).size < 100_000)
      await new Promise(setImmediate);
    tool.child.kill('SIGKILL');
    await once(tool.child, 'exit');
    const [counts] = parsed(await imported(path, [file]));
    expect(counts.skipped).toBeGreaterThan(0);
    expect(counts.added).toBeGreaterThan(0);
    // The line at which it was killed may be half there, and is not an event then.
    expect(
      parsed(await cli(['query', '--json', path]))
        .map(({ eventId }) => eventId)
        .sort(),
    ).toEqual(many.map(({ eventId }) => eventId).sort());
  });

  test('bytes pass through: numbers and escapes, in lines and in arrays', async () => {
    const lines = [
      '{"eventId":"1","taskId":"t","timestamp":1,"n":738529527931269425,"x":[1e999,-0],"s":"\\u0041\\ud800"}',
      '{"taskId":"t","timestamp":1,"n":738529527931269425}',
      '{"taskId":"t","timestamp":1,"n":738529527931269426}',
    ];
    for (const input of [`${lines.join('\n')}\n`, `[${lines.join(',\n')}]`]) {
      const path = fresh();
      expect(parsed(await imported(path, [], input))).toMatchObject([{ added: 3, skipped: 0 }]);
      expect(readLog(path).toString()).toBe(`${lines.join('\n')}\n`);
    }
    const path = fresh();
    await imported(path, [], `[${JSON.stringify(JSON.parse(lines[1]), null, 2)}]`);
    expect(readLog(path).toString().split('\n')).toHaveLength(2);
  });

  test('an event that is too long is refused with its line; a deep one is not', async () => {
    const path = fresh();
    const deep = `{"taskId":"deep","timestamp":1,"deep":${'['.repeat(9000)}${']'.repeat(9000)}}`;
    const long = `{"taskId":"long","timestamp":1,"note":"${'x'.repeat(65 << 20)}"}`;
    const result = await imported(
      path,
      [],
      [lineOf(events[0]).trim(), long, deep, lineOf(events[1])].join('\n'),
    );
    expect(result.code).toBe(1);
    expect(parsed(result)).toMatchObject([{ read: 4, added: 3, refused: 1 }]);
    expect(result.err).toContain('line 2 is refused: ');
    expect(
      readLog(path)
        .toString()
        .split('\n')
        .map((line) => line.length),
    ).toEqual([lineOf(events[0]).length - 1, deep.length, lineOf(events[1]).length - 1, 0]);
  });

  test.skipIf(process.platform === 'win32')('reads a pipe once', async () => {
    const [place, path] = [folder(), fresh()];
    const script = `mkfifo p; cat '${paths(folderOf(events)).log}' > p & '${TOOL}' import p --dir '${path}' && wait $!`;
    const ran = spawnSync('bash', ['-c', script], { cwd: place, timeout: 30_000 });
    expect({ status: ran.status, out: ran.stdout.toString() }).toEqual({
      status: 0,
      out: '3 events added, 0 already there, 0 refused.\n',
    });
  });
});
