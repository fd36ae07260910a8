/**
 * The command-line tool: what every command has in common: the folder, the outputs, the launcher.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  cli,
  cliInTerminal,
  folderOf,
  LAUNCHER,
  lockHolder,
  NOON,
  noTerminal,
  parsed,
  since,
  start,
  TOOL,
} from './support/cli.mjs';
import { COMMANDS, callsOf, ID, made, READERS as READING } from './support/commands.mjs';
import { paths, snapshot } from './support/disk.mjs';
import { at, runEvent, violation } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';

const WINDOWS = process.platform === 'win32';
const ESCAPE = WINDOWS ? '' : '\u001b[2J';

/** Each call that reads; and each command that takes conditions with one of them. */
const READERS = [
  ...READING,
  ...callsOf(({ reads, filters }) => reads === true && filters).map((args) => [...args, '--task', 'task-1']),
];
/** Those, and an import that only counts. */
const WITHOUT_TRACE = [...READERS, ['import', '--dry-run']];
/** Two events, of which one is that of the calls. */
const two = () => [runEvent({ timestamp: NOON, eventId: ID }), ...since(1)];

describe('the folder', () => {
  test('is --dir, else GUIDANCE_LEDGER_DIR, else .claude-flow/guidance', async () => {
    const cwd = folder();
    const nested = join(cwd, '.claude-flow', 'guidance');
    mkdirSync(nested, { recursive: true });
    writeFileSync(join(nested, 'events.ndjson'), `${JSON.stringify(runEvent())}\n`);
    const [two, three] = [folderOf(at(1, 2)), folderOf(at(1, 2, 3))];
    const count = async (args, env) =>
      parsed(await cli(['stats', '--json', ...args], { cwd, env }))[0].eventCount;
    expect(await count([])).toBe(1);
    expect(await count([], { GUIDANCE_LEDGER_DIR: '' })).toBe(1);
    expect(await count([], { GUIDANCE_LEDGER_DIR: two })).toBe(2);
    expect(await count(['--dir', three], { GUIDANCE_LEDGER_DIR: two })).toBe(3);
  });

  test.each(WITHOUT_TRACE)('%s of a missing folder says so, and creates nothing', async (...args) => {
    const path = fresh();
    const { code, out, err } = await cli([...made(args), '--dir', path]);
    if (args[0] === 'import') expect(code).toBe(0);
    else {
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(`There is no folder ${path}`);
    }
    expect(existsSync(join(path, '..'))).toBe(false);
  });

  test('of an existing folder without a log holds nothing', async () => {
    for (const args of WITHOUT_TRACE) {
      const path = folder();
      const { code } = await cli([...made(args), '--dir', path]);
      expect({ args, code }).toEqual({ args, code: args[0] === 'show' ? 1 : 0 }); // it has not that event
      expect(readdirSync(path)).toEqual([]);
    }
  });

  test('may be a word', async () => {
    const path = folderOf(two());
    for (const [name, ...rest] of READERS.filter(([name]) => COMMANDS[name].folder))
      expect((await cli([name, path, ...made(rest)])).code, name).toBe(0);
    expect(parsed(await cli(['stats', path, '--json']))[0].eventCount).toBe(2);
  });

  test.each(WITHOUT_TRACE)('%s leaves the folder as it was', async (...args) => {
    const path = folderOf(two(), 'half a line');
    const before = snapshot(path);
    expect((await cli([...made(args), '--dir', path])).code).toBeLessThan(2);
    expect(snapshot(path)).toEqual(before);
  });

  test('reading waits for no process', async () => {
    const path = folderOf(two());
    const holder = await lockHolder(path);
    holder.kill('SIGSTOP'); // it answers no more
    for (const args of WITHOUT_TRACE)
      expect({ args, ...(await cli([...made(args), '--dir', path])) }).toMatchObject({ args, code: 0 });
    holder.kill('SIGKILL');
  });

  test('a path that cannot be ends with code 4 and says which', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, 'text');
    const dir = ['--dir', folderOf([])];
    const beneath = await cli(['export', '--out', join(file, 'x.csv'), ...dir]);
    expect(beneath).toMatchObject({ code: 4, out: '' });
    expect(beneath.err).toContain(`ENOTDIR: ${file}, where --out would be, is not a folder`);
    const missing = await cli(['metrics', '--html', join(file, '..', 'no', 'page.html'), ...dir]);
    expect(missing).toMatchObject({ code: 4, out: '' });
    expect(missing.err).toContain('where --html would be, is not there');
  });

  test.each([...WITHOUT_TRACE, ['compact', '--yes'], ['record', '--task', 't']])(
    '%s of a file says that it is one',
    async (...args) => {
      const file = join(folder(), `file${ESCAPE}`); // Windows knows no such names
      writeFileSync(file, 'text');
      const { code, out, err } = await cli([...made(args), '--dir', file]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(`file${ESCAPE.replace('\u001b', '\\u001b')} is a file; events lie in a folder`);
    },
  );

  test('a name cannot harm a terminal', async () => {
    const { err } = await cli(['stats', '--dir', join(folder(), 'no\u001b[2J')]);
    expect(err).toContain('no\\u001b[2J. Another one');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(err).not.toMatch(/\u001b/);
  });

  test('a lock that is held is reported with what to do', async () => {
    const path = folderOf(at(1, 2));
    const holder = await lockHolder(path);
    const args = ['--max-events', '1', '--yes', '--lock-timeout', '10ms', '--dir', path];
    const { code, err } = await cli(['compact', ...args]);
    expect(code).toBe(3);
    expect(err).toMatch(
      new RegExp(
        `Process ${holder.pid} wrote it \\d+ ms ago: let it finish, or wait longer with --lock-timeout 1m\\n` +
          'It is free as soon as its holder gives it back or ends\\.\\n$',
      ),
    );
    expect(err).not.toContain('lockTimeoutMs');
  });

  test.each([
    ['compact', '--max-events', '1', '--yes'],
    ['import', '/dev/null'],
  ])('a lock of the JavaScript module is not said to be free when its holder ends: %s', async (...args) => {
    const path = folderOf(at(1, 2));
    const holder = 'd9428888-122b-11e1-b85c-61cd3cbb3210';
    writeFileSync(paths(path).lock, JSON.stringify({ holder, timestamp: Date.now() - 1000, pid: 4_000_000 }));
    const { code, err } = await cli([...args, '--lock-timeout', '0s', '--dir', path]);
    expect(code).toBe(3);
    expect(err).toMatch(
      /or wait longer with --lock-timeout 1m\nA program that uses the JavaScript module made it: .* 30 s old, in 2\d s\.\n$/,
    );
    expect(err).not.toContain('lockTimeoutMs');
  });

  const AGAINST_A_FOLDER = [
    ...WITHOUT_TRACE,
    ['compact', '--yes'],
    ['record', '--task', 't'],
    ['import', '/dev/null'],
  ];
  test.each(AGAINST_A_FOLDER)(
    '%s says of a folder in place of the log what the library says',
    async (...args) => {
      const path = folderOf([]);
      rmSync(paths(path).log);
      mkdirSync(paths(path).log);
      const store = ours.createEventStore(path);
      const said = (error) => error;
      const both = [await store.append(at(1)[0]).catch(said), await store.getStats().catch(said)];
      for (const { code, message } of both)
        expect({ code, message }).toEqual({
          code: 'EISDIR',
          message: expect.stringMatching(
            /^EISDIR: .*, open '.*events\.ndjson'\. A folder stands where .*: remove it, or choose another folder \(storagePath\)$/,
          ),
        });
      const { code, err } = await cli([...made(args), '--dir', path]);
      expect({ code, err }).toEqual({
        code: 4,
        err: `guidance-ledger: ${both[0].message.replace('storagePath', '--dir')}\n`,
      });
    },
  );

  test.runIf(process.platform === 'linux')(
    'a log that is marked append-only: both causes are said',
    async () => {
      const path = folderOf(at(1, 2));
      const mark = (how) => spawnSync('chattr', [how, paths(path).log]).status === 0;
      if (!mark('+a')) return; // this user or this file system cannot
      try {
        const { code, err } = await cli(['compact', '--max-events', '1', '--yes', '--dir', path]);
        expect(code).toBe(4);
        expect(err).toMatch(
          /^guidance-ledger: EPERM: .*Give this user the right .*; if .*append-only .*\(chattr -a -i\)/,
        );
      } finally {
        mark('-a');
      }
    },
  );

  test.each([{ npm_execpath: '/x/npm-cli.js' }, { npm_command: 'exec' }])(
    'hints name the call as npm takes it, where npm runs the tool: %o',
    async (env) => {
      const path = folderOf(at(1), 'nonsense\n');
      expect((await cli(['verify', path], { env })).err).toBe(
        `Next: npx guidance-ledger verify --dir ${path} --repair\n`,
      );
      expect((await cli(['stats', path], { env })).out).toContain("'npx guidance-ledger verify' shows where");
      expect((await cli(['record'], { env, input: 'x' })).err).not.toContain('npx npx');
      expect((await cli(['stat'], { env })).err).toMatch(/\nTry: npx guidance-ledger stats/);
      expect((await cli(['stat'])).err).toMatch(/\nTry: guidance-ledger stats/);
    },
  );

  test('that nothing is there to be shown is said, but not to programs', async () => {
    const path = folderOf(at(1));
    expect(await cli(['query', '--task', 'x', '--dir', path])).toMatchObject({
      code: 0,
      err: 'No event matches.\n',
    });
    expect(await cli(['query', '--task', 'x', '--json', '--dir', path])).toMatchObject({ code: 0, err: '' });
    const empty = folder();
    expect(await cli(['tail', '--dir', empty])).toMatchObject({ code: 0, err: 'There are no events yet.\n' });
    expect(await cli(['tail', '--json', '--dir', empty])).toMatchObject({ code: 0, err: '' });
  });
});

