/** init: the hook in an agent's settings, without losing what is there. */

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, noTerminal, parsed, TOOL } from './support/cli.mjs';
import { folder } from './support/folder.mjs';

function project() {
  const root = folder();
  mkdirSync(join(root, '.git'));
  return root;
}

const local = (root) => join(root, '.claude', 'settings.local.json');
const commands = (text) =>
  Object.entries(JSON.parse(text).hooks).map(([hook, list]) => [
    hook,
    list.flatMap(({ hooks }) => hooks.map(({ command }) => command)),
  ]);
const COMMAND = `${realpathSync(TOOL)} hook`;

describe('init', () => {
  test('writes your own settings of the project, with the absolute path of the executable', async () => {
    const root = project();
    const { code, out, err } = await cli(['init', '--yes'], { cwd: root });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`To undo it, remove ${realpathSync(root)}/.claude/settings.local.json.`);
    const text = readFileSync(local(root), 'utf8');
    expect(commands(text)).toEqual(
      ['PostToolUse', 'PostToolUseFailure', 'Stop', 'SubagentStop'].map((hook) => [hook, [COMMAND]]),
    );
    expect(JSON.parse(text).hooks.PostToolUse[0].matcher).toBe('*');
    expect(text).not.toMatch(/npx|node /);
    expect(readdirSync(join(root, '.claude'))).toEqual(['settings.local.json']);
  });

  test('says how to look at it in the way that it was called', async () => {
    const look = async (env, run = cli) =>
      /Look at it with: (.*)\n/.exec((await run(['init', '--yes'], { cwd: project(), env })).out)[1];
    expect(await look({})).toBe('guidance-ledger tail .guidance-ledger/hooks');
    for (const env of [{ npm_execpath: '/x/npm-cli.js' }, { npm_command: 'exec' }])
      expect(await look(env)).toBe('npx guidance-ledger tail .guidance-ledger/hooks');
    const modules = join(folder(), 'node_modules');
    mkdirSync(modules);
    const installed = join(modules, basename(TOOL));
    copyFileSync(TOOL, installed);
    const { npm_execpath, npm_command, ...env } = process.env;
    expect(
      await look(env, (args, { cwd }) => ({
        out: spawnSync(installed, args, { cwd, env, encoding: 'utf8' }).stdout,
      })),
    ).toBe('npx guidance-ledger tail .guidance-ledger/hooks');
  });

  test('keeps what is there, in its order and with its bytes, and makes a copy', async () => {
    const root = project();
    mkdirSync(join(root, '.claude'));
    const old = `{
    "zebra": 1e3,
    "permissions": { "allow": ["Bash(npm run *)"] },
    "hooks": {
        "Stop": [ { "hooks": [ { "type": "command", "command": "say done" } ] } ],
        "PreToolUse": []
    },
    "apple": "\\u0041"
}
`;
    writeFileSync(local(root), old);
    const [said] = parsed(await cli(['init', '--yes', '--json'], { cwd: root }));
    const text = readFileSync(local(root), 'utf8');
    expect(said).toMatchObject({ changed: true, command: COMMAND });
    expect(readFileSync(said.backup, 'utf8')).toBe(old);
    expect(Object.keys(JSON.parse(text))).toEqual(['zebra', 'permissions', 'hooks', 'apple']);
    expect(Object.keys(JSON.parse(text).hooks)).toEqual([
      'Stop',
      'PreToolUse',
      'PostToolUse',
      'PostToolUseFailure',
      'SubagentStop',
    ]);
    expect(commands(text)[0]).toEqual(['Stop', ['say done', COMMAND]]);
    // Every line of before is still there, but for commas and brackets that now go on.
    for (const part of [
      '"zebra": 1e3',
      '{ "allow": ["Bash(npm run *)"] }',
      '{ "type": "command", "command": "say done" }',
      '"apple": "\\u0041"',
    ])
      expect(text).toContain(part);
  });

  test('a second time changes nothing', async () => {
    const root = project();
    await cli(['init', '--yes'], { cwd: root });
    const before = readFileSync(local(root), 'utf8');
    const { code, out } = await cli(['init'], { cwd: root }); // nothing to ask
    expect(code).toBe(0);
    expect(out).toContain('The hook is there already');
    expect(readFileSync(local(root), 'utf8')).toBe(before);
    expect(readdirSync(join(root, '.claude'))).toHaveLength(1);
  });

  test('--print shows what would be written, and writes nothing', async () => {
    const root = project();
    const { code, out } = await cli(['init', '--print'], { cwd: root });
    expect(code).toBe(0);
    expect(commands(out)).toHaveLength(4);
    expect(existsSync(join(root, '.claude'))).toBe(false);
  });

  test('--user and --project choose the file; --project warns', async () => {
    const [root, home] = [project(), folder()];
    const env = { HOME: home, USERPROFILE: home };
    expect((await cli(['init', '--user', '--yes'], { cwd: root, env })).code).toBe(0);
    expect(existsSync(join(home, '.claude', 'settings.json'))).toBe(true);
    const shared = await cli(['init', '--project', '--yes'], { cwd: root, env });
    expect(shared.code).toBe(0);
    expect(shared.err).toContain('shared with a team');
    expect(existsSync(join(root, '.claude', 'settings.json'))).toBe(true);
    expect(existsSync(local(root))).toBe(false);
  });

  test('writes the folder into the command if the call names one', async () => {
    const root = project();
    await cli(['init', '--yes', '--dir', 'my events'], { cwd: root });
    const [[, [command]]] = commands(readFileSync(local(root), 'utf8'));
    expect(command).toBe(`${COMMAND} --dir '${join(realpathSync(root), 'my events')}'`);
  });

  test.skipIf(process.platform === 'win32')(
    'refuses an executable in the cache of npx, and replaces an older path',
    async () => {
      const root = project();
      const place = folder();
      for (const name of ['_npx', 'old place']) mkdirSync(join(place, name));
      for (const name of ['_npx', 'old place']) copyFileSync(TOOL, join(place, name, basename(TOOL)));
      const run = (name) =>
        spawnSync(join(place, name, basename(TOOL)), ['init', '--yes'], {
          cwd: root,
          encoding: 'utf8',
          env: { PATH: process.env.PATH },
        });
      const npx = run('_npx');
      expect({ status: npx.status, stdout: npx.stdout }).toEqual({ status: 2, stdout: '' });
      expect(npx.stderr).toContain('cache of npx');
      expect(existsSync(local(root))).toBe(false);
      expect(run('old place').status).toBe(0);
      expect(commands(readFileSync(local(root), 'utf8'))[0][1]).toEqual([
        `'${realpathSync(place)}/old place/guidance-ledger' hook`,
      ]);
      await cli(['init', '--yes'], { cwd: root });
      expect(commands(readFileSync(local(root), 'utf8')).map(([, list]) => list)).toEqual(
        Array(4).fill([COMMAND]),
      );
    },
  );

  test('leaves settings alone that are not what settings are', async () => {
    for (const text of ['not JSON', '[]', '{"hooks":[]}', '{"hooks":{"Stop":{}}}', '{} // why']) {
      const root = project();
      mkdirSync(join(root, '.claude'));
      writeFileSync(local(root), text);
      const { code, err } = await cli(['init', '--yes'], { cwd: root });
      expect(code).toBe(4);
      expect(err).toContain('nothing was written');
      expect(readFileSync(local(root), 'utf8')).toBe(text);
      expect(readdirSync(join(root, '.claude'))).toHaveLength(1);
    }
  });

  test('asks before it writes', async () => {
    const root = project();
    const nobody = await cli(['init'], { cwd: root });
    expect(nobody.code).toBe(2);
    expect(nobody.err).toContain('Try: guidance-ledger init --local --yes');
    expect(existsSync(local(root))).toBe(false);
    if (noTerminal) return;
    const home = folder();
    const no = await cliInTerminal(['init', '--user'], { input: 'n\n', env: { HOME: home } });
    expect(no.code).toBe(1);
    expect(existsSync(join(home, '.claude'))).toBe(false);
    expect((await cliInTerminal(['init', '--user'], { input: 'y\n', env: { HOME: home } })).code).toBe(0);
  });
});

test('which prints the absolute path of the executable', async () => {
  expect((await cli(['which'])).out).toBe(`${realpathSync(TOOL)}\n`);
  expect(parsed(await cli(['which', '--json']))).toEqual([{ executable: realpathSync(TOOL) }]);
});
