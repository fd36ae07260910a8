/** The timer of compactions. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged, paths, until } from './support/disk.mjs';
import { at, lineOf, runEvent, times } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeBoth, describeOurs, ours } from './support/implementations.mjs';

function planted(events) {
  const folder = fresh();
  mkdirSync(folder, { recursive: true });
  writeFileSync(paths(folder).log, events.map(lineOf).join(''));
  return folder;
}

describeBoth('the process', (_, name) => {
  const source = {
    original: 'import("@claude-flow/guidance/persistence")',
    ours: 'import("guidance-ledger")',
  }[name];

  test('ends though the timer runs', async () => {
    const script = `${source}.then(async ({ createPersistentLedger }) => {
      const ledger = createPersistentLedger({ storagePath: ${JSON.stringify(fresh())}, compactIntervalMs: 3_600_000 });
      await ledger.init();
      console.log('ready');
    })`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
      cwd: import.meta.dirname,
      timeout: 30_000,
    });
    expect(stdout).toBe('ready\n');
  });
});

describeOurs('the timer', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  test('compacts at each interval', async () => {
    const folder = planted(at(1, 2, 3, 4));
    const ledger = open(ours, folder, { compactIntervalMs: 1000, maxEvents: 3 });
    await ledger.init();
    vi.advanceTimersByTime(1000);
    await until(() => ledger.eventCount === 3);
    ledger.logEvent(runEvent({ timestamp: 5 }));
    vi.advanceTimersByTime(1000);
    await until(() => ledger.eventCount === 3);
    expect(times(logged(folder))).toEqual([3, 4, 5]);
    await ledger.destroy();
  });

  test('a compaction that fails is told to onError, and the next one is tried', async () => {
    const folder = planted(at(1, 2, 3));
    const heard = [];
    const ledger = open(ours, folder, {
      compactIntervalMs: 1000,
      maxEvents: 1,
      onError: (error) => heard.push(error),
    });
    await ledger.init();
    const other = ours.createEventStore(folder);
    await other.acquireLock();
    vi.advanceTimersByTime(1000);
    await until(() => heard.length === 1, 'onError');
    expect(heard[0].code).toBe('ELOCKED');
    expect(ledger.eventCount).toBe(3);
    await other.releaseLock();
    vi.advanceTimersByTime(1000);
    await until(() => ledger.eventCount === 1);
    expect(heard).toHaveLength(1);
    await ledger.destroy();
  });

  test('without onError the next flush tells it', async () => {
    const folder = planted(at(1, 2));
    const ledger = open(ours, folder, { compactIntervalMs: 1000, maxEvents: 1 });
    await ledger.init();
    const other = ours.createEventStore(folder);
    await other.acquireLock();
    vi.advanceTimersByTime(1000);
    await until(
      () =>
        ledger.flush().then(
          () => false,
          (error) => error.code === 'ELOCKED',
        ),
      'the error',
    );
    await ledger.flush();
    await other.releaseLock();
    await ledger.destroy();
  });

  test('an init after a failed one starts one timer', async () => {
    const folder = fresh();
    mkdirSync(paths(folder).log, { recursive: true });
    const ledger = open(ours, folder, { compactIntervalMs: 1000 });
    await expect(ledger.init()).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
    rmSync(paths(folder).log, { recursive: true });
    await Promise.all([ledger.init(), ledger.init()]);
    expect(vi.getTimerCount()).toBe(1);
    await ledger.destroy();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('destroy during init leaves no timer', async () => {
    const ledger = open(ours, planted(at(1)), { compactIntervalMs: 1000 });
    const starting = ledger.init();
    await ledger.destroy();
    await starting;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('an interval longer than a timer can keep', () => {
  test.skipIf(ours === null)('does not fire at once', async () => {
    const folder = planted(at(1, 2));
    const started = vi.spyOn(globalThis, 'setInterval');
    try {
      const ledger = open(ours, folder, { compactIntervalMs: 2 ** 40, maxEvents: 1 });
      await ledger.init();
      expect(started.mock.calls.map(([, delay]) => delay)).toEqual([2 ** 31 - 1]);
      await ledger.destroy();
    } finally {
      started.mockRestore();
    }
    expect(logged(folder)).toHaveLength(2);
  });
});
