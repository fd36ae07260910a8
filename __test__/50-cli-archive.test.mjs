/** compact --archive, and archive. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createEventStore } from '../index.js';
import { cli, cliInTerminal, folderOf, NOON, noTerminal, parsed, since, start } from './support/cli.mjs';
import { callsOf, made } from './support/commands.mjs';
import { logged, logText, readLock, readLog, snapshot } from './support/disk.mjs';
import { at, lineOf, runEvent, times, violation } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder } from './support/folder.mjs';
import { describeMounts, tmpfs } from './support/mounts.mjs';

const compact = (path, ...args) => cli(['compact', '--dir', path, ...args]);
const archive = (path, ...args) => cli(['archive', path, ...args]);
const place = (path) => join(path, 'archive');
/** The files of an archive. */
const names = (dir) =>
  (existsSync(dir) ? readdirSync(dir) : []).filter((name) => name !== '.archive.lk').toSorted();
const MONTH = new Date().toISOString().slice(0, 7);
const FILE = `events-${MONTH}.ndjson.gz`;
const textOf = (file) => gunzipSync(readFileSync(file)).toString();
/** All that archives in a folder hold, and nothing may be there but archives. */
const archived = (dir) => {
  for (const name of names(dir)) expect(name).toMatch(/^events-\d{4}-\d\d\.ndjson\.gz$/);
  return names(dir).flatMap((name) => textOf(join(dir, name)).split('\n').slice(0, -1));
};
const hasZcat = spawnSync('zcat', ['--version']).status === 0;

const ODD = '{"eventId":"x","timestamp":5,"n":738529527931269425,"s":"\\u0041","x":1e999}';

