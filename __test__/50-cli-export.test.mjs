/** export. */
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
import { cli, folderOf, parsed, start, TOOL } from './support/cli.mjs';
import { paths, readLog, snapshot, until } from './support/disk.mjs';
import { oddlyWritten, runEvent } from './support/events.mjs';
import { folder } from './support/folder.mjs';

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

const events = oddlyWritten();

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
