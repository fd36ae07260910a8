/** Options of unknown names, and the folder that is used where none is named. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged } from './support/disk.mjs';
import { at } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { ROOT } from './support/markdown.mjs';

/** Runs `call` and gives the warnings that came of it. */
async function warnings(call) {
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    await call();
    return spy.mock.calls;
  } finally {
    spy.mockRestore();
  }
}

describeOurs('an unknown option', () => {
  test('of a store or a ledger is warned of, once, with the name that was meant', async () => {
    const said = await warnings(() => {
      for (let i = 0; i < 3; i++) {
        ours.createEventStore(fresh(), { durabilty: 'disk' });
        ours.createPersistentLedger({ storagePath: fresh(), maxEvent: 5 });
        ours.createEventStore(fresh(), { colour: 'red' });
      }
    });
    expect(said).toEqual([
      [
        "guidance-ledger: options has the unknown option 'durabilty'; did you mean 'durability'?",
        'Warning',
        'UNKNOWN_OPTION',
      ],
      [
        "guidance-ledger: config has the unknown option 'maxEvent'; did you mean 'maxEvents'?",
        'Warning',
        'UNKNOWN_OPTION',
      ],
      [expect.stringMatching(/'colour'; known are durability, lockTimeoutMs/), 'Warning', 'UNKNOWN_OPTION'],
    ]);
  });

  test('without a value, inherited or a symbol is passed over; known ones give no warning', async () => {
    const said = await warnings(() => {
      ours.createEventStore(fresh(), {
        other: undefined,
        [Symbol('s')]: 1,
        durability: 'disk',
        lockTimeoutMs: 1,
      });
      ours.createEventStore(fresh(), Object.create({ inherited: 1 }));
      ours.createPersistentLedger({
        storagePath: fresh(),
        maxEvents: 1,
        compactIntervalMs: 0,
        enableWAL: true,
        durability: 'disk',
        lockTimeoutMs: 1,
        onError() {},
      });
    });
    expect(said).toEqual([]);
  });

  test('is refused where it would change what is read or removed', async () => {
    const store = ours.createEventStore(fresh());
    for (const event of at(1, 2, 3)) await store.append(event);
    expect(() => store.stream({ since: 2 })).toThrow(
      /options has the unknown option 'since'; known are from, to/,
    );
    expect(() => store.stream({ taskID: 'a' })).toThrow(/did you mean 'taskId'\?/);
    expect(() => store.stream({ taskID: 'a' })).toThrow(TypeError);
    await expect(store.compact(0, { dryrun: true })).rejects.toThrow(/did you mean 'dryRun'\?/);
    await expect(store.compact(0, { dryrun: true })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(await store.readAll()).toHaveLength(3);
    expect(await store.compact(1, { dryRun: true, other: undefined })).toBe(2);
  });

  test('without a storagePath is refused, with the name that was meant', () => {
    const refusal = (config) => {
      try {
        ours.createPersistentLedger(config);
      } catch ({ message }) {
        return message;
      }
    };
    const more = "There is no storagePath. Use createPersistentLedger({ storagePath: 'path/to/folder' })";
    expect(refusal({ storagepath: './x' })).toBe(
      `config has the unknown option 'storagepath'; did you mean 'storagePath'? ${more}`,
    );
    expect(refusal({ colour: 'red' })).toMatch(
      /; known are storagePath, .*, retention\. There is no storagePath\. Use/,
    );
  });

  test('of a hundred names there is a warning, and then no more', async () => {
    const said = await warnings(() => {
      for (let i = 0; i < 300; i++) ours.createEventStore(fresh(), { [`option ${i} ${'x'.repeat(100)}`]: 1 });
    });
    expect(said.length).toBeLessThanOrEqual(100);
    expect(Math.max(...said.map(([message]) => message.length))).toBeLessThan(200);
  });
});

const PROGRAM = `
  const { createPersistentLedger } = require(${JSON.stringify(ROOT)});
  const [, relative] = process.argv;
  try {
    const ledger = createPersistentLedger(relative ? { storagePath: relative } : undefined);
    ledger.finalizeEvent(ledger.createEvent('task', 'feature', 'hash'));
    console.log('written');
  } catch (error) {
    console.log(error.name, error.code, error.message);
  }
`;

/** What the program says, run in a folder whose name is in octal escapes. */
function inFolder(parent, name, ...args) {
  const script = `cd "$(printf "$1")" && shift && exec "$@"`;
  const command = ['-c', script, 'sh', `${parent}/${name}`, process.execPath, '-e', PROGRAM, ...args];
  const { GUIDANCE_LEDGER_DIR: _, ...env } = process.env;
  return execFileSync('sh', command, { encoding: 'utf8', env }).trim();
}

describeOurs('where no folder is named', () => {
  test.each([
    ['the environment names it', { GUIDANCE_LEDGER_DIR: 'of-the-environment' }, 'of-the-environment'],
    ['the environment says nothing', { GUIDANCE_LEDGER_DIR: '' }, '.claude-flow/guidance'],
    ['there is no such variable', {}, '.claude-flow/guidance'],
  ])('%s, for the library and the tool', (_, environment, expected) => {
    const cwd = folder();
    const { GUIDANCE_LEDGER_DIR: __, ...rest } = process.env;
    const options = { cwd, env: { ...rest, ...environment }, encoding: 'utf8' };
    expect(execFileSync(process.execPath, ['-e', PROGRAM], options).trim()).toBe('written');
    expect(logged(join(cwd, expected))).toHaveLength(1);
    const stats = execFileSync(
      process.execPath,
      [join(ROOT, 'bin/guidance-ledger.js'), 'stats', '--json'],
      options,
    );
    expect(stats).toMatch(/"(?:events|eventCount)": *1\b/);
  });

  test('a storagePath wins', () => {
    const cwd = folder();
    const env = { ...process.env, GUIDANCE_LEDGER_DIR: join(cwd, 'no') };
    execFileSync(process.execPath, ['-e', PROGRAM, 'yes'], { cwd, env });
    expect(logged(join(cwd, 'yes'))).toHaveLength(1);
    expect(existsSync(join(cwd, 'no'))).toBe(false);
  });

  test('it is asked for when the ledger is made', async () => {
    const [first, second] = [fresh(), fresh()];
    vi.stubEnv('GUIDANCE_LEDGER_DIR', first);
    const ledger = open(ours, undefined);
    vi.stubEnv('GUIDANCE_LEDGER_DIR', second);
    ledger.finalizeEvent(at(1)[0]);
    vi.unstubAllEnvs();
    expect(logged(first)).toHaveLength(1);
    expect(existsSync(second)).toBe(false);
  });

  test('a name that is not UTF-8 is refused', () => {
    vi.stubEnv('GUIDANCE_LEDGER_DIR', 'a\ufffdb');
    expect(() => ours.createPersistentLedger()).toThrow(/GUIDANCE_LEDGER_DIR must be a path in UTF-8/);
    vi.unstubAllEnvs();
  });
});

const onLinux = test.skipIf(process.platform !== 'linux');

describeOurs('the working directory', () => {
  onLinux('has a name that is not UTF-8: a relative path is refused, an absolute one is not', () => {
    const parent = realpathSync(folder());
    execFileSync('sh', ['-c', `mkdir "$(printf "$1")"`, 'sh', `${parent}/\\377`]);
    expect(inFolder(parent, '\\377', 'store')).toMatch(
      /^RangeError ERR_OUT_OF_RANGE storagePath must be absolute.*not UTF-8/,
    );
    expect(inFolder(parent, '\\377')).toMatch(/^RangeError ERR_OUT_OF_RANGE storagePath must be absolute/);
    expect(existsSync(join(parent, '\ufffd'))).toBe(false);
    expect(inFolder(parent, '\\377', join(parent, 'store'))).toBe('written');
    // The other folder, whose name that one is shown as.
    mkdirSync(join(parent, '\ufffd'));
    expect(inFolder(parent, '\\377', 'store')).toMatch(/^RangeError/);
    expect(existsSync(join(parent, '\ufffd', 'store'))).toBe(false);
  });

  onLinux('has a name with U+FFFD in it: that is the right folder', () => {
    const parent = realpathSync(folder());
    mkdirSync(join(parent, 'a\ufffd'));
    expect(inFolder(parent, '/a\\357\\277\\275', 'store')).toBe('written');
    expect(logged(join(parent, 'a\ufffd', 'store'))).toHaveLength(1);
  });

  onLinux('is gone: an error says so', () => {
    const parent = realpathSync(folder());
    mkdirSync(join(parent, 'gone'));
    const gone = JSON.stringify(join(parent, 'gone'));
    const program = `process.chdir(${gone}); require('node:fs').rmdirSync(${gone});${PROGRAM}`;
    const said = execFileSync(process.execPath, ['-e', program, 'store'], {
      cwd: parent,
      encoding: 'utf8',
    });
    expect(said).toMatch(/^Error ENOENT The working directory is gone\. Give an absolute storagePath/);
    expect(existsSync(join(parent, 'gone'))).toBe(false);
    rmSync(parent, { recursive: true });
  });
});
