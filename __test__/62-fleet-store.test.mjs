/**
 * `guidance-ledger/fleet` on a real PostgreSQL: a store and a ledger over several machines, which are folders here.
 * Without a server these tests are skipped and say so; `GUIDANCE_LEDGER_REQUIRE_POSTGRES=1` makes that a failure.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeServer, programs } from '../examples/fleet/server.mjs';
import { createFleetLedger, createFleetStore, FleetStore } from '../fleet.mjs';
import { createPersistentLedger, EventStore, isLedgerError, PersistentLedger } from '../index.mjs';
import { cli, TOOL } from './support/cli.mjs';
import { runEvent, violation } from './support/events.mjs';
import { folder } from './support/folder.mjs';
import { blocksOf, userDocuments } from './support/markdown.mjs';

const ROOT = join(import.meta.dirname, '..');
const required = !['', '0', undefined].includes(process.env.GUIDANCE_LEDGER_REQUIRE_POSTGRES);
const absent = process.platform === 'win32' || programs() === null;
if (absent) console.warn('skipped: PostgreSQL is not installed (apt-get install postgresql)');
/** Nothing listens there. */
const AWAY = 'postgres://agent:hush-hush@127.0.0.1:1/agents';

const ids = (events) => events.map(({ eventId }) => eventId);
const closing = (it) => {
  onTestFinished(() => it.close());
  return it;
};

test.runIf(required)('PostgreSQL is installed, as GUIDANCE_LEDGER_REQUIRE_POSTGRES says', () => {
  expect(absent).toBe(false);
});

