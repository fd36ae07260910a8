/** export and import: there and back again. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, lockHolder, parsed, start, TOOL } from './support/cli.mjs';
import { logged, paths, readLock, readLog, snapshot, until } from './support/disk.mjs';
import { lineOf, runEvent, violation } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';

const exported = (path, ...args) => cli(['export', '--dir', path, ...args]);

/** A small reader of RFC 4180. */
function readCsv(text) {
  const rows = [];
  let row = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  const [head, ...rest] = rows;
  return rest.map((cells) => Object.fromEntries(cells.map((cell, i) => [head[i], cell])));
}

const events = [
  runEvent({
    timestamp: Date.UTC(2026, 0, 1),
    violations: [violation('r1', true), violation('r2')],
    outcomeAccepted: true,
  }),
  runEvent({ note: 'more', nested: { a: [1, { b: null }] }, intent: 'bug-fix' }),
  runEvent({ taskId: 'ü "quoted", 日本\n', sessionId: 's' }),
];

describe('export', () => {
  test('NDJSON and JSON keep everything', async () => {
    const path = folderOf(events);
    expect(parsed(await exported(path))).toEqual(events);
    expect(parsed(await exported(path, '--json'))).toEqual(events);
    expect(JSON.parse((await exported(path, '--format', 'json')).out)).toEqual(events);
    expect((await exported(folderOf([]), '--format', 'json')).out).toBe('[]\n');
    expect((await exported(folderOf([]))).out).toBe('');
  });

  test('takes the conditions of query', async () => {
    const path = folderOf(events);
    expect(parsed(await exported(path, '--intent', 'bug-fix'))).toEqual([events[1]]);
    expect(parsed(await exported(path, '--since', '2025-12-31', '--limit', '1'))).toEqual([events[0]]);
  });

  test('CSV is RFC 4180', async () => {
    const { out } = await exported(folderOf(events), '--format', 'csv');
    expect(out.split('\r\n')).toHaveLength(5);
    expect(out.split('\r\n')[3]).toContain('"ü ""quoted"", 日本\n"');
    const rows = readCsv(out);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      eventId: events[0].eventId,
      timestamp: '1767225600000',
      time: '2026-01-01T00:00:00.000Z',
      violations: '2',
      autoCorrected: '1',
      brokenRules: 'r1; r2',
      outcomeAccepted: 'true',
      testsRan: 'false',
      sessionId: '',
    });
    expect(rows[2].taskId).toBe('ü "quoted", 日本\n');
    expect((await exported(folderOf([]), '--format', 'csv')).lines).toHaveLength(1);
  });

  test('CSV runs no formula and moves no cursor', async () => {
    const texts = [
      '=1+1',
      '+1',
      '-1',
      '@sum',
      '\t=1',
      '\r=1',
      ' =1',
      '\uff1d1',
      'a=1',
      '-',
      '1-1',
      '\u001b[2Jx',
      '\ud800',
    ];
    const path = folderOf(texts.map((taskId) => runEvent({ taskId, reworkLines: -3, toolsUsed: ['=cmd'] })));
    const { out } = await exported(path, '--format', 'csv');
    const rows = readCsv(out);
    expect(rows.map(({ taskId }) => taskId)).toEqual([
      ...["'=1+1", "'+1", "'-1", "'@sum", "'\t=1", "'\r=1", "' =1", "'\uff1d1"],
      ...['a=1', "'-", '1-1', '\\u001b[2Jx', '\\ud800'],
    ]);
    expect(rows[0]).toMatchObject({ reworkLines: '-3', toolsUsed: "'=cmd" });
  });

  test('CSV of events of any shape has a row for each', async () => {
    const odd = [
      {},
      { violations: 5, testResults: null },
      { violations: [null, 7], toolsUsed: [{}, null, 1], timestamp: 'x' },
    ];
    const { code, out } = await exported(folderOf(odd), '--format', 'csv');
    expect(code).toBe(0);
    expect(readCsv(out)).toHaveLength(3);
  });

  test('--out writes a whole file for its owner, and leaves nothing else', async () => {
    const [path, place] = [folderOf(events), folder()];
    const file = join(place, 'out.ndjson');
    const { code, out, err } = await exported(path, '--out', file);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toContain('3 events written');
    expect(readFileSync(file, 'utf8')).toBe(readLog(path).toString());
    expect(readdirSync(place)).toEqual(['out.ndjson']);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(parsed(await exported(path, '-o', file, '--format', 'csv', '--json'))).toEqual([
      { out: file, format: 'csv', events: 3 },
    ]);
  });

  test.skipIf(process.platform === 'win32')(
    '--out keeps the mode of the file that it replaces, and a link',
    async () => {
      const place = folder();
      const [file, link] = [join(place, 'file'), join(place, 'link')];
      writeFileSync(file, 'old');
      chmodSync(file, 0o640);
      symlinkSync(file, link);
      expect(await exported(folderOf(events), '--out', link)).toMatchObject({ code: 0 });
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4);
      expect(statSync(file).mode & 0o777).toBe(0o640);
    },
  );

  test('--out refuses what is not an ordinary file, and the files of the store', async () => {
    const path = folderOf(events);
    const before = snapshot(path);
    const wrong = [
      path,
      ...['events.ndjson', 'index.json', '.lock', 'events.rejected.ndjson'].map((name) => join(path, name)),
    ];
    if (process.platform !== 'win32') {
      symlinkSync(paths(path).log, join(folder(), 'link'));
      wrong.push('/dev/null');
    }
    for (const file of wrong)
      expect(await exported(path, '--out', file), file).toMatchObject({ code: 2, out: '' });
    expect(snapshot(path)).toEqual(before);
    expect(await exported(path, '--out', join(path, 'mine.csv'))).toMatchObject({ code: 0 });
  });

  test('an export that is interrupted leaves the old file, and nothing else', async () => {
    const path = folderOf(Array.from({ length: 50_000 }, () => runEvent()));
    const place = folder();
    const file = join(place, 'out');
    writeFileSync(file, 'old');
    const tool = start(['export', '--out', file, '--dir', path]);
    while (readdirSync(place).length === 1) await new Promise(setImmediate);
    tool.child.kill('SIGTERM');
    const [code] = await once(tool.child, 'exit');
    expect(code).toBe(143);
    expect(readdirSync(place)).toEqual(['out']);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  test.skipIf(process.platform !== 'linux')('a large log needs little memory', async () => {
    const path = folderOf(Array.from({ length: 20_000 }, () => runEvent({ note: 'x'.repeat(2000) })));
    // Less than the log: nothing that holds it as a whole can do with this.
    const bounded = (args, options) => {
      const words = [TOOL, ...args].map((word) => `'${word}'`).join(' ');
      return spawn('sh', ['-c', `ulimit -v 32768; exec ${words}`], options);
    };
    const file = join(folder(), 'out');
    for (const format of ['ndjson', 'json', 'csv']) {
      const child = bounded(['export', '--dir', path, '--format', format, '--out', file], {
        stdio: 'ignore',
      });
      expect(await once(child, 'close')).toEqual([0, null]);
      expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeGreaterThanOrEqual(20_000);
    }
    for (const args of [
      ['tail', '-n', '20000'],
      ['query', '--limit', '20000', '--json'],
    ]) {
      const child = bounded([...args, '--dir', path], { stdio: 'ignore' });
      expect(await once(child, 'close')).toEqual([0, null]);
    }
    // A reader that is slow does not make the tool gather what it has not taken.
    const slow = bounded(['export', '--dir', path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let lines = 0;
    await new Promise((resolve) => slow.stdout.once('readable', resolve));
    slow.stdout.on('data', (text) => {
      lines += text.filter((byte) => byte === 10).length;
    });
    expect(await once(slow, 'close')).toEqual([0, null]);
    expect(lines).toBe(20_000);
  });

  test('bytes pass through: numbers, escapes, duplicate keys', async () => {
    const lines = [
      '{"eventId":"1","timestamp":738529527931269425,"a":[1e999,-0,1.0,1E5],"b":1,"b":2}\n',
      '{ "eventId" : "\\u0032", "lone" : "\\ud800", "taskId":"t", "timestamp":1 }\n',
    ];
    const path = folderOf([], ...lines);
    expect((await exported(path)).out).toBe(lines.join(''));
    expect((await exported(path, '--format', 'json')).out).toBe(
      `[\n${lines.join(',').replace('\n,', ',\n').trim()}\n]\n`,
    );
    const csv = await exported(path, '--format', 'csv');
    expect(readCsv(csv.out)[0].timestamp).toBe('738529527931269425');
  });

  test.skipIf(process.platform === 'win32')(
    '- and the names of open streams write to them, and truncate nothing',
    async () => {
      const path = folderOf(events);
      const place = folder();
      for (const out of ['-', '/dev/stdout', '/dev/fd/1']) {
        const file = join(place, 'all');
        const script = `{ echo before; '${TOOL}' export --dir '${path}' --out ${out}; echo after; } > '${file}'`;
        expect(spawnSync('sh', ['-c', script], { cwd: place }).status).toBe(0);
        expect(readFileSync(file, 'utf8')).toBe(`before\n${readLog(path)}after\n`);
      }
      expect(
        spawnSync('bash', ['-c', `'${TOOL}' export --dir '${path}' --out >(cat > piped; touch done)`], {
          cwd: place,
        }).status,
      ).toBe(0);
      await until(() => existsSync(join(place, 'done')), 'the reader');
      expect(readFileSync(join(place, 'piped'), 'utf8')).toBe(readLog(path).toString());
      const page = spawnSync(TOOL, ['metrics', '--html', '-', path], { cwd: place });
      expect(page.stdout.toString()).toMatch(/<\/html>\n$/);
      expect(readdirSync(place).sort()).toEqual(['all', 'done', 'piped']);
    },
  );

  test('what a killed export leaves is removed by the next one', async () => {
    const path = folderOf(Array.from({ length: 50_000 }, () => runEvent()));
    const place = folder();
    const file = join(place, 'out');
    const tool = start(['export', '--out', file, '--dir', path]);
    while (readdirSync(place).length === 0) await new Promise(setImmediate);
    tool.child.kill('SIGKILL');
    await once(tool.child, 'exit');
    expect(readdirSync(place)).toHaveLength(1);
    expect((await exported(path, '--out', file)).code).toBe(0);
    expect(readdirSync(place)).toEqual(['out']);
  });
});

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
