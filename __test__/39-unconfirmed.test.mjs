/** A rewrite whose rename cannot be confirmed: the log is the new one, the caller is told, the ledger's memory is right. */
import { expect, test } from 'vitest';
import { logged } from './support/disk.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { agent } from './support/processes.mjs';

/** A process with five events, in whose folder the sync after each rename fails. */
async function unlucky(options) {
  const path = fresh();
  const faults = new Faults(folder());
  const it = await agent({ folder: path, options }, { env: faults.env });
  await it.run(async ({ ledger }) => {
    const event = ledger.createEvent('task', 'general', 'hash');
    ledger.importEvents(
      [5, 4, 3, 2, 1].map((timestamp) => ({ ...event, eventId: `e${timestamp}`, timestamp })),
    );
    await ledger.load();
  });
  faults.set(`fsync ${path} 1+ errno EIO`);
  return { path, faults, it, ids: () => logged(path).map(({ eventId }) => eventId) };
}

const UNCONFIRMED = { code: 'EUNCONFIRMED' };

describeFaults('the sync of the folder fails after the rename', () => {
  test('compact rejects, and the ledger holds what the log holds', async () => {
    const { faults, it, ids } = await unlucky({ maxEvents: 2 });
    expect(await it.fails(({ ledger }) => ledger.compact())).toMatchObject(UNCONFIRMED);
    expect(ids()).toEqual(['e4', 'e5']);
    expect(await it.run(({ ledger }) => ledger.getEvents().map(({ eventId }) => eventId))).toEqual([
      'e4',
      'e5',
    ]);
    faults.clear();
    await it.run(({ ledger }) => ledger.save());
    expect(ids()).toEqual(['e4', 'e5']);
  });

  test('writeAll rejects, and the log is replaced', async () => {
    const { it, ids } = await unlucky();
    const failure = await it.fails(({ store }) => store.writeAll([{ eventId: 'new', timestamp: 1 }]));
    expect(failure).toMatchObject(UNCONFIRMED);
    expect(ids()).toEqual(['new']);
  });

  test('save rejects and counts as saved: a compaction may evict what it wrote', async () => {
    const { faults, it, ids } = await unlucky({ enableWAL: false, maxEvents: 1 });
    await it.run(({ ledger }) => {
      ledger.finalizeEvent({ ...ledger.createEvent('task', 'general', 'hash'), eventId: 'e0', timestamp: 0 });
    });
    expect(await it.fails(({ ledger }) => ledger.save())).toMatchObject(UNCONFIRMED);
    expect(ids()).toHaveLength(6);
    faults.clear();
    expect(await it.run(({ ledger }) => ledger.compact())).toBe(5);
    expect(await it.run(({ ledger }) => ledger.getEvents().map(({ eventId }) => eventId))).toEqual(['e5']);
    expect(ids()).toEqual(['e5']);
  });
});
