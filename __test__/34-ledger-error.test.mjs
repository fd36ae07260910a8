/** isLedgerError(): each error that this package makes, and no other. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { paths } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

const require = createRequire(import.meta.url);

/** What a call throws or rejects with. */
async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('no error came');
}

/** A store whose folder is a file. */
function onFile() {
  const path = join(folder(), 'file');
  writeFileSync(path, '');
  return ours.createEventStore(path);
}

async function locked(path) {
  const holder = ours.createEventStore(path);
  await holder.acquireLock();
  return () =>
    ours
      .createEventStore(path)
      .acquireLock()
      .finally(() => holder.releaseLock());
}

describeOurs('isLedgerError', () => {
  test.each([
    ['a wrong event', () => ours.createEventStore(fresh()).append(5), 'ERR_INVALID_ARG_TYPE'],
    ['a wrong type', () => new ours.EventStore(5), 'ERR_INVALID_ARG_TYPE'],
    ['a wrong value', () => ours.createEventStore(fresh()).compact(-1), 'ERR_OUT_OF_RANGE'],
    ['a wrong option', () => ours.createPersistentLedger({ maxEvents: 'x' }), 'ERR_INVALID_ARG_TYPE'],
    ['a fault of the disk, thrown in the call', () => onFile().append(runEvent()), /^E(NOTDIR|EXIST)$/],
    ['a fault of the disk, on the pool', () => onFile().compact(1), /^E/],
    [
      'an abort',
      () => ours.createEventStore(fresh()).stream({ signal: AbortSignal.abort() }).next(),
      'ABORT_ERR',
    ],
    ['a lock', async () => (await locked(fresh()))(), 'ELOCKED'],
  ])('knows %s', async (_, call, code) => {
    const error = await errorOf(call);
    expect(ours.isLedgerError(error)).toBe(true);
    expect(error.code).toMatch(code);
    // The mark shows nowhere.
    expect(
      Object.keys(error)
        .concat(
          Object.getOwnPropertySymbols(error).filter(
            (it) => Object.getOwnPropertyDescriptor(error, it).enumerable,
          ),
        )
        .sort(),
    ).toEqual(['code', 'name', 'path', 'syscall'].filter((name) => Object.hasOwn(error, name)));
  });

  test('knows what onError is given', async () => {
    const path = fresh();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    const error = await new Promise((resolve) => {
      ours.createPersistentLedger({ storagePath: path, onError: resolve }).finalizeEvent(runEvent());
    });
    expect(ours.isLedgerError(error)).toBe(true);
    expect(error.path).toContain(paths(path).log.split('/').at(-2));
  });

  test('knows those of another realm, and of another copy of the module', async () => {
    const error = await errorOf(() => ours.createEventStore(fresh()).append(5));
    const path = require.resolve('../lib/shared/ledger-error.js');
    const other = runInNewContext(
      `(function (module, require) { ${require('node:fs').readFileSync(path)} })`,
    );
    const module = { exports: {} };
    other(module, require);
    expect(module.exports.isLedgerError).not.toBe(ours.isLedgerError);
    expect(module.exports.isLedgerError(error)).toBe(true);
    const theirs = module.exports.marked(runInNewContext('new TypeError("x")'), { code: 'ERR_X' });
    expect(theirs).not.toBeInstanceOf(Error);
    expect(ours.isLedgerError(theirs)).toBe(true);
  });

  test('knows no other', async () => {
    const node = await errorOf(() => require('node:fs').readFileSync('/none'));
    const own = await errorOf(() =>
      ours.createPersistentLedger({ storagePath: fresh() }).logEvent({
        get bad() {
          throw new Error('from the getter');
        },
      }),
    );
    const refusing = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
      },
    );
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const other of [
      node,
      own,
      new Error('x'),
      Object.assign(new Error('x'), { code: 'ELOCKED' }),
      { code: 'ELOCKED' },
      undefined,
      null,
      0,
      'ELOCKED',
      Symbol.for('guidance-ledger.error'),
      () => {},
      refusing,
      revoked.proxy,
    ])
      expect(ours.isLedgerError(other)).toBe(false);
  });
});
