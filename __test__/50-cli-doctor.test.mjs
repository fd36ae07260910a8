/** doctor. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, folderOf, lockHolder, parsed, TOOL } from './support/cli.mjs';
import { paths, snapshot } from './support/disk.mjs';
import { at } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));

const noFlock = process.platform !== 'linux' || spawnSync('flock', ['--version']).status !== 0;

const doctor = async (path, ...args) => parsed(await cli(['doctor', '--json', '--dir', path, ...args]))[0];
const named = ({ findings }, name) => findings.find((finding) => finding.name === name);

describe('doctor', () => {
  test('looks at everything, and leaves the folder as it was', async () => {
    const path = folderOf(at(1, 2));
    const before = snapshot(path);
    const found = await doctor(path);
    expect(found.ok).toBe(true);
    expect(found.findings.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      [
        ...['platform', 'binary', 'folder', 'log', 'file system', '.events.lk', '.lock'],
        ...['writing', 'fsync', 'lock', 'append'],
      ].map((name) => expect.stringMatching(new RegExp(`^${name} (?:ok|warning)$`))),
    );
    expect(named(found, 'platform').text).toContain(`guidance-ledger ${version}`);
    expect(named(found, 'binary').text).toBe(realpathSync(TOOL));
    expect(named(found, 'file system').text).toMatch(/\w/);
    for (const [name, time] of [
      ['fsync', 'medianMs'],
      ['lock', 'freeAfterMs'],
      ['append', 'diskMs'],
    ])
      expect(named(found, name)[time]).toBeGreaterThan(0);
    expect(snapshot(path)).toEqual(before);
  });

  test('tells people line by line', async () => {
    const { code, out, err } = await cli(['doctor', '--dir', folderOf([])]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^✓ platform +.*guidance-ledger \d.*\n✓ binary +.*guidance-ledger(?:\.exe)?\n/);
    expect(out).toMatch(/✓ lock +keeps others out; free .* after its holder died\n/);
  });

  test('says that the log cannot be opened', async () => {
    const path = folderOf([]);
    rmSync(paths(path).log, { force: true });
    expect(named(await doctor(path), 'log')).toMatchObject({
      verdict: 'ok',
      text: expect.stringContaining('not there yet'),
    });
    expect(existsSync(paths(path).log)).toBe(false);
    mkdirSync(paths(path).log);
    const found = await doctor(path);
    expect(found.ok).toBe(false);
    expect(named(found, 'log').verdict).toBe('failed');
    expect(named(found, 'log').text).toMatch(
      /^EISDIR: .*A folder stands where a file of the store should be/,
    );
  });

  test('of a folder that is not there makes none', async () => {
    const path = fresh();
    expect((await doctor(path)).ok).toBe(true);
    expect(existsSync(join(path, '..'))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('warns of a folder that others may write', async () => {
    const path = folderOf(at(1));
    for (const [mode, verdict, text] of [
      [0o755, 'ok', path],
      [0o775, 'warning', 'the group may write'],
      [0o777, 'warning', 'everybody may write'],
    ]) {
      chmodSync(path, mode);
      const finding = named(await doctor(path), 'folder');
      expect(finding.verdict).toBe(verdict);
      expect(finding.text).toContain(text);
    }
  });

  test('fails with code 1 where a file stands in place of the folder', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const { code, out } = await cli(['doctor', '--dir', file]);
    expect(code).toBe(1);
    expect(out).toMatch(/✗ folder .*is not a folder/);
    expect(out).toMatch(/✓ writing /);
  });

  test.skipIf(process.platform !== 'linux')('fails with code 1 where nothing can be written', async () => {
    const { code, out } = await cli(['doctor', '--dir', '/proc/no-folder']);
    expect(code).toBe(1);
    expect(out).toMatch(/✗ writing .*ENOENT/);
  });

  test.skipIf(noFlock)('fails with code 1 while another process holds the folder', async () => {
    const path = folderOf(at(1));
    await ours.createEventStore(path).append(at(2)[0]);
    const before = snapshot(path);
    const holder = spawn(
      'flock',
      ['--no-fork', join(path, '.events.lk'), 'sh', '-c', 'echo held; exec sleep 600'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const started = performance.now();
    const { code, out } = await cli(['doctor', '--json', path]);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(code).toBe(1);
    const held = named(JSON.parse(out), '.events.lk');
    expect(held).toMatchObject({ verdict: 'failed', pid: holder.pid });
    expect(held.text).toMatch(
      new RegExp(
        `^ELOCKED: process ${holder.pid} holds '${path}/\\.events\\.lk', for \\d+ ms at least.*\\nLet it finish, continue it`,
      ),
    );
    expect(named(JSON.parse(out), '.lock').verdict).toBe('ok');
    expect(snapshot(path)).toEqual(before);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(named(await doctor(path), '.events.lk').verdict).toBe('ok');
  });

  test('warns while another process holds .lock, and says which and since when', async () => {
    const path = folderOf(at(1));
    const holder = await lockHolder(path);
    const before = snapshot(path);
    const held = named(await doctor(path), '.lock');
    expect(held).toMatchObject({ verdict: 'warning', pid: holder.pid, heldMs: expect.any(Number) });
    expect(held.text).toMatch(
      new RegExp(
        `^held for .*Process ${holder.pid} wrote it .*--lock-timeout 1m\\nIt is free as soon as its holder`,
      ),
    );
    expect(snapshot(path)).toEqual(before);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    // What it left is there, and holds nothing.
    expect(named(await doctor(path), '.lock').verdict).toBe('ok');
    expect(snapshot(path)).toEqual(before);
  });

  test('tells a .lock of the JavaScript module by what ends it', async () => {
    const path = folderOf(at(1));
    const lock = (age) =>
      writeFileSync(
        paths(path).lock,
        JSON.stringify({
          holder: 'd9428888-122b-11e1-b85c-61cd3cbb3210',
          timestamp: Date.now() - age,
          pid: 7,
        }),
      );
    lock(5000);
    expect(named(await doctor(path), '.lock')).toMatchObject({
      verdict: 'warning',
      pid: 7,
      text: expect.stringMatching(/when it is 30 s old, in \d+ s\.$/),
    });
    lock(40_000);
    expect(named(await doctor(path), '.lock').verdict).toBe('ok');
  });

  test('does not take a folder that is written without a pause for a held one', async () => {
    const path = folderOf(at(1));
    const script = `
      const ledger = require('guidance-ledger').createPersistentLedger({ storagePath: process.argv[1] });
      const write = () => {
        for (let i = 0; i < 200; i++) ledger.finalizeEvent(ledger.createEvent('task', 'feature', 'hash'));
        setImmediate(write);
      };
      write();
      console.log('writing');
    `;
    const writer = spawn(process.execPath, ['-e', script, path], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void writer.kill('SIGKILL'));
    await once(writer.stdout, 'data');
    expect(named(await doctor(path), '.events.lk').verdict).toBe('ok');
  });

  test('shows that hooks failed, and the last failure', async () => {
    const path = folderOf([]);
    await cli(['hook', '--dir', path], { input: 'not JSON' });
    await cli(['hook', '--dir', path], { input: '[]' });
    const finding = named(await doctor(path), 'hook');
    expect(finding.verdict).toBe('warning');
    expect(finding.text).toMatch(
      /^2 failures in .*hook-errors\.log; the last one: \d{4}-.*stdin is not a JSON object/,
    );
  });
});
