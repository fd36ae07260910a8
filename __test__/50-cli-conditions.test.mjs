/** The command-line tool: what each condition does, in every command that has to know it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, parsed, since } from './support/cli.mjs';
import { condition, FILTERS, FLEET } from './support/commands.mjs';
import { runEvent } from './support/events.mjs';
import { folder } from './support/folder.mjs';

const OTHERS = since(1, 2);

describe.each(Object.keys(FILTERS))('--%s', (name) => {
  const words = condition(name);
  const { names, chosen } = FILTERS[name];

  test('chooses', async () => {
    const [other] = OTHERS;
    const event = runEvent({ timestamp: other.timestamp, ...chosen });
    const { code, ...answer } = await cli(['query', ...words, '--json', folderOf([other, event])]);
    expect(code).toBe(0);
    expect(parsed(answer)).toEqual([event]);
  });

  test('that no event satisfies: tail and query say that none matches, not that there is none', async () => {
    const path = folderOf(OTHERS);
    for (const command of ['tail', 'query'])
      expect(await cli([command, ...words, path])).toMatchObject({
        ...{ code: 0, out: '' },
        err: 'No event matches.\n',
      });
  });

  test('is named by the page of metrics', async () => {
    const page = async (...args) => {
      const file = join(folder(), 'page.html');
      expect((await cli(['metrics', '--html', file, ...args, folderOf(OTHERS)])).code).toBe(0);
      return readFileSync(file, 'utf8');
    };
    expect(await page(...words)).toContain(`<p>Only: ${names}</p>`);
    expect(await page()).not.toContain('Only: ');
  });

  test('is for the events of archives, not for their list', async () => {
    const path = folderOf(OTHERS);
    expect(await cli(['archive', path, ...words])).toMatchObject({
      ...{ code: 2, out: '' },
      err:
        'guidance-ledger: conditions and --limit choose among the events of archives that are read\n' +
        'Try: guidance-ledger archive --all\n',
    });
    expect(await cli(['archive', path, '--all', ...words])).toMatchObject({ code: 0, err: '' });
  });

  test('is refused by what takes none in a fleet', async () => {
    const actions = Object.keys(FLEET).filter((action) => FLEET[action] === 'none');
    for (const action of actions) {
      const { code, out, err } = await cli(['fleet', action, ...words], { cwd: folder() });
      expect({ action, code, out }).toEqual({ action, code: 2, out: '' });
      expect(err).toMatch(
        new RegExp(
          '^guidance-ledger: A condition on events is not for this\\n' +
            `Try: guidance-ledger fleet ${action}( .*)?\\n$`,
        ),
      );
    }
  });

  test('fleet reship takes --since alone', async () => {
    const path = folderOf(OTHERS);
    // With --since it goes on, and finds that this folder does not ship.
    const said = name === 'since' ? 'does not ship' : 'this takes no condition but --since\nTry: ';
    const calls = name === 'since' ? [words] : [words, ['--since', '1970-01-02', ...words]];
    for (const args of calls)
      expect(await cli(['fleet', 'reship', ...args, '--dir', path])).toMatchObject({
        ...{ code: 2, out: '' },
        err: expect.stringContaining(said),
      });
  });
});
