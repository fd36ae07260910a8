/** Disks that are really full: what was accepted stays, what is refused says so, and all goes on once there is room. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectKept } from './support/accepted.mjs';
import { logged, logText, paths } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { folder } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';
import { Disk, describeDisks, describeMounts, tmpfs } from './support/mounts.mjs';
import { agent } from './support/processes.mjs';

/** Fills a file system to its last byte; the filler can be removed. */
function fill(mount) {
  const filler = join(mount, 'filler');
  for (const size of [1 << 16, 1 << 12, 512, 1])
    for (;;)
      try {
        writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
      } catch (error) {
        expect(error.code).toBe('ENOSPC');
        break;
      }
  return () => rmSync(filler);
}

/** Appends until it is refused; returns the ids of what was accepted. */
async function appendUntilFull(store, accepted, field = 'x'.repeat(700)) {
  for (let i = accepted.length; ; i++) {
    try {
      await store.append(runEvent({ eventId: `e-${i}`, timestamp: i, field }));
      accepted.push(`e-${i}`);
    } catch (error) {
      return error;
    }
  }
}

const events = (path) =>
  logText(path)
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line).eventId];
      } catch {
        return [];
      }
    });

function suite(mounted) {
  test('append: refused with ENOSPC, nothing harmed, goes on when room is made', async () => {
    const mount = mounted();
    const path = join(mount, 'store');
    const store = ours.createEventStore(path);
    const accepted = [];
    await store.append(runEvent({ eventId: 'e-0', timestamp: 0 }));
    accepted.push('e-0');
    let free = fill(mount);
    for (let round = 0; round < 3; round++) {
      const error = await appendUntilFull(store, accepted);
      expect(error).toMatchObject({ code: 'ENOSPC', syscall: 'write', path: paths(path).log });
      expect(error.message).toMatch(/Free some space/);
      // Refused is not there, accepted is, and it stays so however often one tries.
      await expect(store.append(runEvent({ eventId: 'never', field: 'x'.repeat(700) }))).rejects.toThrow(
        /ENOSPC/,
      );
      expect(events(path)).toEqual(accepted);
      expect((await store.getStats()).eventCount).toBe(accepted.length);
      expect((await store.readAll()).map(({ eventId }) => eventId)).toEqual(accepted);
      free();
      const next = `e-${accepted.length}`;
      await store.append(runEvent({ eventId: next, timestamp: accepted.length, field: 'x'.repeat(700) }));
      accepted.push(next);
      if (round < 2) free = fill(mount);
    }
    const report = await store.verify();
    // Half lines that the full disk left are closed and counted as what they are.
    expect(report.tornTail).toBe(null);
    expect(report.events).toBe(accepted.length);
    expect(events(path)).toEqual(accepted);
    await store.compact(accepted.length - 1);
    expect(logged(path).map(({ eventId }) => eventId)).toEqual(accepted.slice(1));
    expect(existsSync(paths(path).rejected)).toBe(report.malformed.length > 0);
  });

  test('logEvent: does not throw, reports it, and is written by the next flush with room', async () => {
    const mount = mounted();
    const path = join(mount, 'store');
    const told = [];
    const ledger = ours.createPersistentLedger({ storagePath: path, onError: (error) => told.push(error) });
    ledger.finalizeEvent(runEvent({ eventId: 'first' }));
    await ledger.flush();
    const free = fill(mount);
    const ids = Array.from({ length: 20 }, (_, i) => `w-${i}`);
    for (const eventId of ids) ledger.finalizeEvent(runEvent({ eventId, field: 'x'.repeat(5000) }));
    expect(ledger.eventCount).toBe(21);
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'ENOSPC', path: paths(path).log });
    expect(told.every(({ code }) => code === 'ENOSPC')).toBe(true);
    free();
    await ledger.flush();
    ledger.finalizeEvent(runEvent({ eventId: 'last' }));
    expect(events(path)).toEqual(['first', ...ids, 'last']);
    await ledger.destroy();
    expect((await ours.createEventStore(path).getStats()).eventCount).toBe(22);
  });

  test('compact, writeAll and save: refused, the log untouched, no half-made file left', async () => {
    const mount = mounted();
    const path = join(mount, 'store');
    const store = ours.createEventStore(path);
    const accepted = [];
    for (let i = 0; i < 60; i++) {
      accepted.push(`e-${i}`);
      await store.append(runEvent({ eventId: `e-${i}`, timestamp: i, field: 'x'.repeat(700) }));
    }
    const free = fill(mount);
    const before = logText(path);
    const ledger = ours.createPersistentLedger({ storagePath: path, maxEvents: 50 });
    await ledger.load();
    for (const rewrite of [
      () => store.compact(50),
      () => store.writeAll(Array.from({ length: 50 }, () => runEvent({ field: 'x'.repeat(700) }))),
      () => ledger.save(),
      () => ledger.compact(),
    ]) {
      await expect(rewrite(), String(rewrite)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(logText(path)).toBe(before);
      expect(readdirSync(path).filter((name) => name.includes('tmp') || name === '.events.prev')).toEqual([]);
    }
    free();
    await ledger.save();
    expect(await ledger.compact()).toBe(10);
    await expectKept(path, accepted.slice(10));
  });

  test('several processes: each knows what of its own was accepted', async () => {
    const mount = mounted();
    const path = join(mount, 'store');
    const agents = await Promise.all([0, 1].map(() => agent({ folder: path })));
    for (const it of agents)
      await it.run(({ store }) => store.append({ eventId: 'first', taskId: 't', timestamp: 0 }));
    const free = fill(mount);
    const until = (name) =>
      agents[name].run(async ({ store }, name) => {
        const accepted = [];
        for (let i = 0; ; i++)
          try {
            await store.append({ eventId: `${name}-${i}`, taskId: 't', timestamp: i, field: 'x'.repeat(90) });
            accepted.push(`${name}-${i}`);
          } catch (error) {
            return { accepted, code: error.code };
          }
      }, name);
    const results = await Promise.all([until(0), until(1)]);
    expect(results.map(({ code }) => code)).toEqual(['ENOSPC', 'ENOSPC']);
    free();
    await agents[0].run(({ store }) => store.append({ eventId: 'after', taskId: 't', timestamp: 0 }));
    const found = events(path);
    for (const { accepted } of results)
      for (const id of accepted) expect(found.filter((it) => it === id)).toHaveLength(1);
    expect(found).toHaveLength(3 + results.flatMap(({ accepted }) => accepted).length);
    expect((await ours.createEventStore(path).getStats()).eventCount).toBe(found.length);
  });
}

