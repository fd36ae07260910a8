/** The command-line tool: calls, help, mistakes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, folderOf, NOON, noTerminal, parsed, since } from './support/cli.mjs';
import { COMMANDS, COMMON, FILTERS, FLEET, ID, made, NAMES, optionsOf } from './support/commands.mjs';
import { at, runEvent } from './support/events.mjs';
import { folder } from './support/folder.mjs';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));

const WINDOWS = process.platform === 'win32';
const QUOTED = WINDOWS ? '"a b.csv"' : "'a b.csv'";

/** A part of a help text, from the line after its heading to an empty line. */
const part = (text, heading) => text.split(`\n${heading}:\n`)[1]?.split('\n\n')[0] ?? '';

describe('the lists that tests of all commands run over', () => {
  test('have every command that the help names, and no other', async () => {
    const { out } = await cli(['--help']);
    const named = [...part(out, 'Commands').matchAll(/^ {2}([a-z]\S*)/gm)].map(([, name]) => name);
    expect([...NAMES, 'help']).toEqual(named); // 'help' is not one of ours
  });

  test('have every condition that the help names, and no other', async () => {
    const { out } = await cli(['query', '--help']);
    const named = [...part(out, 'Conditions').matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name);
    expect(Object.keys(FILTERS)).toEqual(named);
  });

  test('have everything that fleet does, and nothing else', async () => {
    const { out } = await cli(['fleet', '--help']);
    const named = /<ACTION> ([^[]+?)\n +\[N\]/.exec(out)[1].match(/[a-z]+/g);
    expect([...Object.keys(FLEET), 'or'].toSorted()).toEqual(named.toSorted());
  });

  test('have every group of metrics', async () => {
    const { out } = await cli(['metrics', '--help']);
    const text = out.split('--by <')[1].replaceAll(/\s+/g, ' ');
    const named = /\[possible values: ([^\]]+)\]/.exec(text)[1].split(', ');
    const groups = COMMANDS.metrics.calls.filter((args) => args.includes('--by')).map((args) => args.at(-1));
    expect(groups).toEqual(named);
  });

  test.each(NAMES)(
    'say of %s what its help says: the folder as a word, conditions, archive',
    async (name) => {
      const { out } = await cli([name, '--help']);
      const { folder = false, filters = false, archive = false } = COMMANDS[name];
      expect({ folder, filters, archive }).toEqual({
        folder: /^Usage: .* \[FOLDER\]$/m.test(out),
        filters: out.includes('\nConditions:\n'),
        archive: out.includes('Read the archive as well'),
      });
    },
  );

  test('--yes of fleet is no condition', async () => {
    const { out } = await cli(['fleet', '--help']);
    expect(part(out, 'Conditions')).not.toContain('--yes');
    expect(part(out, 'Options')).toContain('--yes');
  });

  test('the notes of the help fit into a terminal of 80 columns', () => {
    const calls = join(import.meta.dirname, '..', 'crates', 'tool', 'src', 'call');
    const notes = readdirSync(calls)
      .map((name) => readFileSync(join(calls, name), 'utf8'))
      .flatMap((source) => [...source.matchAll(/after_help = "\\\n(.+?)"\)\]/gs)])
      .map(([, text]) => text.replaceAll(/\\(["\\])/g, '$1'));
    expect(notes.length).toBeGreaterThan(15);
    expect(notes.flatMap((text) => text.split('\n')).filter((line) => line.length > 80)).toEqual([]);
  });

  test.each(NAMES)('have calls of %s that work, and a reason if they are not for all tests', async (name) => {
    const { calls, reads } = COMMANDS[name];
    const events = [runEvent({ timestamp: NOON, eventId: ID }), ...since(1)];
    for (const args of calls) {
      expect(args[0]).toBe(name);
      const { code } = await cli([...made(args), '--dir', folderOf(events)], { cwd: folder() });
      expect({ args, code }).toEqual({ args, code: 0 });
    }
    if (reads === true) expect(calls).not.toEqual([]);
    else expect(reads).toEqual(expect.any(String));
  });
});

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
      for (const option of [...optionsOf(command), ...COMMON]) expect(out).toContain(`--${option}`);
      // And no others.
      const found = new Set([...out.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, option]) => option));
      expect([...found].sort()).toEqual([...optionsOf(command), ...COMMON].sort());
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
    for (const option of Object.keys(FILTERS)) expect(conditions).toContain(`--${option}`);
    for (const command of NAMES) {
      const section = text.split(`\n## ${command}\n`)[1]?.split('\n## ')[0] ?? '';
      expect(section, command).not.toBe('');
      const { options = [], archive, filters } = COMMANDS[command];
      for (const option of options) expect(section, command).toContain(`--${option}`);
      if (archive) expect(section, command).toContain('--archive');
      if (filters) expect(section, command).toContain('(#conditions)');
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
    for (const name of NAMES)
      for (const option of optionsOf(name)) expect(out).toContain(`\\-\\-${option.replaceAll('-', '\\-')}`);
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
    [['fleet', 'status', '--dir', 'none'], 'There is no folder', 'guidance-ledger fleet status --dir DIR'],
    [
      ['compare', 'a', 'b', '--dir', 'none'],
      'There is no folder',
      'guidance-ledger compare HASH HASH --dir DIR',
    ],
    [['show', 'x', '--dir', 'none'], 'There is no folder', 'guidance-ledger show ID --dir DIR'],
    [
      ['backup', '--out', 'x', '--dir', 'none'],
      'There is no folder',
      'guidance-ledger backup --out FILE --dir DIR',
    ],
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