describe('output', () => {
  test('--json is JSON of one line, or NDJSON, in every command', async () => {
    const events = [runEvent({ timestamp: NOON, eventId: ID, violations: [violation('r')] }), ...since(1)];
    // An export in a format is in that format.
    const calls = callsOf(({ json }) => json === undefined).filter((args) => !args.includes('--format'));
    for (const args of calls) {
      const result = await cli([...made(args), '--json', '--dir', folderOf(events)]);
      expect({ args, code: result.code }).toEqual({ args, code: 0 });
      for (const value of parsed(result)) expect(typeof value).toBe('object');
    }
  });

  test('a reader who goes away ends the tool quietly', async () => {
    const many = folderOf(Array.from({ length: 20_000 }, () => runEvent()));
    for (const args of [['export'], ['query'], ['query', '--json'], ['tail', '-n', '20000']]) {
      const tool = start([...args, '--dir', many]);
      await once(tool.child.stdout, 'data');
      tool.child.stdout.destroy();
      const [code] = await once(tool.child, 'exit');
      expect({ args, code, err: tool.err }).toEqual({ args, code: 0, err: '' });
    }
  });

  test.skipIf(noTerminal)(
    'colours are for terminals, unless the call or the environment says no',
    async () => {
      const path = folderOf([runEvent({ violations: [violation('r')], outcomeAccepted: true })]);
      const args = ['query', '--dir', path];
      expect((await cli(args)).out).not.toContain('\u001b');
      expect((await cliInTerminal(args)).out).toContain('\u001b[33mbroke r');
      expect((await cliInTerminal([...args, '--no-color'])).out).not.toContain('\u001b');
      expect((await cliInTerminal(args, { env: { NO_COLOR: '1' } })).out).not.toContain('\u001b');
      expect((await cliInTerminal(args, { env: { TERM: 'dumb' } })).out).not.toContain('\u001b');
      expect((await cliInTerminal([...args, '--json'])).out).not.toContain('\u001b');
    },
  );

  test('progress is not shown where there is no terminal', async () => {
    const path = folderOf(Array.from({ length: 5000 }, () => runEvent()));
    expect((await cli(['export', '--dir', path])).err).toBe('');
  });
});

