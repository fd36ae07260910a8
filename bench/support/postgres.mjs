// A PostgreSQL server of one's own, with its defaults: fsync is on. It refuses root, so root runs it as `postgres`.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BENCH = fileURLToPath(new URL('..', import.meta.url));

const root = process.getuid?.() === 0;
const user = root ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];

/** The folder of the server's programs. */
function programs() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : [];
  const folders = [process.env.PG_BIN, ...versions.map((version) => join(debian, version, 'bin'))];
  const found = folders.find((folder) => folder && existsSync(join(folder, 'initdb')));
  if (!found)
    throw new Error(
      'PostgreSQL is not installed: apt-get install postgresql, or name its programs by PG_BIN',
    );
  return found;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts one. */
export async function postgres() {
  const bin = programs();
  // On the disk of the repository, as the folders of all contenders, and where its user may look.
  const data = mkdtempSync(join(BENCH, '.run-postgres-'));
  if (root) execFileSync('chown', ['postgres:', data]);
  const call = (program, ...args) => [...user, join(bin, program), ...args];
  const [initdb, ...made] = call(
    'initdb',
    '-A',
    'trust',
    '-U',
    'postgres',
    '--locale=C',
    '-E',
    'UTF8',
    '-D',
    data,
  );
  execFileSync(initdb, made, { cwd: '/', stdio: 'ignore' });
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'shared_buffers=256MB',
  ];
  const [first, ...rest] = call('postgres', '-D', data, ...settings.flatMap((setting) => ['-c', setting]));
  const server = spawn(first, rest, { cwd: '/', stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const ready = () => {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]);
      return true;
    } catch {
      return false;
    }
  };
  while (!ready()) await pause(20);
  return {
    address: `host=127.0.0.1 port=${port} user=postgres dbname=postgres`,
    client: { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' },
    async stop() {
      server.kill('SIGINT');
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