describe('without a server', () => {
  test('a store has the surface of an EventStore', () => {
    const methods = Object.getOwnPropertyNames(EventStore.prototype);
    const ours = Object.getOwnPropertyNames(FleetStore.prototype);
    expect(methods.filter((name) => !ours.includes(name))).toEqual([]);
  });

  test('what is accepted is in the folder, and reading what is shared says that it is away', async () => {
    const path = folder();
    const store = closing(createFleetStore({ url: AWAY, storagePath: path }));
    await store.append(runEvent({ eventId: 'a' }));
    await store.appendAll([runEvent({ eventId: 'b' }), runEvent({ eventId: 'c' })]);
    expect(ids(await new EventStore(path).readAll())).toEqual(['a', 'b', 'c']);
    for (const read of [
      () => store.readAll(),
      () => store.readRange(0, 2000),
      () => store.readByTask('task-1'),
      () => store.stream().next(),
      () => store.follow().next(),
      () => store.getStats(),
      () => store.status({ remote: true }),
    ])
      await expect(read()).rejects.toMatchObject({ code: 'EFLEETDOWN', name: 'Error' });
    await expect(store.flush({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'EFLEETDOWN' });
    const { place, local } = await store.status();
    expect(place).toBe('127.0.0.1:1/agents');
    expect(local).toMatchObject({ shipped: 0, pendingBytes: expect.any(Number), lastShipped: null });
    expect(local.pendingBytes).toBeGreaterThan(900);
    expect(await store.verify()).toMatchObject({ events: 3 });
  });

  test('a ledger logs into the folder', async () => {
    const path = folder();
    const ledger = createFleetLedger({ url: AWAY, storagePath: path, compactIntervalMs: 0 });
    expect(ledger).toBeInstanceOf(PersistentLedger);
    ledger.logEvent(runEvent());
    await expect(ledger.init()).rejects.toMatchObject({ code: 'EFLEETDOWN' });
    expect(ledger.getEvents()).toHaveLength(1);
    await ledger.close();
    expect(await new EventStore(path).readAll()).toHaveLength(1);
  });

  test.each([
    ['writeAll', [[]]],
    ['backup', ['file']],
    ['destroy', []],
    ['compact', [{ maxAgeMs: 5 }]],
    ['compact', [{ maxEvents: 5, archive: true }]],
    ['readRange', [0, 1, { archive: true }]],
    ['readByTask', ['t', { archive: 'folder' }]],
  ])('%s is not for a shared store', async (call, args) => {
    const store = createFleetStore({ url: AWAY, storagePath: folder() });
    await expect(store[call](...args)).rejects.toMatchObject({ code: 'ENOTSUP', name: 'Error' });
  });

  test.each([
    ['append', [runEvent()]],
    ['appendAll', [[runEvent()]]],
    ['flush', []],
    ['ship', []],
    ['acquireLock', []],
    ['releaseLock', []],
    ['verify', []],
    ['repair', []],
  ])('%s needs a folder, and says how to name one', async (call, args) => {
    const error = await createFleetStore({ url: AWAY })
      [call](...args)
      .catch((error) => error);
    expect(error).toMatchObject({ code: 'ENOTSUP', message: expect.stringContaining('storagePath') });
    expect(isLedgerError(error)).toBe(true);
  });

  test('a ledger without a folder refuses what would write', async () => {
    const ledger = closing(createFleetLedger({ url: AWAY, compactIntervalMs: 0 }));
    expect(() => ledger.logEvent(runEvent())).toThrow(
      /^ENOTSUP: logEvent\(\) writes, and no folder is named/,
    );
    expect(ledger.getEvents()).toEqual([]);
  });

  test.each([
    [
      undefined,
      /^no store is named: neither by url nor by \$GUIDANCE_FLEET_URL or \$PGHOST\. Use createFleetStore/,
    ],
    ['postgres://h', /^options must be an object/],
    [{ url: 5 }, /^url must be a connection string, not a number/],
    [{ url: AWAY, storagePath: 5 }, /^storagePath must be a path/],
    [{ url: AWAY, ship: 'always', storagePath: 'x' }, /^ship must be 'manual' or 'auto' or 'background'/],
    [{ url: AWAY, ship: 'auto' }, /^ship is about a folder, and no storagePath names one/],
    [{ url: AWAY, durability: 'disk' }, /^durability is about a folder/],
    [{ url: AWAY, pending: true }, /^pending must be 'include' or 'exclude'/],
    [{ url: AWAY, legder: 'x' }, /^options has the unknown option 'legder'; did you mean 'ledger'\?/],
    [{ url: AWAY, onError: 5 }, /^onError must be a function/],
    [{ url: AWAY, ledger: 'a\0b' }, /^EFLEETCONFIG/],
    [{ url: AWAY, schema: 'Robert"; drop' }, /^EFLEETCONFIG/],
    [{ url: `${AWAY}?sslmode=prefer` }, /^EFLEETCONFIG/],
  ])('wrong options: %o', (options, message) => {
    let error;
    try {
      createFleetStore(options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error?.message).toMatch(message);
    expect(error.code).toMatch(/^(ERR_|EFLEETCONFIG)/);
    expect(isLedgerError(error)).toBe(true);
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('hush');
  });

  test('with auto, settings that cannot be used are said to onError, and by the first reading', async () => {
    const { CI } = process.env;
    process.env.CI = '';
    onTestFinished(() => {
      if (CI === undefined) Reflect.deleteProperty(process.env, 'CI');
      else process.env.CI = CI;
    });
    const errors = [];
    const onError = (error) => errors.push(error.code);
    const url = `${AWAY}?sslmode=prefer`;
    const store = closing(createFleetStore({ url, storagePath: folder(), ship: 'auto', onError }));
    await store.append(runEvent());
    expect(errors).toEqual(['EFLEETCONFIG']);
    await expect(store.readAll()).rejects.toMatchObject({ code: 'EFLEETCONFIG' });
    expect(await store.verify()).toMatchObject({ events: 1 });
  });

  test('no secret is seen in a store, a ledger or an error', async () => {
    const store = createFleetStore({ url: AWAY, storagePath: folder() });
    const ledger = closing(createFleetLedger({ url: AWAY }));
    const down = await store.readAll().catch((error) => error);
    const status = await store.status();
    for (const it of [store, ledger, down, status, ledger.getEventStore()])
      expect(inspect(it, { showHidden: true, depth: 9 }) + JSON.stringify(it)).not.toContain('hush');
  });

  test('a cursor of something else is refused at the call', () => {
    const store = createFleetStore({ url: AWAY });
    expect(() => store.follow({ after: 'abc' })).toThrow(/^after must be a cursor, as follow\(\) gave it/);
    expect(() => store.follow({ from: 'now', after: 'f1' })).toThrow(/exclude each other/);
    expect(() => store.stream({ form: 1 })).toThrow(/did you mean 'from'/);
  });
});

describe.skipIf(absent)('with a server', () => {
  let server;
  beforeAll(async () => {
    server = await makeServer();
  }, 60_000);
  afterAll(() => server?.remove());

  let schemas = 0;
  /** A schema of its own, and stores over it; each has a folder unless it is to have none. */
  const fleet = async () => {
    const schema = `fleet_${++schemas}`;
    const place = { url: server.url, schema };
    const { code, err } = await cli([
      'fleet',
      'init',
      '--dir',
      folder(),
      '--url',
      server.url,
      '--schema',
      schema,
    ]);
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    const make = (options) => closing(createFleetStore({ ...place, storagePath: folder(), ...options }));
    return { place, schema, make };
  };

  test('what one machine writes another one reads, in the order of time', async () => {
    const { make } = await fleet();
    const [one, two, reader] = [make(), make(), make({ storagePath: undefined })];
    await one.appendAll([
      runEvent({ eventId: 'a', timestamp: 1000 }),
      runEvent({ eventId: 'd', timestamp: 4000, taskId: 'other' }),
    ]);
    await two.append(runEvent({ eventId: 'c', timestamp: 3000 }));
    // Not shipped yet: each sees its own.
    expect(ids(await one.readAll())).toEqual(['a', 'd']);
    expect(ids(await two.readAll())).toEqual(['c']);
    expect(await reader.readAll()).toEqual([]);
    expect(await reader.getStats()).toEqual({
      eventCount: 0,
      storageSizeBytes: 0,
      oldestEvent: null,
      newestEvent: null,
    });
    await Promise.all([one.flush(), two.flush()]);
    await two.append(runEvent({ eventId: 'b', timestamp: 2000, taskId: 'other' }));
    expect(ids(await reader.readAll())).toEqual(['a', 'c', 'd']);
    expect(ids(await two.readAll())).toEqual(['a', 'b', 'c', 'd']);
    expect(ids(await two.readRange(2000, 3000))).toEqual(['b', 'c']);
    expect(ids(await two.readByTask('other'))).toEqual(['b', 'd']);
    const streamed = [];
    for await (const event of two.stream({ from: 1500, taskId: 'other' })) streamed.push(event);
    expect(ids(streamed)).toEqual(['b', 'd']);
    for await (const { eventId } of reader.stream()) {
      expect(eventId).toBe('a');
      break;
    }
    expect(await reader.getStats()).toMatchObject({ eventCount: 3, oldestEvent: 1000, newestEvent: 4000 });
    const { remote } = await reader.status({ remote: true });
    expect(remote.sources.map(({ stored }) => stored).toSorted()).toEqual([1, 2]);
  }, 60_000);

  test('pending events can be left out', async () => {
    const { make } = await fleet();
    const store = make({ pending: 'exclude' });
    await store.append(runEvent());
    expect(await store.readAll()).toEqual([]);
    await store.flush();
    expect(await store.readAll()).toHaveLength(1);
  }, 60_000);

  test('a line that JavaScript cannot write comes back as the folder has it', async () => {
    const { make } = await fleet();
    const path = folder();
    const lines = [
      '{"timestamp":1,"a":"\\ud800\\u0000","big":1e999,"a":"twice"}',
      ' {"timestamp":2, "n":1.0} ',
      `{"timestamp":3,"deep":${'['.repeat(300)}${']'.repeat(300)}}`,
      `{"timestamp":4,"long":"${'ü'.repeat(1 << 20)}"}`,
      'no event',
      '{"timestamp":"no time"}',
    ];
    writeFileSync(join(path, 'events.ndjson'), `${lines.join('\n')}\n`);
    const store = make({ storagePath: path });
    const local = await new EventStore(path).readAll();
    const byTime = local.toSorted((a, b) => (Number(a.timestamp) || -1) - (Number(b.timestamp) || -1));
    expect(await store.readAll()).toEqual(byTime);
    await store.flush();
    expect((await store.status()).local.pendingBytes).toBe(0);
    expect(await make({ storagePath: undefined }).readAll()).toEqual(byTime);
    expect(await store.readAll()).toEqual(byTime);
  }, 60_000);

  test('many events come in pages, and a reader that is slow or ends early holds nothing', async () => {
    const { make } = await fleet();
    const store = make();
    const events = Array.from({ length: 4000 }, (_, n) =>
      runEvent({ eventId: `e${n}`, timestamp: n, taskId: `t${n % 7}` }),
    );
    await store.appendAll(events);
    await store.flush();
    expect(await store.readAll()).toEqual(events);
    expect(await store.readByTask('t3')).toEqual(events.filter(({ taskId }) => taskId === 't3'));
    const two = [store.stream(), store.stream({ from: 2000 })];
    const seen = [];
    for (let n = 0; n < 2000; n++) for (const each of two) seen.push((await each.next()).value.eventId);
    expect(seen).toEqual(Array.from({ length: 2000 }, (_, n) => [`e${n}`, `e${n + 2000}`]).flat());
    await Promise.all(two.map((each) => each.return()));
    const aborted = new AbortController();
    const stream = store.stream({ signal: aborted.signal });
    await stream.next();
    aborted.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: 'ABORT_ERR' });
  }, 60_000);

  test('a follower misses nothing through lost connections, and goes on behind a cursor elsewhere', async () => {
    const { make } = await fleet();
    const [one, two, reader] = [make(), make({ ship: 'background' }), make({ storagePath: undefined })];
    const seen = [];
    let cursor;
    const follow = async (count, options) => {
      for await (const found of reader.follow({ taskId: 'mine', ...options })) {
        seen.push(found.event.eventId);
        cursor = found.cursor;
        expect(found.source).toMatch(/^[0-9a-f-]{36}$/);
        expect(Math.abs(Date.now() - found.receivedAt)).toBeLessThan(60_000);
        if (seen.length === count) return;
      }
    };
    const mine = (...names) => names.map((eventId) => runEvent({ eventId, taskId: 'mine' }));
    const following = follow(5);
    await one.appendAll([...mine('a', 'b'), runEvent({ taskId: 'not mine' }), ...mine('c')]);
    await one.flush();
    await server.kill();
    await two.appendAll(mine('d', 'e', 'f'));
    await server.start();
    await following;
    // In the middle of a batch, of whichever machine.
    expect(new Set(seen).size).toBe(5);
    await follow(6, { after: cursor });
    expect(seen.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    // From now on: what is there is not given.
    const later = reader.follow({ from: 'now' });
    let first;
    const next = later.next().then(({ value }) => {
      first = value.event.eventId;
    });
    // It has begun once it has looked; what comes then is given.
    const written = [];
    await expect
      .poll(
        async () => {
          written.push(`g${written.length}`);
          await one.append(runEvent({ eventId: written.at(-1) }));
          await one.flush();
          return written.includes(first);
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    await next;
    await later.return();
  }, 90_000);

  test('what was evicted before it was given out is a gap', async () => {
    const { make } = await fleet();
    const store = make();
    await store.appendAll([1, 2, 3, 4, 5].map((timestamp) => runEvent({ timestamp })));
    await store.flush();
    expect(await store.compact(2, { dryRun: true })).toBe(3);
    expect(await store.compact(2)).toBe(3);
    expect((await store.readAll()).map(({ timestamp }) => timestamp)).toEqual([4, 5]);
    await expect(store.follow().next()).rejects.toMatchObject({ code: 'EGAP', missed: 3 });
    const gaps = [];
    const follower = store.follow({ onGap: (gap) => gaps.push(gap) });
    expect((await follower.next()).value.event.timestamp).toBe(4);
    expect(gaps).toEqual([{ missed: 3 }]);
    await follower.return();
  }, 60_000);

  test('close() ends what waits', async () => {
    const { make } = await fleet();
    const store = make({ ship: 'background' });
    await store.append(runEvent());
    await store.flush();
    const follower = store.follow({ from: 'now' });
    const pending = follower.next();
    await store.close();
    expect(await pending).toEqual({ done: true, value: undefined });
    // The folder has no shipper any more, and another use opens anew.
    const again = make({ storagePath: undefined });
    expect(await again.readAll()).toHaveLength(1);
    await store.append(runEvent());
    await store.flush();
    expect(await store.readAll()).toHaveLength(2);
  }, 60_000);

  test('one process ships a folder at a time; the other one leaves it to that', async () => {
    const { make, place } = await fleet();
    const path = folder();
    const [one, two] = [make({ storagePath: path }), make({ storagePath: path })];
    const ended = new AbortController();
    await one.append(runEvent());
    const stays = one.ship({ signal: ended.signal });
    await expect.poll(async () => (await one.status()).local.pendingBytes, { timeout: 10_000 }).toBe(0);
    expect(await two.ship({ once: true })).toBeNull();
    expect(await two.ship()).toBe(false);
    await two.append(runEvent());
    await two.flush(); // by the other one
    const env = { GUIDANCE_FLEET_URL: place.url, GUIDANCE_FLEET_SCHEMA: place.schema };
    const tool = await cli(['fleet', 'ship', '--once', '--dir', path], { env });
    expect(tool.err).toContain('Another process ships this folder.');
    ended.abort();
    expect(await stays).toBe(true);
    await two.append(runEvent());
    expect(await two.ship({ once: true })).toEqual({ stored: 1, repeated: 0, late: 0, setAside: 0 });
    expect(await one.ship({ once: true })).toEqual({ stored: 0, repeated: 0, late: 0, setAside: 0 });
  }, 60_000);

  test('in the background a server that comes back is found, and its absence was reported once', async () => {
    const { make, place } = await fleet();
    await server.kill();
    const errors = [];
    const store = make({ ship: 'background', onError: (error) => errors.push(error.code) });
    await store.append(runEvent());
    await expect.poll(() => errors, { timeout: 20_000 }).toEqual(['EFLEETDOWN']);
    expect((await store.status()).local).toMatchObject({ lastFailure: 'EFLEETDOWN' });
    await expect(store.flush({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await server.start();
    await store.flush({ timeoutMs: 60_000 });
    expect(errors).toEqual(['EFLEETDOWN']);
    expect(await createFleetStore(place).getStats()).toMatchObject({ eventCount: 1 });
  }, 90_000);

  test('the examples of the documents run, and print what they say', async () => {
    const examples = userDocuments()
      .flatMap(blocksOf)
      .filter(({ language, code }) => language === 'js' && code.includes('guidance-ledger/fleet'));
    expect(examples.length).toBeGreaterThan(1);
    for (const { at, code } of examples) {
      const { schema } = await fleet();
      const path = folder();
      const program = code
        .replaceAll(/'postgres:[^']*'/g, `'${server.url}'`)
        .replaceAll("'guidance-ledger/fleet'", JSON.stringify(join(ROOT, 'fleet.mjs')));
      writeFileSync(join(path, 'example.mjs'), program);
      const env = { ...process.env, GUIDANCE_FLEET_SCHEMA: schema, CI: 'true' };
      const ran = spawnSync(process.execPath, ['example.mjs'], {
        cwd: path,
        env,
        encoding: 'utf8',
        timeout: 30_000,
      });
      expect({ at, err: ran.stderr, status: ran.status }).toEqual({ at, err: '', status: 0 });
      const said = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text);
      if (said.length > 0) expect(ran.stdout.trimEnd().split('\n'), at).toEqual(said);
    }
  }, 60_000);

  test('flush() ends in time though a server does not answer, and says what else is in its way', async () => {
    const { make, place } = await fleet();
    // It takes connections and says nothing.
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const url = `postgres://agent@127.0.0.1:${silent.address().port}/agents`;
    const store = make({ url });
    await store.append(runEvent());
    const start = performance.now();
    await expect(store.flush({ timeoutMs: 400 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(performance.now() - start).toBeLessThan(5000);
    const aborted = new AbortController();
    const shipping = store.ship({ once: true, signal: aborted.signal });
    aborted.abort();
    await expect(shipping).rejects.toMatchObject({ code: 'ABORT_ERR' });
    // A folder that cannot become one that ships is no folder in which nothing waits.
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const nowhere = make({ storagePath: file });
    await expect(nowhere.flush({ timeoutMs: 400 })).rejects.toMatchObject({
      path: expect.stringContaining(file),
    });
    await expect(make({ ledger: 'unknown' }).flush({ timeoutMs: 60_000 })).resolves.toBeUndefined();
    const unknown = createFleetStore({ ...place, ledger: 'unknown', storagePath: folder() });
    await closing(unknown).append(runEvent());
    await expect(unknown.flush({ timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'EFLEETLEDGER' });
  }, 60_000);

  describe('a process that ends soon', () => {
    /** Runs a program that appends one event; what it prints, and how it ends. */
    const hook = (place, path, { env = {}, after = '' } = {}) => {
      const program = `
        const { createFleetStore } = require(${JSON.stringify(join(ROOT, 'fleet.js'))});
        const { readdirSync, readlinkSync } = require('node:fs');
        const sockets = () => readdirSync('/proc/self/fd').filter((fd) => {
          try { return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:'); } catch { return false; }
        }).length;
        const before = process.platform === 'linux' ? sockets() : 0;
        const store = createFleetStore(${JSON.stringify({ ...place, storagePath: path, ship: 'auto' })});
        store.append({ eventId: 'hooked', taskId: 't', timestamp: 1 }).then(() => {
          console.log(process.platform === 'linux' ? sockets() - before : 0);
          ${after}
        });`;
      const { CI, GUIDANCE_FLEET, ...rest } = process.env;
      const ran = spawnSync(process.execPath, ['-e', program], {
        encoding: 'utf8',
        env: { ...rest, ...env },
        timeout: 30_000,
      });
      expect({ out: ran.stdout, err: ran.stderr, status: ran.status }).toEqual({
        out: '0\n',
        err: '',
        status: 0,
      });
    };
    const arrives = (place, expected) =>
      expect
        .poll(async () => ids(await closing(createFleetStore(place)).readAll()), { timeout: 20_000 })
        .toEqual(expected);

    test('starts a program that ships, makes no socket, and waits for neither', async () => {
      const { place } = await fleet();
      const path = folder();
      hook(place, path, { after: 'process.exit();' });
      await arrives(place, ['hooked']);
      onTestFinished(() => void spawnSync('pkill', ['-f', path]));
      if (process.platform !== 'linux') return;
      // Where to ship is in its environment, and not for all to see.
      const shippers = readdirSync('/proc').filter((pid) => {
        try {
          return (
            readlinkSync(`/proc/${pid}/exe`) === TOOL &&
            readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path)
          );
        } catch {
          return false;
        }
      });
      expect(shippers).toHaveLength(1);
      const command = readFileSync(`/proc/${shippers[0]}/cmdline`, 'utf8').split('\0').slice(1, -1);
      expect(command).toEqual(['fleet', 'ship', '--linger', '30s', '--dir', path]);
      // A second one is not started while that one is there.
      hook(place, path);
    }, 60_000);

    test('ships where the program was asked to, whatever a file in the folder says', async () => {
      const { place } = await fleet();
      const path = folder();
      writeFileSync(
        join(path, '.events.fleet'),
        JSON.stringify({ url: AWAY, ledger: 'stranger', schema: 'theirs' }),
      );
      hook(place, path);
      onTestFinished(() => void spawnSync('pkill', ['-f', path]));
      await arrives(place, ['hooked']);
    }, 60_000);

    test.each([{ CI: 'true' }, { GUIDANCE_FLEET: 'off' }])(
      'starts nothing with %o',
      async (env) => {
        const { place } = await fleet();
        const path = folder();
        hook(place, path, { env });
        const store = closing(createFleetStore({ ...place, storagePath: path }));
        // Nobody was asked to ship: the next attempt is not due, as it is for a minute after one was.
        expect((await store.status()).local?.nextAttempt ?? null).toBeNull();
        expect(ids(await new EventStore(path).readAll())).toEqual(['hooked']);
      },
      60_000,
    );

    test('is as quick with a server that is away, and makes no socket', () => {
      hook({ url: 'postgres://agent@192.0.2.1/agents?connect_timeout=5' }, folder(), { env: { CI: 'true' } });
    }, 60_000);
  });

  test('a process with a background shipper ends when its work is done', async () => {
    const { place } = await fleet();
    const program = `
      const { createFleetStore } = require(${JSON.stringify(join(ROOT, 'fleet.js'))});
      const store = createFleetStore(${JSON.stringify({ ...place, ship: 'background' })});
    `.replace('"ship"', `"storagePath":${JSON.stringify(folder())},"ship"`);
    const child = spawn(process.execPath, [
      '-e',
      `${program} store.append({ taskId: 't', timestamp: 1 }).then(() => store.flush());`,
    ]);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await closing(createFleetStore(place)).getStats()).toMatchObject({ eventCount: 1 });
  }, 60_000);

  test('a thread that is terminated gives the folder back', async () => {
    const { place, make } = await fleet();
    const path = folder();
    const worker = new Worker(
      `const { createFleetStore } = require(${JSON.stringify(join(ROOT, 'fleet.js'))});
       const { parentPort, workerData } = require('node:worker_threads');
       const store = createFleetStore(workerData);
       store.append({ eventId: 'w', timestamp: 1 }).then(() => store.flush()).then(() => {
         store.follow({ from: 'now' }).next();
         parentPort.postMessage('ships');
       });`,
      { eval: true, workerData: { ...place, storagePath: path, ship: 'background' } },
    );
    await once(worker, 'message');
    await worker.terminate();
    const store = make({ storagePath: path });
    await store.append(runEvent());
    await expect.poll(() => store.ship({ once: true }), { timeout: 20_000 }).toMatchObject({ stored: 1 });
  }, 60_000);

  describe('a ledger over all machines', () => {
    const events = () =>
      ['r1', 'r2', 'r1'].map((rule, n) =>
        runEvent({ timestamp: 1000 * n, taskId: `t${n}`, violations: [violation(rule)], reworkLines: n }),
      );

    test('answers for all of them as a local one would that had all their events', async () => {
      const { make, place } = await fleet();
      const [one, two, three] = events();
      const [a, b] = [make(), make()];
      await a.append(two);
      await b.appendAll([one, three]);
      await Promise.all([a.flush(), b.flush()]);
      const path = folder();
      const local = closing(createPersistentLedger({ storagePath: path, compactIntervalMs: 0 }));
      local.importEvents([one, two, three]);
      const ledger = closing(createFleetLedger({ ...place, compactIntervalMs: 0 }));
      await ledger.init();
      expect(ledger.computeMetrics()).toEqual(local.computeMetrics());
      expect(ledger.rankViolations()).toEqual(local.rankViolations());
      expect(ledger.eventCount).toBe(3);
      expect(ledger.getEvents()).toEqual([one, two, three]);
      expect(await ledger.getStorageStats()).toMatchObject({ eventCount: 3 });
      expect(ledger.getEventStore()).toBeInstanceOf(FleetStore);
    }, 60_000);

    test('logs into its folder, ships, and brings edits of any event to the others', async () => {
      const { make, place } = await fleet();
      const other = make();
      const [one, two] = events();
      await other.appendAll([one, two]);
      await other.flush();
      const path = folder();
      const ledger = closing(
        createFleetLedger({ ...place, storagePath: path, ship: 'background', compactIntervalMs: 0 }),
      );
      await ledger.init();
      const own = ledger.logEvent(runEvent({ timestamp: 9000 }));
      expect(ids(await new EventStore(path).readAll())).toEqual([own.eventId]);
      ledger.getEvents()[0].outcomeAccepted = true;
      own.outcomeAccepted = false;
      await ledger.save();
      await ledger.save(); // nothing changed since
      // Of another's events only the one that was edited is in this folder.
      expect(ids(await new EventStore(path).readAll()).toSorted()).toEqual(
        [one.eventId, own.eventId].toSorted(),
      );
      await ledger.getEventStore().flush();
      const expected = [
        [one.eventId, true],
        [two.eventId, null],
        [own.eventId, false],
      ];
      const outcomes = (all) => all.map(({ eventId, outcomeAccepted }) => [eventId, outcomeAccepted]);
      expect(outcomes(await other.readAll())).toEqual(expected);
      await ledger.load();
      expect(outcomes(ledger.getEvents())).toEqual(expected);
    }, 60_000);

    test('what it logs while it loads is there once, and so is what was not shipped yet', async () => {
      const { make, place } = await fleet();
      const other = make();
      await other.appendAll(Array.from({ length: 3000 }, (_, n) => runEvent({ timestamp: n })));
      await other.flush();
      const options = { ...place, storagePath: folder(), compactIntervalMs: 0 };
      const first = closing(createFleetLedger(options));
      first.logEvent(runEvent());
      const ledger = closing(createFleetLedger(options));
      ledger.logEvent(runEvent());
      const loading = ledger.init();
      const meanwhile = ledger.logEvent(runEvent());
      await loading;
      expect(ledger.eventCount).toBe(3003);
      expect(ledger.getEvents().filter((event) => event === meanwhile)).toHaveLength(1);
    }, 60_000);

    test('what was not shipped yet can be left out', async () => {
      const { place } = await fleet();
      const options = { ...place, storagePath: folder(), compactIntervalMs: 0 };
      const writer = closing(createFleetLedger(options));
      writer.logEvent(runEvent());
      for (const [pending, count] of [
        ['include', 1],
        ['exclude', 0],
      ]) {
        const ledger = closing(createFleetLedger({ ...options, pending }));
        await ledger.init();
        expect(ledger.eventCount, pending).toBe(count);
      }
    }, 60_000);

    test('a compaction is of its folder alone', async () => {
      const { make, place } = await fleet();
      const path = folder();
      const ledger = closing(
        createFleetLedger({ ...place, storagePath: path, maxEvents: 1, compactIntervalMs: 0 }),
      );
      for (const event of events()) ledger.logEvent(event);
      await ledger.init();
      await ledger.compact();
      expect(await new EventStore(path).readAll()).toHaveLength(1);
      expect(ledger.eventCount).toBe(3);
      await ledger.getEventStore().flush();
      expect(await make({ storagePath: undefined }).readAll()).toHaveLength(3);
    }, 60_000);
  });
});
