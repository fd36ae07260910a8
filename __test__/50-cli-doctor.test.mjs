/** doctor. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, parsed, TOOL } from './support/cli.mjs';
import { snapshot } from './support/disk.mjs';
import { at } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';

const { mountOf, fileSystemOf } = createRequire(import.meta.url)('../lib/cli/file-system.js');

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
    expect(named(found, 'platform')).toMatchObject({
      system: process.platform,
      architecture: process.arch,
      node: process.version,
      nodeApi: Number(process.versions.napi),
    });
    expect(named(found, 'binary').path).toMatch(/\.node$/);
    expect(named(found, 'file system').type).toMatch(/\w/);
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
    expect(out).toMatch(/^✓ platform +.*Node-API \d+\n✓ binary +.*\.node\n/);
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
    expect(out).toMatch(/✗ folder .*is no folder/);
    expect(out).toMatch(/✓ writing /);
  });

  test.skipIf(process.platform !== 'linux')('fails with code 1 where nothing can be written', async () => {
    const { code, out } = await cli(['doctor', '--dir', '/proc/no-folder']);
    expect(code).toBe(1);
    expect(out).toMatch(/✗ writing .*ENOENT/);
  });

  test('tells why the addon does not load, and goes on', async () => {
    const program = `
      const modules = require('node:module');
      const load = modules._load;
      modules._load = (name, ...rest) => {
        if (name.endsWith('.node')) throw new Error('no such binary');
        return load(name, ...rest);
      };
      require(${JSON.stringify(join(TOOL, '../../lib/cli/main.js'))}).main(['doctor', '--dir', process.argv[1]]);
    `;
    const child = spawn(process.execPath, ['-e', program, folderOf([])]);
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(out).toMatch(/✗ binary +guidance-ledger cannot load its native addon on \S+: .*no such binary/);
    expect(out).toMatch(/✓ fsync/);
  });

  test.skipIf(process.platform !== 'linux')('knows the mount that a path lies on', () => {
    expect(mountOf('/proc/self')).toEqual({ type: 'proc', mountPoint: '/proc' });
    expect(mountOf('/procedure')?.mountPoint).toBe('/');
    expect(fileSystemOf('/proc')).toMatchObject({ name: 'proc', remote: false });
  });
});
