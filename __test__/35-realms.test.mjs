/** In a realm of its own, as test runners load it, the package's errors and objects are of that realm. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logged } from './support/disk.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { realm } from './support/realm.mjs';

/** Runs the body of an async function in a new realm. Its answer comes as JSON. */
async function inRealm(body, values = {}) {
  const { evaluate, context } = realm();
  Object.assign(context, values);
  return JSON.parse(
    await evaluate(`(async () => { ${body} })().then((answer) => JSON.stringify(answer ?? null))`),
  );
}

const CAUGHT = `
  const caught = async (call) => {
    try {
      await call();
    } catch (error) {
      return { error: error instanceof Error, type: error.constructor === globalThis[error.name], name: error.name,
        code: error.code, path: typeof error.path, ours: ledger.isLedgerError(error), text: String(error.stack).includes(error.message) };
    }
  };
`;

describeOurs('in another realm', () => {
  test('native errors are errors there, with all that they carry', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const found = await inRealm(
      `${CAUGHT}
      const store = ledger.createEventStore(path);
      const holder = ledger.createEventStore(path);
      await holder.acquireLock();
      const answers = [
        await caught(() => store.acquireLock()),
        await caught(() => ledger.createEventStore(file).append({})),
        await caught(() => ledger.createEventStore(file).compact(1)),
        await caught(() => ledger.createEventStore(file).stream().next()),
        await caught(() => store.append(5)),
      ];
      await holder.releaseLock();
      return answers;`,
      { path: fresh(), file },
    );
    for (const error of found)
      expect(error).toMatchObject({ error: true, type: true, ours: true, text: true });
    expect(found[0]).toMatchObject({ name: 'Error', code: 'ELOCKED', path: 'string' });
    expect(found.slice(1, 4).map(({ code }) => /^E/.test(code))).toEqual([true, true, true]);
    expect(found[4]).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('answers are objects of it', async () => {
    const found = await inRealm(
      `
      const store = ledger.createEventStore(path);
      await store.append({ eventId: 'a', timestamp: 1 });
      const of = (value) => Object.getPrototypeOf(value) === Object.prototype;
      const all = await store.readAll();
      const report = await store.verify();
      const promise = store.getStats();
      const stats = await promise;
      return [of(stats), Object.keys(stats), of(all[0]), Array.isArray(all), all instanceof Array, of(report),
        promise instanceof Promise, of(await store.repair())];`,
      { path: fresh() },
    );
    const keys = ['eventCount', 'storageSizeBytes', 'oldestEvent', 'newestEvent'];
    expect(found).toEqual([true, keys, true, true, true, true, true, true]);
  });

  test('all of it works: log, load, save, compact, stream, lock', async () => {
    const path = fresh();
    const found = await inRealm(
      `
      const config = { storagePath: path, compactIntervalMs: 0, maxEvents: 4 };
      const first = ledger.createPersistentLedger(config);
      for (let i = 0; i < 5; i++) first.logEvent({ ...first.createEvent('task ' + i, 'feature', 'hash'), timestamp: i });
      first.importEvents([first.createEvent('imported', 'feature', 'hash')]);
      await first.flush();
      await first.destroy();
      const second = ledger.createPersistentLedger(config);
      await second.init();
      second.getEventsByTask('task 3')[0].note = 'changed';
      second.finalizeEvent(second.createEvent('more', 'feature', 'hash'));
      await second.save();
      const evicted = await second.compact();
      const streamed = [];
      for await (const event of second.getEventStore().stream({ from: 3 })) streamed.push(event.taskId);
      const { taskCount } = second.computeMetrics();
      const ranking = second.rankViolations();
      const recent = second.getRecentEvents(2).map((event) => event.taskId);
      await second.destroy();
      return { evicted, streamed, taskCount, ranking, recent };`,
      { path },
    );
    expect(found).toEqual({
      evicted: 3,
      streamed: ['task 3', 'task 4', 'imported', 'more'],
      taskCount: 4,
      ranking: [],
      recent: ['imported', 'more'],
    });
    expect(logged(path)).toHaveLength(4);
    expect(logged(path)[0].note).toBe('changed');
  });

  test('a store there and one here share the folder', async () => {
    const path = fresh();
    await inRealm(`await ledger.createEventStore(path).append({ eventId: 'there' })`, { path });
    await ours.createEventStore(path).append({ eventId: 'here' });
    expect(logged(path).map(({ eventId }) => eventId)).toEqual(['there', 'here']);
  });

  test('the realm of the addon itself gets its classes as they are', async () => {
    const { createRequire } = await import('node:module');
    const require = createRequire(import.meta.url);
    expect(require('../lib/shared/native.js')).toBe(require('../binding.js'));
  });
});

describeOurs('in many realms', () => {
  test('there is one listener for the exit, which flushes for all of them, and no warning', () => {
    const path = fresh();
    const program = `
      import { realm } from ${JSON.stringify(new URL('./support/realm.mjs', import.meta.url).href)};
      process.on('warning', (warning) => console.log('warning', warning.name));
      const before = process.listenerCount('exit');
      for (let i = 0; i < 15; i++) {
        const { evaluate, context } = realm();
        context.path = ${JSON.stringify(path)};
        evaluate("ledger.createPersistentLedger({ storagePath: path }).finalizeEvent({ eventId: '" + i + "', timestamp: 1 })");
      }
      console.log(process.listenerCount('exit') - before);
      setTimeout(() => process.exit(), 50);
    `;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    });
    expect(said).toBe('1\n');
    expect(logged(path)).toHaveLength(15);
  });
});
