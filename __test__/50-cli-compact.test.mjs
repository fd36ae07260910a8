/** compact. */
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, folderOf, lockHolder, noTerminal, parsed } from './support/cli.mjs';
import { bytes, logged, paths, readLock, readLog, snapshot } from './support/disk.mjs';
import { at, times } from './support/events.mjs';

const compact = (path, ...args) => cli(['compact', '--dir', path, ...args]);

describe('compact', () => {
  test('keeps the newest, moves what is not an event aside, and gives the lock back', async () => {
    const path = folderOf(at(3, 1, 4, 2), 'nonsense\n');
    const { code, out } = await compact(path, '--max-events', '2', '--yes');
    expect({ code, out }).toEqual({ code: 0, out: '2 events removed, 2 events left.\n' });
    expect(times(logged(path))).toEqual([3, 4]);
    expect(bytes(paths(path).rejected).toString()).toBe('nonsense\n');
    expect(readLock(path)).toBeNull();
  });

  test('--dry-run only tells', async () => {
    const path = folderOf(at(3, 1, 4, 2));
    const before = snapshot(path);
    const { code, out } = await compact(path, '--max-events', '3', '--dry-run');
    expect({ code, out }).toEqual({ code: 0, out: '1 event would be removed, 3 events left.\n' });
    expect(parsed(await compact(path, '--max-events', '0', '--dry-run', '--json'))).toEqual([
      { dryRun: true, maxEvents: 0, removed: 4, left: 0 },
    ]);
    expect(snapshot(path)).toEqual(before);
  });

  test('keeps 10,000 by default, and asks nothing if there is nothing to remove', async () => {
    const path = folderOf(at(1, 2));
    const before = snapshot(path);
    expect(parsed(await compact(path, '--json'))).toEqual([
      { dryRun: false, maxEvents: 10_000, removed: 0, left: 2 },
    ]);
    expect(snapshot(path)).toEqual(before);
  });

  test('without --yes, and nobody to ask, ends with code 2 and changes nothing', async () => {
    const path = folderOf(at(1, 2));
    const before = snapshot(path);
    const { code, err } = await compact(path, '--max-events', '1');
    expect(code).toBe(2);
    expect(err).toContain(`Try: guidance-ledger compact --dir ${path} --max-events 1 --yes\n`);
    expect(snapshot(path)).toEqual(before);
  });

  test('of a locked folder ends with code 3 when its time is up', async () => {
    const path = folderOf(at(1, 2));
    const before = readLog(path);
    const holder = await lockHolder(path);
    const args = ['--max-events', '1', '--yes', '--lock-timeout'];
    const { code, out, err } = await compact(path, ...args, '50ms');
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('.lock');
    expect(readLog(path)).toEqual(before);
    const waiting = compact(path, ...args, '20s');
    holder.kill('SIGKILL');
    expect(await waiting).toMatchObject({ code: 0 });
  });

  test.skipIf(noTerminal)('asks in a terminal', async () => {
    const path = folderOf(at(1, 2));
    const before = snapshot(path);
    const args = ['compact', '--max-events', '1', '--dir', path];
    const no = await cliInTerminal(args, { input: 'n\n' });
    expect(no.code).toBe(1);
    expect(no.out).toContain(`Remove the oldest 1 event of ${path}? They are gone then. [y/N]`);
    expect(snapshot(path)).toEqual(before);
    expect(await cliInTerminal(args, { input: 'yes\n' })).toMatchObject({ code: 0 });
    expect(times(logged(path))).toEqual([2]);
  });

  test('--older-than and --max-bytes evict by the first rule that is met', async () => {
    const DAY = 86_400_000;
    const ages = [100, 50, 10, 1].map((days) => Date.now() - days * DAY);
    const path = folderOf(at(...ages, 'soon'));
    const removed = async (...args) => parsed(await compact(path, '--dry-run', '--json', ...args))[0].removed;
    expect(await removed('--older-than', '90d')).toBe(2); // an event without a time goes first
    expect(await removed('--older-than', '30d')).toBe(3);
    expect(await removed('--older-than', '200d')).toBe(1);
    expect(await removed('--max-bytes', '1GB')).toBe(0);
    const line = JSON.stringify(at(ages[0])[0]).length + 10;
    expect(await removed('--max-bytes', String(2 * line))).toBe(3);
    expect(await removed('--older-than', '200d', '--max-bytes', String(2 * line))).toBe(3);
    expect(await removed('--older-than', '200d', '--max-events', '1')).toBe(4);
    expect((await compact(path, '--older-than', '30d', '--yes')).code).toBe(0);
    expect(times(logged(path))).toEqual(ages.slice(2));
  });
});
