// A project without Node's types, with TypeScript's own library and nothing left unchecked.

import { createEventStore, type PersistentLedger, type RunEvent } from 'guidance-ledger';

export async function taskOfFirst(signal: AbortSignal): Promise<string | undefined> {
  await using store = createEventStore('./guidance');
  for await (const event of store.stream({ signal })) return event.taskId;
  return undefined;
}

export const dispose: (ledger: PersistentLedger) => Promise<void> = (ledger) => ledger[Symbol.asyncDispose]();
export const taskOf = (event: RunEvent): string => event.taskId;
