/** The command-line tool as users have it: the executable, in a pipe or in a terminal. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runEvent } from './events.mjs';
import { folder as emptyFolder } from './folder.mjs';

const NAME = process.platform === 'win32' ? 'guidance-ledger.exe' : 'guidance-ledger';
/** The executable, where `npm run build` puts it. */
export const TOOL = join(import.meta.dirname, '..', '..', NAME);
/** What npm runs: it finds the executable and runs it. */
export const LAUNCHER = join(import.meta.dirname, '..', '..', 'bin', 'guidance-ledger.js');

/** The environment without what would change the tool's answers. */
function environment(changes = {}) {
  const { GUIDANCE_LEDGER_DIR, CLAUDE_PROJECT_DIR, CLAUDE_CONFIG_DIR, NO_COLOR, FORCE_COLOR, ...rest } =
    process.env;
  const { npm_execpath, npm_command, ...env } = rest;
  return { ...env, TERM: 'xterm', TZ: 'UTC', ...changes };
}

/** Starts the tool. `out` and `err` of the answer grow as it writes. */
export function start(args, { cwd, env, stdio } = {}) {
  const child = spawn(TOOL, args, { cwd, env: environment(env), stdio });
  onTestFinished(() => void child.kill('SIGKILL'));
  const tool = { child, out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    tool.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    tool.err += text;
  });
  tool.lines = () => tool.out.split('\n').slice(0, -1);
  return tool;
}

/** Runs the tool to its end. `input` is what it reads from stdin. */
export async function cli(args, { input = '', ...options } = {}) {
  const tool = start(args, options);
  tool.child.stdin.on('error', () => {}); // it may end without reading
  tool.child.stdin.end(input);
  const [code, signal] = await once(tool.child, 'close');
  return { code, signal, out: tool.out, err: tool.err, lines: tool.lines() };
}

const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') === true;
/** Why tests that need a terminal are skipped; empty if they are not. */
export const noTerminal = hasScript ? '' : "needs util-linux's script for a terminal";

/**
 * Runs the tool in a terminal, where `input` is typed. The answer's `out` is all that the terminal showed.
 */
export async function cliInTerminal(args, { input = '', env, columns = 120 } = {}) {
  const command = [TOOL, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn('script', ['-qec', `stty cols ${columns}; ${command}`, '/dev/null'], {
    env: environment(env),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let typed = false;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
    // Typed when the question is there, not before.
    if (!typed && out.includes('[y/N]')) child.stdin.write(input);
    typed ||= out.includes('[y/N]');
  });
  const [code] = await once(child, 'close');
  return { code, out: out.replaceAll('\r\n', '\n') };
}

/** Noon of a day of which events may be. */
export const NOON = Date.UTC(2026, 0, 15, 12);

/** One event for each number: so many milliseconds after noon. */
export const since = (...offsets) => offsets.map((offset) => runEvent({ timestamp: NOON + offset }));

/** A folder with a log of these events, and of these lines after them. */
export function folderOf(events, ...lines) {
  const path = join(emptyFolder(), 'store');
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(
    join(path, 'events.ndjson'),
    events.map((event) => `${JSON.stringify(event)}\n`).join('') + lines.join(''),
  );
  return path;
}

/** Another process that holds the folder's lock. */
export async function lockHolder(path) {
  const script = `
    // Reachable for ever: a store that is collected gives its lock back.
    globalThis.store = require('guidance-ledger').createEventStore(process.argv[1]);
    store.acquireLock().then(() => { console.log('held'); setInterval(() => {}, 1000); });
  `;
  const child = spawn(process.execPath, ['-e', script, path], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

/** The JSON values that a command printed, one a line. */
export const parsed = ({ lines }) => lines.map((line) => JSON.parse(line));
