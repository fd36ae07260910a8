/** backup and restore. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, folderOf, lockHolder, parsed, since } from './support/cli.mjs';
import { logged, paths, readIndex, readLog, snapshot } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';

const ODD = '{"eventId":"x","n":738529527931269425,"s":"\\\\u0041","x":1e999}\n';

describe('backup', () => {
  test('is the log byte for byte, without half a line, and leaves the folder as it was', async () => {
    const path = folderOf(since(1, 2), ODD, '\n', 'nonsense\n', '{"half":');
    const before = snapshot(path);
    const file = join(folder(), 'copy');
    const { code, out } = await cli(['backup', path, '--out', file]);
    expect(code).toBe(0);
    expect(out).toMatch(/^3 events in 5 lines, .* written to .*copy, and read again\.\n$/);
    expect(readFileSync(file, 'utf8')).toBe(readLog(path).toString().slice(0, -'{"half":'.length));
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(snapshot(path)).toEqual(before);
    const whole = folderOf(since(1), lineOf(runEvent({ eventId: 'last' })).trimEnd());
    expect(parsed(await cli(['backup', whole, '--out', file, '--json']))).toMatchObject([
      { out: file, lines: 2, events: 2 },
    ]);
    expect(readFileSync(file, 'utf8')).toBe(`${readLog(whole)}\n`);
  });

  test('while others write holds a beginning of the log', async () => {
    const path = folderOf(since(1));
    const script = `
      const { appendFileSync } = require('node:fs');
      let n = 0;
      setInterval(() => { for (let i = 0; i < 50; i++) appendFileSync(process.argv[1], JSON.stringify({ n: n++ }) + '\\n'); }, 1);
    `;
    const writer = spawn(process.execPath, ['-e', script, paths(path).log]);
    onTestFinished(() => void writer.kill('SIGKILL'));
    const file = join(folder(), 'copy');
    for (let round = 0; round < 5; round++) expect((await cli(['backup', path, '--out', file])).code).toBe(0);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    const text = readFileSync(file, 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    expect(readLog(path).toString().startsWith(text)).toBe(true);
  });

  test('needs a file of its own', async () => {
    const path = folderOf(since(1));
    for (const out of ['-', join(path, 'events.ndjson'), path])
      expect((await cli(['backup', path, '--out', out])).code, out).toBe(2);
    expect((await cli(['backup', path])).err).toContain('--out FILE is missing');
  });
});

describe('restore', () => {
  test('makes the log again, on the disk, with its index', async () => {
    const path = folderOf(since(1, 2), ODD, 'nonsense\n');
    const [file, place] = [join(folder(), 'copy'), fresh()];
    await cli(['backup', path, '--out', file]);
    const { code, out } = await cli(['restore', file, '--dir', place]);
    expect(code).toBe(0);
    expect(out).toMatch(/^3 events in 4 lines, .* restored to /);
    expect(readLog(place)).toEqual(readLog(path));
    expect(readIndex(place).eventCount).toBe(3);
    expect(await ours.createEventStore(place).getStats()).toMatchObject({ eventCount: 3 });
    await ours.createEventStore(place).append(runEvent({ eventId: 'next' }));
    expect(readLog(place).toString().trimEnd().split('\n')).toHaveLength(5);
  });

  test('never writes where a log is', async () => {
    const path = folderOf(since(1));
    const file = join(folder(), 'copy');
    await cli(['backup', path, '--out', file]);
    appendFileSync(file, lineOf(runEvent()));
    const before = snapshot(path);
    const { code, err } = await cli(['restore', file, '--dir', path]);
    expect(code).toBe(2);
    expect(err).toContain('holds a log already');
    expect(snapshot(path)).toEqual(before);
  });

  test('of nothing, of a file that is not there, into a locked folder', async () => {
    const empty = join(folder(), 'copy');
    await cli(['backup', folderOf([]), '--out', empty]);
    expect((await cli(['restore', empty, '--dir', fresh()])).code).toBe(0);
    const place = fresh();
    expect((await cli(['restore', `${empty}-not`, '--dir', place])).code).toBe(4);
    expect(existsSync(place)).toBe(false);
    const held = folder();
    await lockHolder(held);
    expect((await cli(['restore', empty, '--dir', held, '--lock-timeout', '50'])).code).toBe(3);
    expect(readdirSync(held)).not.toContain('events.ndjson');
    expect(logged(held)).toEqual([]);
  });
});
