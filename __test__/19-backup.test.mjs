/** backup(): consistent while others write, read again, restored by copying. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logText, paths, readLog } from './support/disk.mjs';
import { at, lineOf, runEvent } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';
import { agent, script, start } from './support/processes.mjs';

async function storeOf(...times) {
  const path = fresh();
  const store = ours.createEventStore(path);
  await store.appendAll(at(...times));
  return { path, store };
}

const linesOf = (file) => readFileSync(file, 'utf8').split('\n').slice(0, -1);

test('is the log, byte for byte, without half a line', async () => {
  const { path, store } = await storeOf(2, 1);
  appendFileSync(paths(path).log, ' \n{"n":738529527931269425}\r\nnonsense\n{"half":');
  const before = readLog(path);
  const file = join(folder(), 'copy.ndjson');
  writeFileSync(file, 'what was there');
  expect(await store.backup(file)).toEqual({ events: 3, lines: 5, bytes: before.length - '{"half":'.length });
  expect(readFileSync(file).equals(before.subarray(0, -'{"half":'.length))).toBe(true);
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readLog(path).equals(before)).toBe(true);
  // A whole event that lacks its newline is one.
  const whole = await storeOf(1);
  appendFileSync(paths(whole.path).log, lineOf(runEvent()).trimEnd());
  expect((await whole.store.backup(file)).events).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(`${logText(whole.path)}\n`);
});

test('with an archive, its events come first', async () => {
  const { path, store } = await storeOf(3, 1, 2, 4);
  await store.compact({ maxEvents: 1, archive: true });
  const file = join(folder(), 'copy.ndjson');
  expect((await store.backup(file)).events).toBe(1);
  expect((await store.backup(file, { archive: true })).events).toBe(4);
  expect(linesOf(file).map((line) => JSON.parse(line).timestamp)).toEqual([1, 2, 3, 4]);
  expect(existsSync(join(path, 'archive'))).toBe(true);
});

test('is restored by copying', async () => {
  const { store } = await storeOf(1, 2, 3);
  const [home, file] = [folder(), join(folder(), 'copy.ndjson')];
  await store.backup(file);
  copyFileSync(file, join(home, 'events.ndjson'));
  const restored = ours.createEventStore(home);
  expect(await restored.readAll()).toEqual(await store.readAll());
  await restored.append(runEvent({ timestamp: 4 }));
  expect((await restored.getStats()).eventCount).toBe(4);
});

test('refuses what cannot be a backup, and leaves nothing', async () => {
  const { path, store } = await storeOf(1);
  const before = readdirSync(path).toSorted();
  for (const bad of [undefined, null, 5, '', {}])
    await expect(store.backup(bad)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  await expect(store.backup(join(path, 'copy'), { archiv: true })).rejects.toThrow(/archive/);
  for (const name of ['events.ndjson', 'index.json', '.lock', 'events.rejected.ndjson'])
    await expect(store.backup(join(path, name))).rejects.toMatchObject({ code: 'EINVAL' });
  const nowhere = join(folder(), 'not', 'there');
  await expect(store.backup(nowhere)).rejects.toMatchObject({ code: 'ENOENT' });
  const home = folder();
  mkdirSync(join(home, 'taken'));
  await expect(store.backup(join(home, 'taken'))).rejects.toThrow();
  await expect(ours.createEventStore(nowhere).backup(join(home, 'copy'))).rejects.toMatchObject({
    code: 'ENOENT',
  });
  expect(readdirSync(home)).toEqual(['taken']);
  expect(readdirSync(path).toSorted()).toEqual(before);
  expect(existsSync(nowhere)).toBe(false);
});

test('is consistent beside writers and compactions into an archive', async () => {
  const path = fresh();
  const writers = ['a', 'b'].map((name) => start('writer', { folder: path, name, how: 'append', pause: 2 }));
  await Promise.all(writers.map((writer) => writer.said(50)));
  const compactor = script(path, async ({ ledgerModule, say, folder }) => {
    const store = ledgerModule.createEventStore(folder);
    for (;;) {
      say(`${await store.compact({ maxEvents: 20, archive: true })}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  await compactor.said(2);
  const store = ours.createEventStore(path);
  for (let round = 0; round < 4; round++) {
    const accepted = writers.flatMap((writer) => [...writer.lines]);
    const [log, both] = ['log', 'both'].map((name) => join(folder(), name));
    await store.backup(log);
    for (const line of linesOf(log)) JSON.parse(line);
    const { events } = await store.backup(both, { archive: true });
    const ids = linesOf(both).map((line) => JSON.parse(line).eventId);
    expect(ids.length).toBe(events);
    expect(new Set(ids).size, 'none twice').toBe(ids.length);
    const there = new Set(ids);
    expect(
      accepted.filter((id) => !there.has(id)),
      'none lost',
    ).toEqual([]);
    await compactor.said(compactor.lines.length + 2);
  }
  expect(compactor.lines.map(Number).some((evicted) => evicted > 0)).toBe(true);
}, 60_000);

describeFaults('at each system call', () => {
  test.each(['open */.copy.*.tmp 1', 'pwrite */.copy.*.tmp 1', 'fsync */.copy.*.tmp 1', 'rename */copy 1'])(
    '%s: an error leaves what was there',
    async (step) => {
      const { path } = await storeOf(1, 2);
      const home = folder();
      writeFileSync(join(home, 'copy'), 'before');
      const faults = new Faults(home, `${home}/*`);
      const it = await agent({ folder: path }, { env: faults.env });
      faults.set(`${step} errno EIO`);
      const failure = await it.fails(({ store }, file) => store.backup(file), join(home, 'copy'));
      expect(failure.code).toBe('EIO');
      expect(readFileSync(join(home, 'copy'), 'utf8')).toBe('before');
      expect(readdirSync(home).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    },
  );
});
