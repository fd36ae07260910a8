/** doctor. */
import { chmodSync, existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, parsed, TOOL } from './support/cli.mjs';
import { snapshot } from './support/disk.mjs';
import { at } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));

const doctor = async (path, ...args) => parsed(await cli(['doctor', '--json', '--dir', path, ...args]))[0];
const named = ({ findings }, name) => findings.find((finding) => finding.name === name);

describe('doctor', () => {
  test('looks at everything, and leaves the folder as it was', async () => {
    const path = folderOf(at(1, 2));
    const before = snapshot(path);
    const found = await doctor(path);
    expect(found.ok).toBe(true);
    expect(found.findings.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      ['platform', 'binary', 'folder', 'file system', 'writing', 'fsync', 'lock', 'append'].map((name) =>
        expect.stringMatching(new RegExp(`^${name} (?:ok|warning)$`)),
      ),
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