describe('the launcher', () => {
  const launch = (args, options) =>
    spawnSync(process.execPath, [LAUNCHER, ...args], { encoding: 'utf8', ...options });

  test('runs the executable with its arguments, stdin, stdout, stderr and exit code', () => {
    const path = fresh();
    const input = '{"taskId":"ü \\"t\\"","timestamp":1}\n';
    expect(launch(['import', '-', '--dir', path], { input })).toMatchObject({
      status: 0,
      stdout: '1 event added, 0 already there, 0 refused.\n',
    });
    expect(launch(['export', path]).stdout).toBe(input);
    expect(launch(['qurey'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('query'),
    });
    expect(launch(['which']).stdout).toBe(`${realpathSync(TOOL)}\n`);
  });

  test.skipIf(WINDOWS)('hands signals on, and ends as the executable ends', async () => {
    const child = spawn(process.execPath, [LAUNCHER, 'tail', '-f', folder()]);
    await once(child.stderr, 'data'); // it waits now
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });

  test('says what it looked for where there is no executable', () => {
    const place = folder();
    cpSync(dirname(LAUNCHER), join(place, 'bin'), { recursive: true });
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(place, 'bin', basename(LAUNCHER)), 'stats'],
      {
        encoding: 'utf8',
      },
    );
    expect(status).toBe(4);
    expect(stderr).toContain(`Package tried: guidance-ledger-${process.platform}-${process.arch}`);
  });
});
