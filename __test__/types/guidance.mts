// The subpath for users of the published module: its functions take our ledger without a cast.

import type { PolicyBundle } from '@claude-flow/guidance';
import {
  createGuidanceHooks,
  createHeadlessRunner,
  createOptimizer,
  createRetriever,
} from '@claude-flow/guidance';
import { createGates } from '@claude-flow/guidance/gates';
import type { RunLedger as OriginalLedger } from '@claude-flow/guidance/ledger';
import type {
  PersistentLedger as OriginalPersistentLedger,
  EventStore as OriginalStore,
} from '@claude-flow/guidance/persistence';
import type * as main from 'guidance-ledger';
import * as subpath from 'guidance-ledger/guidance';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<_ extends true>(): void {}
function assignable<A, _B extends A>(): void {}

export async function use(ledger: subpath.PersistentLedger, bundle: PolicyBundle): Promise<void> {
  createGuidanceHooks(createGates(), createRetriever(), ledger);
  createHeadlessRunner(undefined, ledger, 'hash').setLedger(ledger);
  await createOptimizer().runCycle(ledger, bundle);
  createGuidanceHooks(createGates(), createRetriever(), subpath.createLedger(100));
  createHeadlessRunner(undefined, new subpath.RunLedger());
}

declare const plain: main.PersistentLedger;
// @ts-expect-error the main entry's ledger lacks the published private members
createGuidanceHooks(createGates(), createRetriever(), plain);

// Ours stand for the published classes, and for those of the main entry; a PersistentLedger is a RunLedger.
assignable<OriginalLedger, subpath.RunLedger>();
assignable<OriginalPersistentLedger, subpath.PersistentLedger>();
assignable<OriginalStore, subpath.EventStore>();
assignable<main.RunLedger, subpath.RunLedger>();
assignable<main.PersistentLedger, subpath.PersistentLedger>();
assignable<main.EventStore, subpath.EventStore>();
assignable<subpath.RunLedger, subpath.PersistentLedger>();

// Nothing is missing and nothing is added: the same exports, methods and parameters as in the main entry.
same<Equal<keyof typeof subpath, keyof typeof main>>();
same<Equal<keyof subpath.RunLedger, keyof main.RunLedger>>();
same<Equal<keyof subpath.PersistentLedger, keyof main.PersistentLedger>>();
same<Equal<keyof subpath.EventStore, keyof main.EventStore>>();
same<Equal<subpath.RunEvent, main.RunEvent>>();
type Parameters<C> = C extends abstract new (...args: infer P) => unknown ? P : never;
same<Equal<Parameters<typeof subpath.EventStore>, Parameters<typeof main.EventStore>>>();
same<Equal<Parameters<typeof subpath.PersistentLedger>, Parameters<typeof main.PersistentLedger>>>();
same<Equal<Parameters<typeof subpath.RunLedger>, Parameters<typeof main.RunLedger>>>();
type Method<C, K extends keyof C> = C[K] extends (...args: infer P) => infer R ? [P, R] : C[K];
type Methods<C, But extends keyof C = never> = { [K in Exclude<keyof C, But>]: Method<C, K> };
same<Equal<Methods<subpath.RunLedger>, Methods<main.RunLedger>>>();
same<Equal<Methods<subpath.EventStore>, Methods<main.EventStore>>>();
same<
  Equal<Methods<subpath.PersistentLedger, 'getEventStore'>, Methods<main.PersistentLedger, 'getEventStore'>>
>();

// The additions, and subclasses.
export async function additions(): Promise<void> {
  await using ledger = subpath.createPersistentLedger({ storagePath: 'folder', durability: 'disk' });
  const store: subpath.EventStore = ledger.getEventStore();
  for await (const event of store.stream({ taskId: 'task' })) ledger.finalizeEvent(event);
  await store.flush();
}

export class Team extends subpath.PersistentLedger {
  override logEvent(event: main.RunEvent | Omit<main.RunEvent, 'eventId'>): main.RunEvent {
    return super.logEvent(event);
  }

  override get eventCount(): number {
    return super.eventCount;
  }
}