describeMounts('a full tmpfs', () => suite(() => tmpfs('512k')));
describeDisks('a full disk', 'ext4', () => suite(() => new Disk('ext4', 2).path));

test.skipIf(process.platform === 'win32')(
  'compact() works at the file size limit, beside half a line',
  async () => {
    const path = folder();
    mkdirSync(path, { recursive: true });
    const lines = Array.from({ length: 400 }, (_, i) =>
      lineOf(runEvent({ eventId: `e-${i}`, timestamp: i })),
    );
    writeFileSync(paths(path).log, `${lines.join('')}{"eventId":"half`);
    const program = `
    const { createEventStore } = require(${JSON.stringify(join(import.meta.dirname, '..'))});
    createEventStore(process.argv[1]).compact(10).then(console.log, (error) => console.log(error.message));
  `;
    // The limit lies in the middle of the log: not a byte can be added to it.
    const limit = Math.floor(statSync(paths(path).log).size / 2048);
    const words = [
      '-c',
      `trap '' XFSZ; ulimit -f ${limit}; exec "$0" "$@"`,
      process.execPath,
      '-e',
      program,
      path,
    ];
    expect(execFileSync('bash', words, { encoding: 'utf8' }).trim()).toBe('390');
    // The half line came along, and was closed in the new log.
    expect(logText(path)).toBe(`${lines.slice(390).join('')}{"eventId":"half\n`);
  },
);