describe('compact --archive', () => {
  test('moves the oldest events, byte for byte, to one file in the order of time', async () => {
    const path = folderOf(since(3, 1, 4, 2), ` ${ODD} \r\n`, 'nonsense\n');
    const before = logged(path, { torn: true });
    const { code, out } = await compact(path, '--max-events', '2', '--archive', '--yes');
    expect(code).toBe(0);
    expect(names(place(path))).toEqual([FILE]);
    const file = join(place(path), FILE);
    expect(out).toBe(`3 events moved to the archive in ${place(path)}, 2 events left.\n`);
    expect(textOf(file)).toBe(`${ODD}\n${lineOf(before[1])}${lineOf(before[3])}`);
    expect(times(logged(path))).toEqual([NOON + 3, NOON + 4]);
    expect(readLock(path)).toBeNull();
    if (hasZcat) expect(spawnSync('zcat', [file]).stdout.toString()).toBe(textOf(file));
  });

  test('the runs of a month share a file, and every event is in it or in the log, once', async () => {
    const events = since(...Array.from({ length: 60 }, (_, i) => (i * 37) % 60));
    const path = folderOf(events);
    for (const keep of ['50', '20', '7'])
      expect((await compact(path, '--max-events', keep, '--archive', '--yes')).code).toBe(0);
    expect(names(place(path))).toEqual([FILE]);
    const all = [...archived(place(path)), ...logText(path).split('\n').slice(0, -1)];
    expect(all.toSorted()).toEqual(events.map((event) => JSON.stringify(event)).toSorted());
    expect(logged(path)).toHaveLength(7);
  });

  test('goes to DIR, which is made', async () => {
    const path = folderOf(since(1, 2, 3));
    const dir = join(folder(), 'cold');
    const args = ['--max-events', '1', '--archive', dir, '--yes', '--json'];
    const [said] = parsed(await compact(path, ...args));
    expect(said).toEqual({
      ...{ dryRun: false, maxEvents: 1, removed: 2, left: 1 },
      archive: dir,
    });
    expect(archived(dir)).toHaveLength(2);
    expect(existsSync(place(path))).toBe(false);
    // With nothing to remove there is no new one.
    expect(parsed(await compact(path, ...args))).toMatchObject([{ removed: 0, archive: null }]);
    expect(names(dir)).toHaveLength(1);
  });

  test('events without a time go first', async () => {
    const path = folderOf(at('soon', 8e15, 1000));
    await compact(path, '--max-events', '2', '--archive', '--yes');
    expect(archived(place(path)).map((line) => JSON.parse(line).timestamp)).toEqual(['soon']);
    await compact(path, '--max-events', '0', '--archive', '--yes');
    expect(archived(place(path)).map((line) => JSON.parse(line).timestamp)).toEqual(['soon', 1000, 8e15]);
  });

  test('--dry-run makes nothing', async () => {
    const path = folderOf(since(1, 2, 3));
    const before = snapshot(path);
    const { out } = await compact(path, '--max-events', '1', '--archive', '--dry-run');
    expect(out).toBe(`2 events would be moved to the archive in ${place(path)}, 1 event left.\n`);
    const args = ['--max-events', '1', '--archive', '--dry-run', '--json'];
    expect(parsed(await compact(path, ...args))).toMatchObject([{ dryRun: true, removed: 2, archive: null }]);
    expect(snapshot(path)).toEqual(before);
  });

  test('without --yes says how to call it, and makes nothing', async () => {
    const path = folderOf(since(1, 2));
    const before = snapshot(path);
    const dir = folder();
    const { code, err } = await compact(path, '--max-events', '1', '--archive', dir);
    expect(code).toBe(2);
    expect(err).toContain(`Move the oldest 1 event of ${path} to an archive in ${dir}?`);
    expect(err).toContain(
      `Try: guidance-ledger compact --dir ${path} --max-events 1 --archive ${dir} --yes\n`,
    );
    expect(snapshot(path)).toEqual(before);
    expect(names(dir)).toEqual([]);
  });

  test.skipIf(noTerminal)('asks in a terminal', async () => {
    const path = folderOf(since(1, 2));
    const args = ['compact', path, '--max-events', '1', '--archive'];
    const no = await cliInTerminal(args, { input: 'n\n' });
    expect(no.out).toContain(`to an archive in ${place(path)}? [y/N]`);
    expect(existsSync(place(path))).toBe(false);
    expect((await cliInTerminal(args, { input: 'y\n' })).code).toBe(0);
    expect(archived(place(path))).toHaveLength(1);
  });

  test('a store is not taken for the place of archives', async () => {
    const path = folderOf(since(1, 2));
    const before = snapshot(path);
    const { code, err } = await cli(['compact', '--max-events', '1', '--yes', '--archive', path]);
    expect(code).toBe(2);
    expect(err).toContain(`Try: guidance-ledger compact --archive --dir ${path}\n`);
    expect(snapshot(path)).toEqual(before);
  });

  test('a place that cannot be written leaves the log as it was', async () => {
    const path = folderOf(since(1, 2));
    const before = readLog(path);
    const file = join(folder(), 'file');
    writeFileSync(file, 'mine');
    for (const dir of [file, join(file, 'below')]) {
      const { code, err } = await compact(path, '--max-events', '1', '--archive', dir, '--yes');
      expect(code).toBe(4);
      expect(err).toContain(`'${dir}'`);
    }
    if (process.platform !== 'win32') {
      symlinkSync(folder(), place(path));
      const { code, err } = await compact(path, '--max-events', '1', '--archive', '--yes');
      expect(code).toBe(4);
      expect(err).toContain('ELOOP');
    }
    expect(readLog(path)).toEqual(before);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readLock(path)).toBeNull();
  });

  test('killed at any moment loses no event and doubles none', async () => {
    const events = Array.from({ length: 4000 }, (_, i) =>
      runEvent({ eventId: `k-${i}`, timestamp: NOON + i, noise: randomBytes(300).toString('base64') }),
    );
    const whole = events.map((event) => event.eventId);
    const path = folderOf(events);
    const args = ['compact', path, '--max-events', '1000', '--archive', '--yes'];
    const copy = folderOf(events);
    const begun = performance.now();
    expect((await compact(copy, '--max-events', '1000', '--archive', '--yes')).code).toBe(0);
    const usual = performance.now() - begun;
    const store = createEventStore(path);
    let ended = 0;
    const ROUNDS = 24;
    for (let round = 0; round < ROUNDS; round++) {
      const { child } = start(args);
      const timer = setTimeout(() => child.kill('SIGKILL'), (usual * (round + 1)) / ROUNDS);
      const [code] = await once(child, 'close');
      clearTimeout(timer);
      const found = [];
      for await (const { eventId } of store.stream({ archive: true })) found.push(eventId);
      expect(found.toSorted()).toEqual(whole.toSorted());
      if (code !== 0) continue;
      ended++;
      // More, to be moved next time.
      const more = Array.from({ length: 3000 }, (_, i) =>
        runEvent({ eventId: `m-${round}-${i}`, timestamp: NOON + 10_000 * (round + 1) + i }),
      );
      for (const { eventId } of more) whole.push(eventId);
      writeFileSync(join(path, 'events.ndjson'), more.map(lineOf).join(''), { flag: 'a' });
    }
    expect(ended).toBeLessThan(ROUNDS);
    await compact(path, '--max-events', '1', '--archive', '--yes');
    // What the killed ones left half done is in the archive.
    expect(readdirSync(path).filter((name) => /evict|archived/.test(name))).toEqual([]);
    const all = [...archived(place(path)), ...logText(path).split('\n').slice(0, -1)];
    expect(all.map((line) => JSON.parse(line).eventId).toSorted()).toEqual(whole.toSorted());
  }, 60_000);
});

