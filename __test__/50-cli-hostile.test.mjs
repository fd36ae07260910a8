/**
 * The tool on logs that were written to harm: nothing reaches a terminal that it might obey, and nothing
 * crashes.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, folderOf, noTerminal, parsed } from './support/cli.mjs';
import { made, READERS } from './support/commands.mjs';
import { logText, paths } from './support/disk.mjs';
import { runEvent, violation } from './support/events.mjs';
import { folder } from './support/folder.mjs';
import { line } from './support/hostile.mjs';
import { ours } from './support/implementations.mjs';
import { Random } from './support/random.mjs';

/** Controls, marks that reorder or hide text, half surrogate pairs; newlines part the tool's own lines. */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Surrogate}/u;

const ATTACK = '\u001b]0;owned\u0007\u001b[2J\u009b31m\r\n\u202egpj\u2066\ud800\u0000\u007f';
const everywhere = runEvent({
  eventId: ATTACK,
  taskId: ATTACK,
  intent: ATTACK,
  sessionId: ATTACK,
  guidanceHash: ATTACK,
  toolsUsed: [ATTACK],
  filesTouched: [ATTACK],
  violations: [{ ...violation(ATTACK), description: ATTACK, severity: ATTACK }],
  [ATTACK]: { [ATTACK]: [ATTACK] },
});

/** Every call that reads, as text and as JSON. CSV is quoted by rules of its own. */
const VIEWS = READERS.filter((args) => !args.includes('csv')).flatMap((args) => [args, [...args, '--json']]);
/** Its id begins with what can be a word of a call. */
const BEGINNING = '\u001b[2J';
const named = { ...everywhere, eventId: `${BEGINNING}${ATTACK}` };

describe('a log that was written to harm', () => {
  const path = () => folderOf([everywhere, everywhere, named], `not JSON ${ATTACK}\n`, `{"half":"${ATTACK}`);

  test.each(VIEWS.map((args) => [args.join(' '), args]))(
    '%s: no character that a terminal obeys',
    async (_, args) => {
      const { code, out, err } = await cli([...made(args, BEGINNING), '--dir', path()]);
      expect(code).toBeLessThan(2);
      expect(out).not.toBe('');
      expect(out).not.toMatch(HARMFUL);
      expect(err).not.toMatch(HARMFUL);
    },
  );

  test('CSV has no controls but the ends of lines, and no marks that reorder text', async () => {
    const { out } = await cli(['export', '--format', 'csv', '--dir', path()]);
    expect(out).not.toMatch(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u202a-\u202e]|\p{Surrogate}/u,
    );
  });

  test('words of the call are harmless as well', async () => {
    for (const args of [
      ['x\u001b[2J'],
      ['query', '--x\u001b[2J'],
      ['query', '--since', '\u001b[2J'],
      ['import', '/x\u001b[2J'],
    ]) {
      const { code, err } = await cli(args, { cwd: folder() });
      expect(code).toBeGreaterThan(1);
      expect(err).not.toMatch(HARMFUL);
    }
  });

  test.skipIf(noTerminal)('in a terminal its colours are the only escapes', async () => {
    for (const args of [['query'], ['tail'], ['metrics'], ['verify']]) {
      const { out } = await cliInTerminal([...args, '--dir', path()]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
      expect(out.replace(/\u001b\[(?:[12]|22|3[1-9])m/g, '')).not.toMatch(HARMFUL);
    }
  });

  test('JSON is the same value all the same', async () => {
    expect(parsed(await cli(['export', '--dir', path()]))).toEqual([everywhere, everywhere, named]);
  });
});

describe('lines of every kind', () => {
  test('every command gets through, and export gives what the store reads', async () => {
    const random = new Random(11);
    const path = folderOf([]);
    for (let i = 0; i < 400; i++)
      appendFileSync(paths(path).log, Buffer.concat([line(random, 'any'), Buffer.from('\n')]));
    const events = await ours.createEventStore(path).readAll();
    expect(events.length).toBeGreaterThan(20);
    for (const args of [
      ...VIEWS,
      ['export', '--format', 'csv'],
      ['metrics', '--html', join(folder(), 'page')],
    ]) {
      const { code, err } = await cli([...made(args), '--dir', path]);
      expect({ args, code: code < 2, trace: /panicked/.test(err) }).toEqual({
        args,
        code: true,
        trace: false,
      });
    }
    expect(parsed(await cli(['export', '--dir', path]))).toEqual(events);
    const tail = await cli(['tail', '-n', '100000', '--json', '--dir', path]);
    expect(parsed(tail)).toEqual(events);
  });

  test('nesting that JSON.stringify gives up at', async () => {
    const deep = `{"taskId":"deep","timestamp":1,"deep":${'['.repeat(50_000)}${']'.repeat(50_000)}}\n`;
    const path = folderOf([], deep);
    for (const args of [['export'], ['tail', '--json'], ['query', '--json']])
      expect((await cli([...args, '--dir', path])).out).toBe(deep);
    const file = join(folder(), 'deep.json');
    expect((await cli(['export', '--format', 'json', '--out', file, '--dir', path])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(`[\n${deep.trim()}\n]\n`);
    expect(logText(path)).toBe(deep);
  });
});
