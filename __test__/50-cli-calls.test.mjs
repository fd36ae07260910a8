/**
 * The command-line tool: calls, help, mistakes, exit codes, colours, and what every command has in common.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
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
import { snapshot } from './support/disk.mjs';
import { at, runEvent, violation } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));

const WINDOWS = process.platform === 'win32';
const ESCAPE = WINDOWS ? '' : '\u001b[2J';
const QUOTED = WINDOWS ? '"a b.csv"' : "'a b.csv'";

const FILTERS = [
  ...['since', 'until', 'task', 'session', 'intent', 'tool', 'file'],
  ...['rule', 'outcome', 'agent', 'guidance', 'where'],
];
/** Every command with its own options. */
const COMMANDS = {
  record: [
    ...[
      'task',
      'session',
      'agent',
      'intent',
      'guidance',
      'tool',
      'file',
      'rule',
      'rework',
      'added',
      'removed',
    ],
    ...['duration', 'accepted', 'rejected', 'tests', 'violation', 'set', 'stream', 'durability'],
  ],
  hook: [],
  init: ['agent', 'user', 'project', 'local', 'print', 'yes'],
  which: [],
  stats: [],
  tail: ['lines', 'follow', ...FILTERS],
  query: ['limit', 'oldest', ...FILTERS],
  show: [],
  metrics: ['by', 'html', ...FILTERS],
  compare: ['before', 'after', ...FILTERS],
  verify: ['repair', 'lock-timeout', 'yes'],
  compact: ['max-events', 'older-than', 'max-bytes', 'dry-run', 'lock-timeout', 'yes'],
  backup: ['out'],
  restore: ['lock-timeout'],
  export: ['format', 'out', 'limit', 'oldest', ...FILTERS],
  import: ['dry-run', 'lock-timeout'],
  doctor: [],
  completions: [],
  man: [],
};
const COMMON = ['dir', 'json', 'utc', 'no-color', 'help', 'version'];
const NAMES = Object.keys(COMMANDS);
const READERS = [
  ['stats'],
  ['tail'],
  ['query', '--task', 'task-1'],
  ['metrics'],
  ['metrics', '--by', 'rule'],
  ['compare', '--before', '7d'],
  ['verify'],
  ['compact', '--dry-run', '--max-events', '1'],
  ['export', '--format', 'csv'],
];
/** Those, and an import that only counts. */
const WITHOUT_TRACE = [...READERS, ['import', '--dry-run']];

describe('help', () => {
  test('the tool tells all commands, with examples and exit codes', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, out, err } = await cli(args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      for (const command of NAMES) expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
      expect(out).toMatch(/Examples\n/);
      expect(out).toMatch(/GUIDANCE_LEDGER_DIR/);
      expect(out).toMatch(/Exit codes\n/);
    }
  });

  test.each(NAMES)('%s tells all its options, with examples', async (command) => {
    for (const args of [
      [command, '--help'],
      ['help', command],
      [command, '-h', '--nonsense'],
    ]) {
      const { code, out, err } = await cli(args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      for (const option of [...COMMANDS[command], ...COMMON]) expect(out).toContain(`--${option}`);
      // And no others.
      const found = new Set([...out.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, option]) => option));
      expect([...found].sort()).toEqual([...COMMANDS[command], ...COMMON].sort());
      if (command !== 'man') expect(out.match(/^ {2}.*guidance-ledger /gm).length).toBeGreaterThan(1);
    }
  });

  test('its text is as wide as 80 columns, or as the terminal', async () => {
    const isCall = (line) => /^ {2}.*guidance-ledger /.test(line);
    for (const args of [['--help'], ...NAMES.map((command) => [command, '--help'])]) {
      const { lines } = await cli(args);
      for (const line of lines.filter((text) => !isCall(text)))
        expect(line.length, line).toBeLessThanOrEqual(80);
    }
    if (noTerminal) return;
    const { out } = await cliInTerminal(['show', '--help'], { columns: 50 });
    const widths = out.split('\n').flatMap((line) => (isCall(line) ? [] : [line.length]));
    expect(Math.max(...widths)).toBeLessThanOrEqual(50);
  });

  test('--version is the version and nothing else', async () => {
    for (const args of [['--version'], ['stats', '--version'], ['record', '--version']])
      expect(await cli(args)).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
  });

  test('every command is in docs/cli.md, with all of its options', () => {
    const text = readFileSync(join(import.meta.dirname, '..', 'docs', 'cli.md'), 'utf8');
    const conditions = text.split('\n## Conditions\n')[1]?.split('\n## ')[0] ?? '';
    for (const option of FILTERS) expect(conditions).toContain(`--${option}`);
    for (const command of NAMES) {
      const section = text.split(`\n## ${command}\n`)[1]?.split('\n## ')[0] ?? '';
      expect(section, command).not.toBe('');
      const own = COMMANDS[command].filter((option) => !FILTERS.includes(option) || command === 'record');
      for (const option of own) expect(section, command).toContain(`--${option}`);
      if (COMMANDS[command].includes('where')) expect(section).toContain('(#conditions)');
    }
  });

  test('completions name every command, and the man page every option', async () => {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell', 'elvish']) {
      const { code, out } = await cli(['completions', shell]);
      expect(code).toBe(0);
      for (const command of NAMES) expect(out, shell).toContain(command);
    }
    const { out } = await cli(['man']);
    expect(out).toMatch(/^\.TH guidance-ledger 1/m);
    for (const options of Object.values(COMMANDS))
      for (const option of options) expect(out).toContain(`\\-\\-${option.replaceAll('-', '\\-')}`);
  });
});

