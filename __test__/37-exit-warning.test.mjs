/** Events that are lost at the end of a process: one line on stderr for each folder, unless the program knows it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { logged } from './support/disk.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs } from './support/implementations.mjs';
import { bind, describeMounts, tmpfs } from './support/mounts.mjs';
import { start } from './support/processes.mjs';
import { stoppedWriter } from './support/stopped.mjs';

/** A path at which there is a file. */
function file() {
  const path = join(folder(), 'file');
  writeFileSync(path, '');
  return path;
}

/** Runs the program; our lines of its stderr, and how it ended. */
async function lines(options, how) {
  const program = start('loser', { how: 'finalizeEvent', end: 'exit', ...options }, how);
  const ended = await program.ended;
  return { ended, lines: program.errors.split('\n').filter((line) => line.startsWith('guidance-ledger')) };
}

const lost = (count, path, cause, remedy, end = 'process') =>
  `guidance-ledger: ${count === 1 ? '1 event was' : `${count} events were`} not written to '${path}' before the ${end} ended. ` +
  `${cause}. ${remedy}, then record ${count === 1 ? 'it' : 'them'} again.`;
const notFolder = (path, count, end) =>
  lost(
    count,
    path,
    `ENOTDIR: not a directory, open '${path}/.events.lk'`,
    'A part of the path is a file, not a folder: check storagePath',
    end,
  );

describeOurs('a path that is a file', () => {
  test.each([
    ['finalizeEvent', 'exit', 0],
    ['finalizeEvent', 'return', 0],
    ['finalizeEvent', 'throw', 1],
    ['logEvent', 'exit', 0],
    ['logEvent', 'return', 0],
    ['logEvent', 'throw', 1],
    ['importEvents', 'exit', 0],
    ['importEvents', 'return', 0],
    ['append', 'exit', 0],
  ])('%s, then %s', async (how, end, code) => {
    const path = file();
    for (const count of [1, 3]) {
      expect(await lines({ folders: [path], how, end, count })).toEqual({
        ended: code,
        lines: [notFolder(path, count)],
      });
    }
  });

  test.each([
    ['onError', 'finalizeEvent'],
    ['flush', 'logEvent'],
    ['destroy', 'importEvents'],
    ['catch', 'append'],
  ])('%s says it: %s says nothing more', async (known, how) => {
    for (const end of ['exit', 'return', 'throw']) {
      expect((await lines({ folders: [file()], how, end, known })).lines).toEqual([]);
    }
  });

  test('a rejection that Node reports is not repeated', async () => {
    const program = start('loser', { folders: [file()], how: 'append', end: 'return' });
    expect(await program.ended).toBe(1);
    expect(program.errors).toMatch(/ENOTDIR/);
    expect(program.errors).not.toMatch(/^guidance-ledger/m);
  });

  test('warnAtExit: false turns it off', async () => {
    for (const how of ['finalizeEvent', 'append']) {
      expect((await lines({ folders: [file()], how, options: { warnAtExit: false } })).lines).toEqual([]);
    }
  });

  test('one line for each folder, however many stores and copies of the package', async () => {
    const [first, second] = [file(), file()];
    for (const how of ['append', 'importEvents']) {
      const found = await lines({ folders: [first, second], how, count: 2, copies: 3 });
      expect(found.lines).toEqual([notFolder(first, 6), notFolder(second, 6)]);
    }
  });

  test.each(['exit', 'return', 'throw'])('in a worker thread that ends by %s', async (end) => {
    const path = file();
    const found = await lines({ folders: [path], end, count: 2, inWorker: true });
    expect(found.lines).toEqual([notFolder(path, 2, 'worker thread')]);
  });
});

describeOurs('when all is well', () => {
  test.each(['logEvent', 'finalizeEvent', 'importEvents', 'append'])('%s says nothing', async (how) => {
    for (const end of ['exit', 'return']) {
      const path = fresh();
      const program = start('loser', { folders: [path], how, end, count: 20 });
      expect(await program.ended).toBe(0);
      expect(program.errors).toBe('');
      expect(logged(path)).toHaveLength(20);
    }
  });
});

describeFaults('other causes', () => {
  const run = async (rule, options) => {
    const path = fresh();
    mkdirSync(dirname(path), { recursive: true });
    const faults = new Faults(folder());
    faults.set(rule);
    return [path, (await lines({ folders: [path], ...options }, { env: faults.env })).lines];
  };

  test('a full disk', async () => {
    for (const how of ['finalizeEvent', 'append', 'importEvents']) {
      const [path, found] = await run('write */events.ndjson 1+ errno ENOSPC', { how, count: 2 });
      const cause = `ENOSPC: no space left on device, write '${path}/events.ndjson'`;
      expect(found).toEqual([lost(2, path, cause, 'Free some space')]);
    }
  });

  test('no right to write', async () => {
    const [path, found] = await run('open */.events.lk 1+ errno EACCES', { end: 'return' });
    const cause = `EACCES: permission denied, open '${path}/.events.lk'`;
    expect(found).toEqual([
      lost(1, path, cause, 'Give this user the right to read and write the folder and its files'),
    ]);
  });

  test.each(['finalizeEvent', 'append'])('%s into a folder that another process holds', async (how) => {
    const path = fresh();
    const program = start('loser', { folders: [path], how, end: 'exit', count: 2, waits: true });
    await program.said(1);
    const other = await stoppedWriter(path);
    program.child.stdin.end('go\n');
    await program.ended;
    const found = program.errors.split('\n').filter(Boolean);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      /^guidance-ledger: 2 events were not written to .*\. ELOCKED: .*\.events\.lk' for \d+ ms\. Let/,
    );
    await other.goOn();
    expect(logged(path)).toHaveLength(1);
  });
});

describeMounts('real file systems', () => {
  test('read-only', async () => {
    const { real, shown, remount } = bind();
    mkdirSync(join(real, 'store'));
    remount('ro');
    const path = join(shown, 'store');
    const { lines: found } = await lines({ folders: [path], end: 'return' });
    const remedy = 'The file system is mounted read-only: choose another folder or remount it';
    expect(found).toEqual([lost(1, path, `EROFS: read-only file system, open '${path}/.events.lk'`, remedy)]);
  });

  test('full', async () => {
    const mount = tmpfs('64k');
    const path = join(mount, 'store');
    mkdirSync(path);
    expect(() => writeFileSync(join(mount, 'filler'), Buffer.alloc(1 << 20))).toThrow(/ENOSPC/);
    const { lines: found } = await lines({ folders: [path], end: 'return', count: 5 });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      /^guidance-ledger: 5 events were not written .*ENOSPC: no space left on device, /,
    );
  });
});
