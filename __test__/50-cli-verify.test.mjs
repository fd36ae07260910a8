/** verify and verify --repair. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, cliInTerminal, folderOf, lockHolder, NOON, noTerminal, parsed, since } from './support/cli.mjs';
import { bytes, logged, paths, readLog, snapshot } from './support/disk.mjs';
import { lineOf, runEvent } from './support/events.mjs';
import { ours } from './support/implementations.mjs';

const same = (n) => lineOf(runEvent({ eventId: 'same', timestamp: NOON, n }));
const MALFORMED = ['nonsense \u001b]0;title\u0007\n', '[1]\n', '{"half":'];
const backups = (path) => readdirSync(path).filter((name) => name.startsWith('events.backup.'));
const repair = (path, ...args) => cli(['verify', '--repair', '--dir', path, ...args]);

describe('verify', () => {
  test('a clean log ends with code 0', async () => {
    const path = folderOf(since(1, 2));
    const { code, out } = await cli(['verify', '--dir', path]);
    expect({ code, out }).toEqual({ code: 0, out: 'The log: 2 lines, 2 events; in order\n' });
    const [report] = parsed(await cli(['verify', '--json', '--dir', path]));
    expect(report).toEqual({
      findings: [],
      implausibleTimes: 0,
      differingDuplicates: 0,
      ...(await ours.createEventStore(path).verify()),
    });
  });

  test.each([
    [
      'malformed',
      (path) => appendFileSync(paths(path).log, 'nonsense\n'),
      '1 line is not an event\n    at byte',
    ],
    ['torn-tail', (path) => appendFileSync(paths(path).log, '{"half'), 'the last line is only half there'],
    ['torn-tail', (path) => appendFileSync(paths(path).log, '{}'), 'the last event lacks its newline'],
    [
      'duplicate-ids',
      (path) =>
        appendFileSync(paths(path).log, lineOf(runEvent({ eventId: 'same', timestamp: NOON })).repeat(3)),
      '1 id is there more than once; the events are identical\n    same: 3 times',
    ],
    [
      'duplicate-ids',
      (path) => appendFileSync(paths(path).log, same(1) + same(2)),
      '1 id is there more than once; the events differ\n    same: 2 times',
    ],
    [
      'implausible-times',
      (path) => appendFileSync(paths(path).log, lineOf(runEvent({ timestamp: NOON / 1000 }))),
      '1 event has a time that cannot be\n    at byte',
    ],
    [
      'index-drift',
      (path) => writeFileSync(paths(path).index, '{"eventCount":9}'),
      'it counts 9; the log has 2',
    ],
    ['index-drift', (path) => writeFileSync(paths(path).index, '{'), 'it cannot be read'],
  ])('%s is found, and ends with code 1', async (kind, spoil, text) => {
    const path = folderOf(since(1, 2));
    spoil(path);
    const { code, out } = await cli(['verify', '--dir', path]);
    expect(code).toBe(1);
    expect(out).toContain(text);
    const result = await cli(['verify', '--json', '--dir', path]);
    expect(result.code).toBe(1);
    expect(parsed(result)[0].findings).toEqual([kind]);
  });

  test('what another process is in the middle of is no finding', async () => {
    const path = folderOf(since(1, 2));
    // Two writers that end no line and bring no index up to date, ever.
    const script = `
      const { appendFileSync } = require('node:fs');
      setInterval(() => appendFileSync(process.argv[1], '}\\n{"n":' + Date.now()), 20);
    `;
    appendFileSync(paths(path).log, '{"n":0');
    writeFileSync(paths(path).index, '{"eventCount":1}');
    const writer = spawn(process.execPath, ['-e', script, paths(path).log]);
    onTestFinished(() => void writer.kill('SIGKILL'));
    const busy = await cli(['verify', '--json', '--dir', path]);
    expect(busy.code).toBe(0);
    expect(parsed(busy)).toMatchObject([{ findings: [], index: { drift: true } }]);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    const quiet = await cli(['verify', '--json', '--dir', path]);
    expect(quiet.code).toBe(1);
    expect(parsed(quiet)[0].findings).toEqual(['torn-tail', 'index-drift']);
  });

  test('an index.json that short-lived writers left behind the log is no finding; any other is', async () => {
    const path = folderOf(since(1, 2, 3));
    const index = (eventCount, oldest, newest) =>
      writeFileSync(
        paths(path).index,
        JSON.stringify({
          eventCount,
          oldestTimestamp: NOON + oldest,
          newestTimestamp: NOON + newest,
          taskIds: ['task-1'],
        }),
      );
    index(2, 1, 2);
    const behind = await cli(['verify', '--json', path]);
    expect(behind.code).toBe(0);
    expect(parsed(behind)[0]).toMatchObject({ findings: [], index: { eventCount: 2, drift: true } });
    for (const wrong of [
      [2, 1, 3],
      [4, 1, 3],
      [3, 1, 2],
    ]) {
      index(...wrong);
      expect(parsed(await cli(['verify', '--json', path]))[0].findings).toEqual(['index-drift']);
    }
  });

  test('what to run next is said', async () => {
    const path = folderOf(since(1), 'nonsense\n');
    expect((await cli(['verify', path])).err).toBe(`Next: guidance-ledger verify --dir ${path} --repair\n`);
  });

  test('ids that are there twice are all counted, however many are listed', async () => {
    const ids = Array.from({ length: 1003 }, (_, i) => `id-${i}`);
    const events = ids.map((eventId) => runEvent({ eventId, timestamp: NOON }));
    // The last one lacks its newline, and is an event all the same.
    const last = JSON.stringify(events[1002]);
    const path = folderOf([...events, ...events.slice(0, 1002)], last);
    const { out } = await cli(['verify', '--dir', path]);
    expect(out).toContain('1,003 ids are there more than once; the events of each are identical\n');
    expect(out).toContain('    id-9: 2 times\n    … and 993 more\n');
    const [report] = parsed(await cli(['verify', '--json', '--dir', path]));
    expect(report.duplicateIdCount).toBe(1003);
    expect(report.duplicateIds).toHaveLength(1000);
  });

  test('many findings are counted, and some are shown, unable to harm a terminal', async () => {
    const path = folderOf([], 'x\u001b[2J\u009b\n'.repeat(500));
    const { out } = await cli(['verify', '--dir', path]);
    expect(out).toContain('500 lines are not events');
    expect(out).toContain('… and 490 more');
    expect(out).toContain('x\\u001b[2J\\u009b');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(out).not.toMatch(/[\u001b\u009b]/);
  });
});

describe('verify --repair', () => {
  test('copies the log, moves what is not an event aside, and closes half a line', async () => {
    const events = since(1, 2);
    const path = folderOf(events, ...MALFORMED);
    const before = readLog(path);
    const { code, out, err } = await repair(path, '--yes');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('set 3 lines aside');
    expect(out).toMatch(/Now: 2 lines, 2 events; in order\n$/);
    expect(logged(path)).toEqual(events);
    expect(bytes(paths(path).rejected).toString()).toBe(`${MALFORMED.join('')}\n`);
    const [backup] = backups(path);
    expect(readFileSync(join(path, backup))).toEqual(before);
    expect(backup).toMatch(/^events\.backup\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.ndjson$/);
    if (process.platform !== 'win32')
      expect(statSync(join(path, backup)).mode & 0o777).toBe(statSync(paths(path).log).mode & 0o777);
  });

  test('--json tells before, after and the copy in one value', async () => {
    const path = folderOf(since(1, 2), ...MALFORMED);
    const before = await ours.createEventStore(path).verify();
    const result = await repair(path, '--yes', '--json');
    const backup = join(path, backups(path)[0]);
    expect(parsed(result)).toMatchObject([
      { findings: [], events: 2, tornTail: null, repaired: { rejected: 3, backup, before } },
    ]);
  });

  test('a complete event at the end gets its newline', async () => {
    const last = runEvent({ timestamp: NOON });
    const path = folderOf(since(1), JSON.stringify(last));
    expect((await repair(path, '--yes')).code).toBe(0);
    expect(logged(path).at(-1)).toEqual(last);
  });

  test('of an index.json alone neither changes nor copies the log', async () => {
    const path = folderOf(since(1, 2));
    writeFileSync(paths(path).index, '{"eventCount":9}');
    const before = readLog(path);
    const { code, out } = await repair(path, '--yes');
    expect(code).toBe(0);
    expect(out).toMatch(/Wrote index\.json anew\.\nNow: 2 lines, 2 events; in order\n$/);
    expect(JSON.parse(readFileSync(paths(path).index, 'utf8')).eventCount).toBe(2);
    expect(readLog(path)).toEqual(before);
    expect(backups(path)).toEqual([]);
    writeFileSync(paths(path).index, 'x');
    const said = parsed(await repair(path, '--yes', '--json'));
    expect(said).toMatchObject([{ findings: [], index: { drift: false }, repaired: { backup: null } }]);
  });

  test('leaves what it cannot put right, and says so', async () => {
    const twice = runEvent({ eventId: 'same', timestamp: NOON });
    const path = folderOf([twice, twice]);
    const before = snapshot(path);
    const { code, err } = await repair(path, '--yes');
    expect({ code, err }).toEqual({ code: 1, err: 'There is nothing here that a repair puts right.\n' });
    expect(snapshot(path)).toEqual(before);
    appendFileSync(paths(path).log, 'nonsense\n');
    const repaired = await repair(path, '--yes');
    expect(repaired.code).toBe(1);
    expect(repaired.out).toMatch(/Now: 2 lines, 2 events; 1 finding/);
    expect(logged(path)).toEqual([twice, twice]);
  });

  test('of a clean log changes nothing and asks nothing', async () => {
    const path = folderOf(since(1));
    const before = snapshot(path);
    expect(await repair(path)).toMatchObject({ code: 0, err: '' });
    expect(snapshot(path)).toEqual(before);
  });

  test('without --yes, and nobody to ask, ends with code 2 and changes nothing', async () => {
    const path = folderOf(since(1), 'nonsense\n');
    const before = snapshot(path);
    const { code, err } = await repair(path);
    expect(code).toBe(2);
    expect(err).toContain(`Try: guidance-ledger verify --dir ${path} --repair --yes\n`);
    expect(snapshot(path)).toEqual(before);
  });

  test('of a locked folder ends with code 3, and makes no copy', async () => {
    const path = folderOf(since(1), 'nonsense\n');
    const before = readLog(path);
    await lockHolder(path);
    const { code, err } = await repair(path, '--yes', '--lock-timeout', '50ms');
    expect(code).toBe(3);
    expect(err).toContain('.lock');
    expect(backups(path)).toEqual([]);
    expect(readLog(path)).toEqual(before);
  });

  test.skipIf(noTerminal)('asks in a terminal', async () => {
    const path = folderOf(since(1), 'nonsense\n');
    const before = snapshot(path);
    const no = await cliInTerminal(['verify', '--repair', '--dir', path], { input: '\n' });
    expect(no.code).toBe(1);
    expect(no.out).toContain('Nothing was changed.');
    expect(snapshot(path)).toEqual(before);
    const gone = await cliInTerminal(['verify', '--repair', '--dir', path], { input: '\u0004' });
    expect(gone.code).toBe(1);
    expect(gone.out).toMatch(/^Nothing was changed\.$/m);
    const yes = await cliInTerminal(['verify', '--repair', '--dir', path], { input: 'y\n' });
    expect(yes.code).toBe(0);
    expect(backups(path)).toHaveLength(1);
  });
});