describe('mistakes', () => {
  test.each([
    [[], 'which command?', 'guidance-ledger --help'],
    [['stat'], "unknown command 'stat'", 'guidance-ledger stats'],
    [['qurey', '--since', '2h'], "unknown command 'qurey'", 'guidance-ledger query --since 2h'],
    [['xyzzy'], "unknown command 'xyzzy'", 'guidance-ledger --help'],
    [['help', 'statss'], "unknown command 'statss'", 'guidance-ledger stats --help'],
    [['query', '--sinse', '2h'], 'unknown option --sinse', 'guidance-ledger query --since TIME'],
    [['query', '--zzzzz'], 'unknown option --zzzzz', 'guidance-ledger query --help'],
    [['query', '-z'], 'unknown option -z', 'guidance-ledger query --help'],
    [['query', '--__proto__'], 'unknown option --__proto__', 'guidance-ledger query --help'],
    [['--jsn'], 'unknown option --jsn', 'guidance-ledger --json'],
    [['query', '--since'], '--since needs a value', 'guidance-ledger query --since TIME'],
    [['query', '--since', '--json'], '--since needs a value', 'guidance-ledger query --since TIME'],
    [['query', '--since', '2026-02-30'], "got '2026-02-30'", 'guidance-ledger query --since 2h'],
    [['query', '--json=yes'], '--json takes no value', 'guidance-ledger query --json'],
    [['query', '--since', 'lately'], "got 'lately'", 'guidance-ledger query --since 2h'],
    [['query', '--since', '2026-13-45'], "got '2026-13-45'", 'guidance-ledger query --since 2h'],
    [['query', '--since', '1h', '--until', '2h'], '--since is later', 'guidance-ledger query'],
    [['query', '--limit', 'ten'], "got 'ten'", 'guidance-ledger query --limit 20'],
    [['query', '--limit', '-1'], "got '-1'", 'guidance-ledger query --limit 20'],
    [['query', '--limit=-1'], "got '-1'", 'guidance-ledger query --limit 20'],
    [['query', '--limit', '1.5'], "got '1.5'", 'guidance-ledger query --limit 20'],
    [['query', 'task-1'], 'There is no folder', 'guidance-ledger query --task task-1'],
    [['query', '--task', 'a', 'b', 'c'], "unexpected argument 'c'", 'guidance-ledger query --help'],
    [['stats', 'a folder'], 'There is no folder', 'guidance-ledger stats --dir DIR'],
    [['stats', '.', '--dir', '.'], "unexpected argument '.'", 'guidance-ledger stats --help'],
    [['export', 'x.csv'], 'There is no folder', 'guidance-ledger export --out x.csv'],
    [['export', 'a b.csv'], 'There is no folder', `guidance-ledger export --out ${QUOTED}`],
    [['compact', '500'], 'There is no folder', 'guidance-ledger compact --max-events 500'],
    [['compact', 'all'], 'There is no folder', 'guidance-ledger compact --dir DIR'],
    [['tail', '30'], 'There is no folder', 'guidance-ledger tail -n 30'],
    [['tail', '-30'], 'unknown option -30', 'guidance-ledger tail -n 30'],
    [['version'], "unknown command 'version'", 'guidance-ledger --version'],
    [['-n', '3', 'tail'], 'unknown option -n', 'guidance-ledger tail'],
    [['3', 'tail'], "'3' is not a command", 'guidance-ledger tail 3'],
    [['import', '.'], '. is a folder', 'guidance-ledger import events.ndjson'],
    [['tail', '-n', 'x'], "got 'x'", 'guidance-ledger tail --lines 20'],
    [['compact', '--max-events', 'all'], "got 'all'", 'guidance-ledger compact --max-events 20'],
    [['compact', '--lock-timeout', 'soon'], "got 'soon'", 'guidance-ledger compact --lock-timeout 5s'],
    [['export', '--format', 'cvs'], "got 'cvs'", 'guidance-ledger export --format csv'],
    [['export', '--format', 'xml'], "got 'xml'", 'guidance-ledger export --format'],
    [['export', '--out', ''], '--out needs a value', 'guidance-ledger export --out FILE'],
    [['stats', '--dir', ''], '--dir needs a value', 'guidance-ledger stats --dir DIR'],
    [['stats', '--dir=a\u001b[2Jb', 'x\u001b[2J'], 'unexpected argument', 'guidance-ledger stats --help'],
    [['import', 'a', 'b'], "unexpected argument 'b'", 'guidance-ledger import --help'],
    [['record', '--accepted'], 'an event needs its --task', 'guidance-ledger record --task ID'],
    [
      ['record', '--task', 't', '--tests', 'ran=1'],
      "got 'ran=1'",
      'guidance-ledger record --task ID --tests',
    ],
    [
      ['record', '--task', 't', '--violation', 'auto'],
      'the rule is missing',
      'guidance-ledger record --task ID --violation',
    ],
    [['record', '--task', 't', '--set', 'x'], "got 'x'", 'guidance-ledger record --set KEY=VALUE'],
    [
      ['record', '--task', 't', '--accepted', '--rejected'],
      'exclude each other',
      'guidance-ledger record --help',
    ],
    [['metrics', '--by', 'days'], "got 'days'", 'guidance-ledger metrics --by day'],
    [['compact', '--max-bytes', 'much'], "got 'much'", 'guidance-ledger compact --max-bytes 100MB'],
    [['compare', 'a', '--dir', '.'], 'compare what?', 'guidance-ledger compare --before 7d'],
    [['show'], 'ID is missing', 'guidance-ledger show ID'],
  ])('%j is answered with the nearest right call', async (args, message, hint) => {
    const { code, out, err } = await cli(args, { cwd: folder() });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toContain(`Try: ${hint}`);
    expect(err).not.toContain('\u001b');
  });

  test('options may come before the command', async () => {
    const path = folderOf(at(1, 2));
    for (const args of [
      ['--dir', path, '--json', 'stats'],
      [`--dir=${path}`, 'stats', '--json'],
    ])
      expect(parsed(await cli(args))).toMatchObject([{ eventCount: 2 }]);
  });
});

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
    const { code, out, err } = await cli([...args, '--dir', path]);
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
      expect({ args, code: (await cli([...args, '--dir', path])).code }).toEqual({ args, code: 0 });
      expect(readdirSync(path)).toEqual([]);
    }
  });

  test('may be a word', async () => {
    const path = folderOf(at(1, 2));
    for (const [name, ...rest] of READERS)
      expect((await cli([name, path, ...rest])).code, name).toBeLessThan(name === 'compare' ? 3 : 2);
    expect(parsed(await cli(['stats', path, '--json']))[0].eventCount).toBe(2);
  });

  test.each(WITHOUT_TRACE)('%s leaves the folder as it was', async (...args) => {
    const path = folderOf(at(1, 2), 'half a line');
    const before = snapshot(path);
    expect((await cli([...args, '--dir', path])).code).toBeLessThan(2);
    expect(snapshot(path)).toEqual(before);
  });

  test('reading waits for nobody', async () => {
    const path = folderOf(since(1, 2));
    const holder = await lockHolder(path);
    holder.kill('SIGSTOP'); // it answers nobody any more
    for (const args of WITHOUT_TRACE) expect(await cli([...args, '--dir', path])).toMatchObject({ code: 0 });
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
      const { code, out, err } = await cli([...args, '--dir', file]);
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
    await lockHolder(path);
    const args = ['--max-events', '1', '--yes', '--lock-timeout', '10ms', '--dir', path];
    const { code, err } = await cli(['compact', ...args]);
    expect(code).toBe(3);
    expect(err).toContain('--lock-timeout 1m waits longer');
  });

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
    const path = folderOf([runEvent({ timestamp: NOON, violations: [violation('r')] }), ...since(1)]);
    for (const args of [
      ...WITHOUT_TRACE.filter(([name]) => name !== 'export'),
      ['export'],
      ['doctor'],
      ['which'],
    ]) {
      const result = await cli([...args, '--json', '--dir', path]);
      expect(result.code).toBe(0);
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
    mkdirSync(join(place, 'bin'));
    copyFileSync(LAUNCHER, join(place, 'bin', 'launcher.cjs'));
    const { status, stderr } = spawnSync(process.execPath, [join(place, 'bin', 'launcher.cjs'), 'stats'], {
      encoding: 'utf8',
    });
    expect(status).toBe(4);
    expect(stderr).toContain(`Package tried: guidance-ledger-${process.platform}-${process.arch}`);
  });
});