describeMounts('compact --archive on a full disk', () => {
  test('leaves the log as it was, and no half file', async () => {
    const noise = () => randomBytes(3000).toString('base64');
    const path = folderOf(Array.from({ length: 100 }, (_, i) => runEvent({ timestamp: i, noise: noise() })));
    const before = readLog(path);
    const dir = tmpfs('64k');
    const { code, out, err } = await compact(path, '--max-events', '1', '--archive', dir, '--yes');
    expect({ code, out }).toEqual({ code: 4, out: '' });
    expect(err).toContain('ENOSPC');
    expect(err).toContain(dir);
    expect(names(dir)).toEqual([]);
    expect(readLog(path).equals(before)).toBe(true);
    expect(readdirSync(path).filter((name) => name.startsWith('events.tmp.'))).toEqual([]);
    expect(readLock(path)).toBeNull();
    // A smaller part fits.
    expect((await compact(path, '--max-events', '95', '--archive', dir, '--yes')).code).toBe(0);
    expect(archived(dir)).toHaveLength(5);
  });
});

describeFaults('compact --archive at each system call', () => {
  /** Before the log is replaced. */
  const BEFORE = [
    ...['mkdir */archive 1', 'open */.archive.lk 1', 'open */.events.evicting.* 1'],
    ...['pwrite */.events.evicting.* 1', 'fsync */.events.evicting.* 1', 'fsync */store 1'],
    ...['open */.archive.*.tmp 1', 'pwrite */.archive.*.tmp 1', 'fsync */events.tmp.* 1'],
    ...['link */.events.prev 1', 'rename */.events.evicted.* 1', 'rename */store/events.ndjson 1'],
  ];
  /** Afterwards. */
  const AFTER = [
    ...['rename */.events.archived.* 1', 'pwrite */.archive.lk 1', 'fsync */.archive.lk 1'],
    ...['open */events-* 1', 'pwrite */events-* 1', 'fsync */events-* 1', 'fsync */archive 1'],
    ...['unlink */.events.archived.* 1'],
  ];
  /** A store, and a run of the command under a rule. */
  async function run(rule) {
    const path = folderOf(since(1, 2, 3, 4));
    const faults = new Faults(folder(), '*/store*');
    if (rule !== undefined) faults.set(rule);
    const args = ['compact', path, '--max-events', '1', '--archive', '--yes'];
    return { path, faults, ...(await cli(args, { env: faults.env })) };
  }
  /** Times of the events in the files of the archive, and in the log. */
  const everywhere = (path) =>
    [...archived(place(path)), ...logText(path).split('\n').slice(0, -1)].map(
      (line) => JSON.parse(line).timestamp - NOON,
    );
  const ofStore = async (path) => {
    const times = [];
    for await (const { timestamp } of createEventStore(path).stream({ archive: true }))
      times.push(timestamp - NOON);
    return times;
  };

  test('what is evicted is on the disk, with its name, before the log is replaced', async () => {
    const { path, faults, code } = await run();
    expect(code).toBe(0);
    const calls = faults.calls();
    const nth = (pattern, from = 0) => {
      const at = calls.findIndex((call, i) => i >= from && pattern.test(call));
      expect(at, `${pattern} in ${calls.join('\n')}`).toBeGreaterThanOrEqual(0);
      return at + 1;
    };
    expect(everywhere(path)).toEqual([1, 2, 3, 4]);
    const written = nth(/^pwrite .*\.events\.evicting\./);
    const synced = nth(/^fsync .*\.events\.evicting\./, written);
    const named = nth(/^fsync .*\/store$/, synced);
    const replaced = nth(/^rename .*\/store\/events\.ndjson$/, named);
    const durable = nth(/^fsync .*\/store$/, replaced);
    const archived = nth(/^pwrite .*\/archive\/events-/, durable);
    const kept = nth(/^fsync .*\/archive\/events-/, archived);
    nth(/^unlink .*\.events\.archived\./, nth(/^fsync .*\/archive$/, kept));
  });

  test.each(BEFORE)('%s: an error leaves the log as it was and no archive', async (step) => {
    const { path, code, out } = await run(`${step} errno EIO`);
    expect({ code, out }).toEqual({ code: 4, out: '' });
    expect(times(logged(path))).toEqual([NOON + 1, NOON + 2, NOON + 3, NOON + 4]);
    expect(await ofStore(path)).toEqual([1, 2, 3, 4]);
    expect(archived(place(path))).toEqual([]);
    expect(readLock(path)).toBeNull();
  });

  test.each(AFTER)('%s: an error leaves the events for the next time', async (step) => {
    const { path, code } = await run(`${step} errno EIO`);
    expect(code).toBe(0);
    expect(await ofStore(path)).toEqual([1, 2, 3, 4]);
    expect((await compact(path, '--max-events', '0', '--archive', '--yes')).code).toBe(0);
    expect(everywhere(path)).toEqual([1, 2, 3, 4]);
  });

  test.each([...BEFORE, ...AFTER])(
    '%s: killed before or after it, each event is there once',
    async (step) => {
      for (const how of ['kill', 'die']) {
        const { path, signal } = await run(`${step} ${how}`);
        expect(signal).toBe('SIGKILL');
        expect(await ofStore(path)).toEqual([1, 2, 3, 4]);
        expect((await compact(path, '--max-events', '0', '--archive', '--yes')).code).toBe(0);
        expect(everywhere(path)).toEqual([1, 2, 3, 4]);
        expect(readdirSync(path).filter((name) => /evict|archived/.test(name))).toEqual([]);
      }
    },
  );
});

