/**
 * A folder of the library whose events go to a shared store, on a real PostgreSQL. Without one these tests are skipped
 * and say so; `GUIDANCE_LEDGER_REQUIRE_POSTGRES=1` makes that a failure.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeServer, programs } from '../examples/fleet/server.mjs';
import { createPersistentLedger, EventStore } from '../index.mjs';
import { cli, start } from './support/cli.mjs';
import { runEvent } from './support/events.mjs';
import { folder } from './support/folder.mjs';

const required = !['', '0', undefined].includes(process.env.GUIDANCE_LEDGER_REQUIRE_POSTGRES);
const absent = process.platform === 'win32' || programs() === null;
if (absent) console.warn('skipped: PostgreSQL is not installed (apt-get install postgresql)');

test.runIf(required)('PostgreSQL is installed, as GUIDANCE_LEDGER_REQUIRE_POSTGRES says', () => {
  expect(absent).toBe(false);
});

describe.skipIf(absent)('a folder that ships', () => {
  let server;
  beforeAll(async () => {
    server = await makeServer();
  }, 60_000);
  afterAll(() => server?.remove());

  const fleet = async (path, ...args) => {
    const { code, out, err } = await cli(['fleet', ...args, '--dir', path]);
    expect({ args, code, err: code === 0 ? '' : err }).toEqual({ args, code: 0, err: '' });
    return out;
  };
  const shipping = async (schema) => {
    const path = folder();
    await fleet(path, 'init', '--url', server.url, '--schema', schema);
    return path;
  };
  const events = async (path) =>
    (await fleet(path, 'query', '--json')).trim().split('\n').filter(Boolean).map(JSON.parse);

  test('what the library records arrives, in the order of time, with the newest revision of each', async () => {
    const path = await shipping('library');
    const service = start(['fleet', 'ship', '--dir', path]);
    const store = new EventStore(path);
    await store.appendAll([runEvent({ eventId: 'b', timestamp: 2000 }), runEvent({ eventId: 'a' })]);
    const ledger = createPersistentLedger({ storagePath: path });
    await ledger.init();
    ledger.getEvents()[0].outcomeAccepted = true;
    ledger.logEvent(runEvent({ eventId: 'c', timestamp: 3000 }));
    await ledger.save();
    await ledger.close();
    await expect
      .poll(
        async () => (await events(path)).map(({ eventId, outcomeAccepted }) => [eventId, outcomeAccepted]),
        {
          timeout: 20_000,
        },
      )
      .toEqual([
        ['a', null],
        ['b', true],
        [expect.any(String), null], // a ledger's own id
      ]);
    service.child.kill('SIGTERM');
    await expect.poll(() => service.child.exitCode, { timeout: 10_000 }).toBe(0);
    await store.close();
  }, 60_000);

  test('destroy() refuses as long as something waits', async () => {
    const path = await shipping('destroyed');
    const ledger = createPersistentLedger({ storagePath: path });
    await ledger.init();
    ledger.logEvent(runEvent());
    await ledger.flush();
    const store = new EventStore(path);
    await expect(store.destroy()).rejects.toMatchObject({ code: 'EUNSHIPPED' });
    expect(await store.readAll()).toHaveLength(1);
    await fleet(path, 'ship', '--once');
    await store.destroy();
    expect(await store.readAll()).toEqual([]);
    await ledger.close();
  }, 60_000);

  describe('a command that records, where the environment asks for a shipper', () => {
    const record = async (path, env) => {
      const args = ['record', '--task', 'recorded', '--dir', path];
      const { code, err } = await cli(args, { env: { CI: '', GUIDANCE_FLEET_SHIP: 'auto', ...env } });
      expect({ code, err }).toEqual({ code: 0, err: '' });
    };
    const waiting = async (path) => JSON.parse(await fleet(path, 'status', '--json')).pendingBytes;
    const arrived = (path) => expect.poll(() => waiting(path), { timeout: 20_000 }).toBe(0);

    test('starts one that ships to the store of the environment', async () => {
      const path = await shipping('demanded');
      onTestFinished(() => void spawnSync('pkill', ['-f', path]));
      await record(path, { GUIDANCE_FLEET_URL: server.url });
      await arrived(path);
      expect((await events(path)).map(({ taskId }) => taskId)).toEqual(['recorded']);
    }, 60_000);

    test('which may name it as the programs of PostgreSQL do', async () => {
      const path = await shipping('named');
      onTestFinished(() => void spawnSync('pkill', ['-f', path]));
      const { hostname, port, username } = new URL(server.url);
      await record(path, { PGHOST: hostname, PGPORT: port, PGUSER: username, PGDATABASE: 'postgres' });
      await arrived(path);
    }, 60_000);

    test('a hook of a coding agent does, too', async () => {
      const path = await shipping('hooked');
      onTestFinished(() => void spawnSync('pkill', ['-f', path]));
      const input = JSON.stringify({
        hook_event_name: 'PostToolUse',
        session_id: 's',
        tool_name: 'Bash',
        tool_input: { command: 'ls' },
      });
      const env = { CI: '', GUIDANCE_FLEET_SHIP: 'auto', GUIDANCE_FLEET_URL: server.url };
      expect(await cli(['hook', '--dir', path], { input, env })).toMatchObject({ code: 0, out: '', err: '' });
      await arrived(path);
      expect(await events(path)).toHaveLength(1);
    }, 60_000);

    test.each([
      ['where the environment names no store', {}],
      ['in CI', { CI: 'true', url: true }],
      ['where the fleet is off', { GUIDANCE_FLEET: 'off', url: true }],
      ['where nothing asks for it', { GUIDANCE_FLEET_SHIP: '', url: true }],
    ])(
      'none is started %s',
      async (_, { url, ...env }) => {
        const path = await shipping('undemanded');
        await record(path, url ? { ...env, GUIDANCE_FLEET_URL: server.url } : env);
        expect(await waiting(path)).toBeGreaterThan(0);
        // Had one been asked for, none would be wanted for a minute.
        onTestFinished(() => void spawnSync('pkill', ['-f', path]));
        await record(path, { GUIDANCE_FLEET_URL: server.url });
        await arrived(path);
      },
      60_000,
    );
  });

  test.runIf(process.platform === 'linux')(
    'a process that records opens no connection',
    async () => {
      const path = await shipping('sockets');
      const script = `
      const { EventStore } = require(${JSON.stringify(join(import.meta.dirname, '..', 'index.js'))});
      const { readdirSync, readlinkSync } = require('node:fs');
      const sockets = () => readdirSync('/proc/self/fd').filter((fd) => {
        try { return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:'); } catch { return false; }
      }).length;
      const before = sockets();
      const store = new EventStore(${JSON.stringify(path)});
      store.append({ taskId: 't', timestamp: 1 }).then(() => console.log(sockets() - before));`;
      const ran = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
      expect({ out: ran.stdout, err: ran.stderr }).toEqual({ out: '0\n', err: '' });
      expect(readFileSync(join(path, 'events.ndjson'), 'utf8')).toContain('"t"');
    },
    60_000,
  );

  test('the demo finds each event of three machines in the store, once', () => {
    const demo = join(import.meta.dirname, '..', 'examples', 'fleet', 'main.mjs');
    const { status, stdout } = spawnSync(process.execPath, [demo], { encoding: 'utf8', timeout: 100_000 });
    expect({ status, failed: stdout.match(/FAIL.*/g) }).toEqual({ status: 0, failed: null });
    expect(stdout.match(/ {2}ok /g)).toHaveLength(3);
  }, 120_000);
});
