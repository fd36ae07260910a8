/** A PostgreSQL of one's own, in a temporary folder, on a free port of this machine. */

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = process.getuid?.() === 0;

/** The folder of the server's programs; null where there are none. */
export function programs() {
  const asked = () => {
    try {
      return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', stdio: 'pipe' }).trim();
    } catch {
      return '';
    }
  };
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : [];
  const folders = [
    process.env.PG_BIN ?? '',
    asked(),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  const found = folders.find(
    (folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')),
  );
  return found ?? null;
}

/** A program and its arguments, as the user `postgres` if this is root: the server refuses root. */
const asUser = (program, args) =>
  root
    ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', program, ...args]]
    : [program, args];

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const answers = (port) =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });

/** Makes a server; `start()` and `kill()` may follow each other, `remove()` is the end. */
export async function makeServer() {
  const bin = programs();
  // A short path: that of a socket has at most 107 bytes.
  const folder = mkdtempSync('/tmp/gl-fleet-');
  const data = join(folder, 'data');
  if (root) {
    chmodSync(folder, 0o755);
    execFileSync('chown', ['postgres:', folder]);
  }
  const options = { cwd: '/', stdio: 'pipe' };
  const made = ['-N', '-A', 'trust', '-U', 'postgres', '--encoding=UTF8', '--locale=C', '-D', data];
  execFileSync(...asUser(join(bin, 'initdb'), made), options);
  const port = await freePort();
  let child = null;
  const end = async (signal) => {
    const running = child;
    child = null;
    if (running === null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.kill(signal);
    await ended;
  };
  const server = {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async start() {
      const settings = [
        'listen_addresses=127.0.0.1',
        `unix_socket_directories=${folder}`,
        'shared_buffers=32MB',
      ];
      const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
      // The postmaster of a server that was killed refuses to start until its processes are gone.
      for (let tries = 0; tries < 200; tries++) {
        if (child === null || child.exitCode !== null) {
          child = spawn(...asUser(join(bin, 'postgres'), args), { cwd: '/', stdio: 'ignore' });
        }
        await sleep(100);
        if (child.exitCode === null && (await answers(port))) return;
      }
      throw new Error('the server does not start');
    },
    /** As a loss of power does. */
    kill: () => end('SIGKILL'),
    async remove() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  process.once('exit', () => child?.kill('SIGINT'));
  await server.start();
  return server;
}