describe('archive', () => {
  /** A folder with two archives, of three events and of two, as of two months, and one event left. */
  async function two() {
    const told = { sessionId: 's', agentId: 'a', toolsUsed: ['Edit'], violations: [violation('r')] };
    const path = folderOf(since(1000, 2000, 3000, 4000, 5000, 6000).map((event) => ({ ...event, ...told })));
    const all = logged(path);
    await compact(path, '--max-events', '3', '--archive', '--yes');
    renameSync(join(place(path), FILE), join(place(path), 'events-2025-01.ndjson.gz'));
    await compact(path, '--max-events', '1', '--archive', '--yes');
    return { path, all, files: names(place(path)).sort() };
  }

  test('lists, and changes nothing', async () => {
    const { path, files } = await two();
    const before = snapshot(path);
    const { code, lines } = await archive(path);
    expect(code).toBe(0);
    expect(lines.map((line) => line.replace(/ {2,}/g, '  '))).toEqual([
      'Archive  Events  Size  Oldest  Newest',
      expect.stringMatching(`^${files[0]}  3  \\d+ B  2026-01-15 12:00:01  2026-01-15 12:00:03$`),
      expect.stringMatching(`^${files[1]}  2  \\d+ B  2026-01-15 12:00:04  2026-01-15 12:00:05$`),
    ]);
    const [said] = parsed(await archive(path, '--json'));
    expect(said).toMatchObject({
      folder: place(path),
      archives: [
        { file: join(place(path), files[0]), events: 3, oldestEvent: NOON + 1000, damage: null },
        { file: join(place(path), files[1]), events: 2, newestEvent: NOON + 5000, damage: null },
      ],
    });
    expect(snapshot(path)).toEqual(before);
  });

  test('reads all, or some, by the conditions of query', async () => {
    const { path, all, files } = await two();
    expect(parsed(await archive(path, '--all'))).toEqual(all.slice(0, 5));
    expect(parsed(await archive(path, '--all', '--json'))).toEqual(all.slice(0, 5));
    expect(parsed(await archive(path, '--read', files[1]))).toEqual(all.slice(3, 5));
    expect(parsed(await archive(path, '--read', join(place(path), files[0])))).toEqual(all.slice(0, 3));
    const since = ['--since', new Date(NOON + 2500).toISOString()];
    expect(parsed(await archive(path, '--all', ...since))).toEqual(all.slice(2, 5));
    expect(parsed(await archive(path, '--all', '--where', `eventId=${all[1].eventId}`))).toEqual([all[1]]);
    const dir = place(path);
    expect(parsed(await cli(['archive', '--from', dir, '--all'], { cwd: folder() }))).toEqual(
      all.slice(0, 5),
    );
  });

  test('the last of them', async () => {
    const { path, all, files } = await two();
    expect(parsed(await archive(path, '--all', '--limit', '2'))).toEqual(all.slice(3, 5));
    expect(parsed(await archive(path, '--read', files[0], '--limit', '0'))).toEqual([]);
    expect((await archive(path, '--limit', '2')).code).toBe(2);
  });

  test.each(callsOf((command) => command.archive).map((args) => [args.join(' '), args]))(
    '%s --archive tells of both what it tells of a log that holds all',
    async (_, args) => {
      const { path, all } = await two();
      const whole = folderOf(all);
      for (const more of [[], ['--json']]) {
        const run = (...rest) => cli([...made(args, all[0].eventId), ...more, ...rest]);
        const expected = (await run('--dir', whole)).out.replaceAll(whole, path);
        const both = await run('--archive', '--dir', path);
        expect(both).toMatchObject({ code: 0, out: expected, err: '' });
        expect((await run('--dir', path)).out).not.toBe(expected);
      }
    },
  );

  test('query, show, metrics and export read both', async () => {
    const { path, all } = await two();
    const both = (command, ...args) => cli([command, '--dir', path, '--archive', ...args]);
    expect(parsed(await both('query', '--json'))).toEqual(all);
    expect(parsed(await both('query', '--json', '--limit', '2'))).toEqual(all.slice(4));
    expect(parsed(await both('query', '--json', '--limit', '2', '--oldest'))).toEqual(all.slice(0, 2));
    expect(parsed(await both('export'))).toEqual(all);
    expect(parsed(await both('show', all[0].eventId, '--json'))).toEqual([all[0]]);
    expect((await cli(['show', '--dir', path, all[0].eventId])).code).toBe(1);
    expect(parsed(await both('metrics', '--json', '--by', 'intent'))[0].groups[0].events).toBe(6);
    expect(parsed(await cli(['query', '--dir', path, '--json']))).toEqual(all.slice(5));
  });

  test('verify looks at it too', async () => {
    const { path, files } = await two();
    const clean = await cli(['verify', path]);
    expect(clean.code).toBe(0);
    expect(clean.out).toContain('1 line, 1 event, 5 events in the archive; in order');
    const file = join(place(path), files[0]);
    const damaged = readFileSync(file);
    damaged.fill(0x55, 90, 94);
    writeFileSync(file, damaged);
    const { code, out } = await cli(['verify', path]);
    expect(code).toBe(1);
    expect(out).toContain('1 file of the archive is damaged');
    expect(out).toContain(`${files[0]} at byte 0, `);
    const [report] = parsed(await cli(['verify', path, '--json']));
    expect(report).toMatchObject({ findings: ['archive-damage'], archive: { events: 2 } });
  });

  test('what is read goes back into a store', async () => {
    const { path, all } = await two();
    const { out } = await archive(path, '--all');
    expect((await cli(['import', '--dir', path], { input: out })).code).toBe(0);
    expect(times(logged(path)).toSorted()).toEqual(times(all));
  });

  test('an event that is in two archives is told once; one that was twice in the log, twice', async () => {
    const path = folderOf([]);
    mkdirSync(place(path));
    const put = (name, ...lines) =>
      writeFileSync(
        join(place(path), `events-${name}.ndjson.gz`),
        gzipSync(lines.map((line) => `${line}\n`).join('')),
      );
    const [a, b, c] = since(1, 2, 3).map((event) => JSON.stringify(event));
    put('1', a, a, b);
    put('2', b, c, a);
    expect((await archive(path, '--all')).lines).toEqual([a, a, b, c]);
  });

  test('other files are passed over, and damaged ones told', async () => {
    const { path, files } = await two();
    writeFileSync(join(place(path), 'notes.txt'), 'mine');
    writeFileSync(join(place(path), '.events-x.ndjson.gz.part'), 'half');
    if (process.platform !== 'win32') symlinkSync('/dev/zero', join(place(path), 'events-z.ndjson.gz'));
    const file = join(place(path), files[0]);
    const whole = readFileSync(file);
    for (const damaged of [whole.subarray(0, -9), Buffer.from('no gzip'), Buffer.alloc(0)]) {
      writeFileSync(file, damaged);
      const { code, err, lines } = await archive(path);
      expect(code).toBe(1);
      expect(lines).toHaveLength(3);
      expect(err).toContain(`${file} is damaged: `);
      expect(parsed(await archive(path, '--json'))[0].archives).toMatchObject([
        { damage: expect.any(String) },
        { damage: null },
      ]);
      expect((await archive(path, '--all')).code).toBe(4);
    }
    writeFileSync(file, gzipSync('nonsense\n'));
    expect((await archive(path)).err).toContain('1 line is not an event');
  });

  test('an empty folder, one that is not there, and calls that mean nothing', async () => {
    const path = folderOf(since(1));
    const none = await archive(path);
    expect(none).toMatchObject({ code: 0, out: '', err: `There are no archives in ${place(path)}.\n` });
    expect(parsed(await archive(path, '--json'))).toEqual([{ folder: place(path), archives: [] }]);
    expect(await archive(path, '--all')).toMatchObject({ code: 0, out: '' });
    expect((await archive(join(path, 'not'))).code).toBe(2);
    expect((await archive(path, '--from', join(path, 'not'))).code).toBe(2);
    expect((await archive(path, '--read', 'not.gz')).err).toContain('there is no archive not.gz');
    expect((await archive(path, '--since', '1h')).err).toContain('Try: guidance-ledger archive --all\n');
    expect((await archive(path, '--all', '--read', 'x')).code).toBe(2);
  });
});
