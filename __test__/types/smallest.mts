// A project with nothing but the language: no DOM, no Node, `lib` as old as the package allows.

import {
  type AbortSignalLike,
  createEventStore,
  createPersistentLedger,
  isLedgerError,
  type PersistentLedger,
  type RunEvent,
  type StreamOptions,
} from 'guidance-ledger';

export async function last(signal: AbortSignalLike): Promise<RunEvent | undefined> {
  await using store = createEventStore('./guidance');
  const options: StreamOptions = { signal };
  let event: RunEvent | undefined;
  for await (event of store.stream(options));
  return event;
}

export const own: AbortSignalLike = { aborted: false, addEventListener() {}, removeEventListener() {} };
export const dispose = (ledger: PersistentLedger): Promise<void> => ledger[Symbol.asyncDispose]();
export const codeOf = (error: unknown): string | undefined => (isLedgerError(error) ? error.code : undefined);
export const open = (): PersistentLedger => createPersistentLedger({ storagePath: './guidance' });
