/**
 * The command-line tool: calls, help, mistakes, exit codes, colours, and what every command has in common.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, folderOf, lockHolder, noTerminal, parsed, start, TOOL } from './support/cli.mjs';
import { snapshot } from './support/disk.mjs';
import { at, runEvent, violation } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';

const require = createRequire(import.meta.url);
const { version } = require('../package.json');
const { nearest, distance } = require('../lib/shared/nearest.js');
const { parseSpan, parseTime, showSpan } = require('../lib/cli/times.js');
const { jsonText, safe } = require('../lib/cli/safe-text.js');
const { fitting, sparkline, table, width, wrap } = require('../lib/cli/table.js');

const WINDOWS = process.platform === 'win32';
const ESCAPE = WINDOWS ? '' : '\u001b[2J';
const QUOTED = WINDOWS ? '"a folder"' : "'a folder'";

const COMMANDS = ['stats', 'tail', 'query', 'metrics', 'verify', 'compact', 'export', 'import', 'doctor'];
const READERS = [
  ['stats'],
  ['tail'],
  ['query', '--task', 'task-1'],
  ['metrics'],
  ['verify'],
  ['compact', '--dry-run', '--max-events', '1'],
  ['export', '--format', 'csv'],
  ['import', '--dry-run'],
];

describe('help', () => {
  test('the tool tells all commands, with examples and exit codes', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, out, err } = await cli(args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
      expect(out).toMatch(/Examples\n/);
      expect(out).toMatch(/GUIDANCE_LEDGER_DIR/);
      expect(out).toMatch(/Exit codes\n/);
    }
  });

  test.each(COMMANDS)('%s tells all its options, with examples', async (command) => {
    const { options, examples } = require(`../lib/cli/command-${command}.js`);
    for (const args of [
      [command, '--help'],
      ['help', command],
      [command, '-h', '--nonsense'],
    ]) {
      const { code, out, err } = await cli(args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      for (const option of [...Object.keys(options), 'dir', 'json', 'no-color', 'help', 'version'])
        expect(out).toContain(`--${option}`);
      expect(examples.length).toBeGreaterThan(1);
      for (const [call] of examples) expect(out).toContain(`guidance-ledger ${call}`);
    }
  });

  test('its text is as wide as 80 columns, or as the terminal', async () => {
    const isCall = (line) => line.startsWith('  guidance-ledger ');
    for (const args of [['--help'], ...COMMANDS.map((command) => [command, '--help'])]) {
      const { lines } = await cli(args);
      for (const line of lines.filter((text) => !isCall(text)))
        expect(line.length, line).toBeLessThanOrEqual(80);
    }
    if (noTerminal) return;
    const { out } = await cliInTerminal(['compact', '--help'], { columns: 50 });
    const widths = out.split('\n').flatMap((line) => (isCall(line) ? [] : [line.length]));
    expect(Math.max(...widths)).toBeLessThanOrEqual(50);
  });

  test('--version is the version and nothing else, and works without the addon', async () => {
    for (const args of [['--version'], ['stats', '--version']])
      expect(await cli(args)).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
    const program = `
      const load = require('node:module')._load;
      require('node:module')._load = (name, ...rest) => {
        if (name.includes('binding')) throw new Error('loaded');
        return load(name, ...rest);
      };
      require(${JSON.stringify(join(TOOL, '../../lib/cli/main.js'))}).main(['--help']);
    `;
    const child = spawn(process.execPath, ['-e', program]);
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  test('every documented command is in docs/cli.md, with all of its options', () => {
    const text = readFileSync(join(TOOL, '../../docs/cli.md'), 'utf8');
    for (const command of COMMANDS) {
      const section = text.split(`\n## ${command}\n`)[1]?.split('\n## ')[0] ?? '';
      expect(section, command).not.toBe('');
      const { options } = require(`../lib/cli/command-${command}.js`);
      for (const option of Object.keys(options)) expect(section, command).toContain(`--${option}`);
    }
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
    [['query', '--json=yes'], '--json takes no value', 'guidance-ledger query --json'],
    [['query', '--since', 'lately'], "got 'lately'", 'guidance-ledger query --since 2h'],
    [['query', '--since', '2026-13-45'], "got '2026-13-45'", 'guidance-ledger query --since 2h'],
    [['query', '--since', '1h', '--until', '2h'], '--since is later', 'guidance-ledger query'],
    [['query', '--limit', 'ten'], "got 'ten'", 'guidance-ledger query --limit 20'],
    [['query', '--limit', '-1'], "got '-1'", 'guidance-ledger query --limit 20'],
    [['query', '--limit=-1'], "got '-1'", 'guidance-ledger query --limit 20'],
    [['query', '--limit', '1.5'], "got '1.5'", 'guidance-ledger query --limit 20'],
    [['query', 'task-1'], "'task-1' is one word too many", 'guidance-ledger query --task task-1'],
    [['query', '--task', 'a', 'b'], "'b' is one word too many", 'guidance-ledger query --help'],
    [['stats', 'a folder'], "'a folder' is one word too many", `guidance-ledger stats --dir ${QUOTED}`],
    [['export', 'x.csv'], "'x.csv' is one word too many", 'guidance-ledger export --out x.csv'],
    [['compact', '500'], "'500' is one word too many", 'guidance-ledger compact --max-events 500'],
    [['compact', 'all'], "'all' is one word too many", 'guidance-ledger compact --help'],
    [['tail', '-30'], 'unknown option -30', 'guidance-ledger tail -n 30'],
    [['version'], "unknown command 'version'", 'guidance-ledger --version'],
    [['-n', '3', 'tail'], "'3' is no command", 'guidance-ledger tail -n 3'],
    [['import', '.'], '. is a folder', 'guidance-ledger import events.ndjson'],
    [['tail', '-n', 'x'], "got 'x'", 'guidance-ledger tail -n 20'],
    [['compact', '--max-events', 'all'], "got 'all'", 'guidance-ledger compact --max-events 20'],
    [['compact', '--lock-timeout', 'soon'], "got 'soon'", 'guidance-ledger compact --lock-timeout 5s'],
    [['export', '--format', 'cvs'], "got 'cvs'", 'guidance-ledger export --format csv'],
    [['export', '--format', 'xml'], "got 'xml'", 'guidance-ledger export --format'],
    [['export', '--out', ''], '--out needs a value', 'guidance-ledger export --out FILE'],
    [['stats', '--dir', ''], '--dir needs a value', 'guidance-ledger stats --dir DIR'],
    [['stats', '--dir=a\u001b[2Jb', 'x\u001b[2J'], 'one word too many', 'guidance-ledger stats --help'],
    [['import', 'a', 'b'], "'b' is one word too many", 'guidance-ledger import --help'],
  ])('%j is told with the nearest right call', async (args, message, hint) => {
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

  test.each(READERS)('%s of a missing folder says so, creates nothing and succeeds', async (...args) => {
    const path = fresh();
    const { code, err } = await cli([...args, '--dir', path]);
    expect(code).toBe(0);
    if (args[0] !== 'import') expect(err).toContain(`There is no folder ${path}`);
    expect(existsSync(join(path, '..'))).toBe(false);
  });

  test.each(READERS)('%s leaves the folder as it was', async (...args) => {
    const path = folderOf(at(1, 2), 'half a line');
    const before = snapshot(path);
    expect((await cli([...args, '--dir', path])).code).toBeLessThan(2);
    expect(snapshot(path)).toEqual(before);
  });

  test('reading waits for nobody', async () => {
    const path = folderOf(at(1, 2));
    const holder = await lockHolder(path);
    holder.kill('SIGSTOP'); // it answers nobody any more
    for (const args of READERS) expect(await cli([...args, '--dir', path])).toMatchObject({ code: 0 });
    holder.kill('SIGKILL');
  });

  test('a path that cannot be ends with code 4 and says which', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, 'text');
    const dir = ['--dir', folderOf([])];
    const beneath = await cli(['export', '--out', join(file, 'x.csv'), ...dir]);
    expect(beneath).toMatchObject({ code: 4, out: '' });
    expect(beneath.err).toContain(`ENOTDIR: ${file}, where --out would be, is no folder`);
    const missing = await cli(['metrics', '--html', join(file, '..', 'no', 'page.html'), ...dir]);
    expect(missing).toMatchObject({ code: 4, out: '' });
    expect(missing.err).toContain('where --html would be, is not there');
  });

  test.each([...READERS, ['compact', '--yes']])('%s of a file says that it is one', async (...args) => {
    const file = join(folder(), `file${ESCAPE}`); // Windows knows no such names
    writeFileSync(file, 'text');
    const { code, out, err } = await cli([...args, '--dir', file]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`file${ESCAPE.replace('\u001b', '\\u001b')} is a file; events lie in a folder`);
  });

  test('a name cannot harm a terminal', async () => {
    const { err } = await cli(['stats', '--dir', join(folder(), 'no\u001b[2J')]);
    expect(err).toContain('no\\u001b[2J. Another one');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(err).not.toMatch(/\u001b/);
  });

  test('a lock that is held is told with what to do', async () => {
    const path = folderOf(at(1, 2));
    await lockHolder(path);
    const args = ['--max-events', '1', '--yes', '--lock-timeout', '10ms', '--dir', path];
    const { code, err } = await cli(['compact', ...args]);
    expect(code).toBe(3);
    expect(err).toContain('--lock-timeout 1m waits longer');
  });

  test('that nothing is there to be shown is told, but not to programs', async () => {
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
    const path = folderOf([runEvent({ violations: [violation('r')] }), runEvent()]);
    for (const args of [...READERS.filter(([name]) => name !== 'export'), ['export'], ['doctor']]) {
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

  test.skipIf(noTerminal)('colours are for terminals, unless somebody says no', async () => {
    const path = folderOf([runEvent({ violations: [violation('r')], outcomeAccepted: true })]);
    const args = ['query', '--dir', path];
    expect((await cli(args)).out).not.toContain('\u001b');
    expect((await cliInTerminal(args)).out).toContain('\u001b[33mbroke r');
    expect((await cliInTerminal([...args, '--no-color'])).out).not.toContain('\u001b');
    expect((await cliInTerminal(args, { env: { NO_COLOR: '1' } })).out).not.toContain('\u001b');
    expect((await cliInTerminal(args, { env: { TERM: 'dumb' } })).out).not.toContain('\u001b');
    expect((await cliInTerminal([...args, '--json'])).out).not.toContain('\u001b');
  });

  test('progress is not shown where there is no terminal', async () => {
    const path = folderOf(Array.from({ length: 5000 }, () => runEvent()));
    expect((await cli(['export', '--dir', path])).err).toBe('');
  });
});

describe('parts', () => {
  test('the nearest word', () => {
    expect(distance('kitten', 'sitting')).toBe(3);
    expect(distance('ab', 'ba')).toBe(1);
    expect(distance('', 'abc')).toBe(3);
    expect(nearest('sesion', ['session', 'since'])).toBe('session');
    expect(nearest('max', ['max-events', 'dry-run'])).toBe('max-events');
    expect(nearest('wholly-different', ['since', 'until'])).toBeUndefined();
    expect(nearest('x'.repeat(1e6), ['since'])).toBeUndefined();
  });

  test('times', () => {
    const now = Date.UTC(2026, 2, 15, 13, 30);
    const day = 86_400_000;
    const today = Date.UTC(2026, 2, 15);
    for (const [text, start, end = start] of [
      ['now', now],
      ['2h', now - 7_200_000],
      ['1.5d', now - 1.5 * day],
      ['90s', now - 90_000],
      ['2w', now - 14 * day],
      ['today', today, today + day - 1],
      ['yesterday', today - day, today - 1],
      ['2026-03-01', Date.UTC(2026, 2, 1), Date.UTC(2026, 2, 2) - 1],
      ['2026-03-01T12:00', Date.UTC(2026, 2, 1, 12)],
      ['2026-03-01T12:00:00Z', Date.UTC(2026, 2, 1, 12)],
      ['2026-03-01T12:00+02:00', Date.UTC(2026, 2, 1, 10)],
      ['1772323200', 1_772_323_200_000],
      ['1772323200000', 1_772_323_200_000],
    ]) {
      expect(parseTime(text, false, now), text).toBe(start);
      expect(parseTime(text, true, now), text).toBe(end);
    }
    for (const text of ['', '2x', '-2h', '12:00', '2026-02-30T25:00', 'March'])
      expect(parseTime(text, false, now)).toBeNull();
    expect([parseSpan('5s'), parseSpan('250'), parseSpan('1m'), parseSpan('x')]).toEqual([
      5000,
      250,
      60_000,
      null,
    ]);
    expect([0.5, 2, 1500, 5_400_000, -3000, 56.9 * 365.25 * day].map(showSpan)).toEqual([
      '500 µs',
      '2 ms',
      '1.5 s',
      '1.5 h',
      '-3 s',
      '56.9 y',
    ]);
  });

  test('text is made fit for a terminal', () => {
    expect(safe('a\u001b[31mb\u0007\n\u009b\u202ec')).toBe('a\\u001b[31mb\\u0007\\n\\u009b\\u202ec');
    expect(safe('\ud800x😀')).toBe('\\ud800x😀');
    expect(safe('abcdef', 4)).toBe('abc…');
    expect(safe('a😀b', 3)).toBe('a…');
    expect(safe('\u001b'.repeat(9), 4)).toHaveLength(4);
    expect([safe(null), safe(undefined), safe(5), safe({}), safe([])]).toEqual([
      'null',
      'undefined',
      '5',
      '{…}',
      '[…]',
    ]);
  });

  test('JSON is the same value, however deep, and harmless', () => {
    const value = {
      text: '\u001b\u009b\u202e\u2028 ü "\\',
      lone: '\udfff',
      list: [1, [], {}, null, true],
      'k\u0085': -0.5,
    };
    expect(JSON.parse(jsonText(value))).toEqual(value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(jsonText(value)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    const numbers = '{"a":[1e999,-1e999,-0,0,1.5e-7],"b":1e21}';
    expect(jsonText(JSON.parse(numbers))).toBe('{"a":[1e999,-1e999,-0,0,1.5e-7],"b":1e+21}');
    const deepest = 20_000;
    const text = `${'{"a":[1,'.repeat(deepest)}"end"${']}'.repeat(deepest)}`;
    expect(jsonText(JSON.parse(text)) === text).toBe(true);
  });

  test('tables and sparklines', () => {
    expect(
      table(
        [
          ['a', 'bb'],
          ['日本', '1'],
        ],
        ['left', 'right'],
      ),
    ).toEqual(['a     bb', '日本   1']);
    expect([width('e\u0301'), width('😀'), width('\u001b[1mx\u001b[22m')]).toEqual([1, 2, 1]);
    expect(sparkline([0, 1, null, 2])).toBe('▁▅ █');
    expect(sparkline([0.5, 1], 1)).toBe('▅█');
    expect(sparkline([0, 0])).toBe('▁▁');
    expect(sparkline([])).toBe('');
  });

  test('text is cut between words, and tables between columns', () => {
    expect(wrap('one two  three\nfour', 9)).toEqual(['one two', 'three', 'four']);
    expect(wrap('immeasurable', 5)).toEqual(['immeasurable']);
    const rows = [
      ['a', 'b', 'c'],
      ['1', '2', '3'],
    ];
    expect(fitting(rows, 7)).toEqual(rows);
    expect(fitting(rows, 6)).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
  });

  test('only the tool loads lib/cli', () => {
    const others = readdirSync(join(TOOL, '../../lib'), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => join(TOOL, '../../lib', name));
    for (const path of [...others, join(TOOL, '../../index.js')])
      expect(readFileSync(path, 'utf8')).not.toMatch(/cli\//);
  });
});
