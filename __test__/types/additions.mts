// What goes beyond the original.

import {
  createEventStore,
  createLedger,
  createPersistentLedger,
  type Durability,
  type EventGap,
  type EventLines,
  EventStore,
  type FollowedEvent,
  type FollowOptions,
  isLedgerError,
  type LedgerError,
  type LedgerStore,
  type NewEvent,
  type PersistentLedger,
  type RunEvent,
  type RunLedger,
  type SavedEvents,
  type StoreOptions,
  type StreamOptions,
  type VerifyReport,
} from 'guidance-ledger';

const durability: Durability = 'disk';

export async function store(signal: AbortSignal): Promise<VerifyReport> {
  const options: StoreOptions = { durability, lockTimeoutMs: 1000 };
  const store = createEventStore('folder', options);
  const stream: StreamOptions = { from: 0, to: 1, taskId: 'task', signal };
  for await (const event of store.stream(stream)) {
    const { taskId }: RunEvent = event;
    if (taskId === '') break;
  }
  const iterator: AsyncIterableIterator<RunEvent> = store.stream();
  await iterator.return?.();
  const follow: FollowOptions = {
    from: 'now',
    taskId: 'task',
    signal,
    onGap: ({ missed }: EventGap) => void missed,
  };
  for await (const followed of store.follow(follow)) {
    const { event, cursor }: FollowedEvent = followed;
    const after: string = cursor;
    await store.follow({ after }).return();
    if (event.taskId === '') break;
  }
  const byTask: RunEvent[] = await store.readByTask('task');
  const evictable: number = await store.compact(byTask.length, { dryRun: true });
  await store.flush();
  const report: VerifyReport = await store.verify();
  if (report.malformed.some(({ offset, length }) => offset + length > evictable)) return report;
  return new EventStore('folder', { durability: 'process' }).verify();
}

export function whatHappened(error: unknown): string {
  if (!isLedgerError(error)) return String(error);
  const { code, path, syscall }: { code: string; path?: string; syscall?: string } = error;
  const ledgerError: LedgerError = error;
  return [code, path ?? '', syscall ?? '', ledgerError.message].join(' ');
}

export async function ledger(): Promise<void> {
  await using ledger = createPersistentLedger({
    storagePath: 'folder',
    durability: 'disk',
    lockTimeoutMs: 100,
    onError: (error: Error) => console.error((error as LedgerError).code, (error as LedgerError).path),
  });
  await using store = ledger.getEventStore();
  await store.flush();
  await ledger.flush();
}

export function overOwnStore(own: LedgerStore): PersistentLedger[] {
  let text = '';
  const memory: LedgerStore = {
    queued: false,
    log: (line: string) => line === text,
    logBatch: (lines: EventLines) => lines.count === lines.text.length,
    flush: () => null,
    finish: () => null,
    seal: async () => text,
    async save(events: SavedEvents) {
      text = events.applyTo(text);
    },
    compact: async () => 0,
    getStats: () => own.getStats(),
    async acquireLock() {},
    async releaseLock() {},
    async close() {},
  };
  return [memory, own, new EventStore('folder')].map((store) => createPersistentLedger({ store }));
}

/** An event with a property that may be there, and one that must. */
type Priced = RunEvent & { costUsd?: number };
type Signed = RunEvent & { signature: string };

export async function furtherProperties(event: Priced, signed: Signed): Promise<number> {
  const store: EventStore<Priced> = createEventStore<Priced>('folder');
  await store.append(event);
  await store.append({ ...event, costUsd: 0.1 });
  await store.appendAll([event, { ...event, costUsd: 0.2 }]);
  await store.appendAll(new Set([event]));
  let sum = 0;
  for (const { costUsd = 0 } of await store.readAll()) sum += costUsd;
  for await (const { costUsd = 0 } of store.stream({ taskId: 'task' })) sum += costUsd;

  const ledger: PersistentLedger<Priced> = createPersistentLedger<Priced>({ storagePath: 'folder' });
  const made: Priced = ledger.createEvent('task', 'feature', 'hash');
  ledger.finalizeEvent({ ...made, costUsd: 1 });
  ledger.logEvent({ ...made, costUsd: 1 });
  const start: NewEvent<Priced> = { taskId: 'task', intent: 'feature', guidanceHash: 'hash', costUsd: 1 };
  sum += ledger.createEvent(start).costUsd ?? 0;
  sum += ledger.getEvents()[0]?.costUsd ?? 0;
  const inTheStore: EventStore<Priced> = ledger.getEventStore();
  await inTheStore.writeAll(ledger.exportEvents());

  const memory: RunLedger<Signed> = createLedger<Signed>(100);
  memory.importEvents([signed]);
  const text: string = memory.createEvent({
    taskId: 'task',
    intent: 'docs',
    guidanceHash: 'hash',
    toolsUsed: ['Edit'],
    signature: 'x',
  }).signature;
  return sum + text.length;
}

// Without a type of its own, a ledger or a store is what it was.
export const plainLedger: RunLedger<RunEvent> = createLedger();
export const plainStore: EventStore = createEventStore<RunEvent>('folder');
