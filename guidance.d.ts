// `guidance-ledger/guidance`: our classes, typed as subclasses of those of `@claude-flow/guidance`.
//
// The classes of the published module have private members, and TypeScript takes such a class for equal to
// nothing but itself and its subclasses. With the types of this entry our ledger goes wherever that module asks
// for its own: `createGuidanceHooks`, `createHeadlessRunner`, the optimizer. At run time nothing is inherited:
// the exports are those of the main entry. The types need `@claude-flow/guidance`, an optional peer dependency.
//
// Declared here is what the published types lack; what they have is documented in index.d.ts as well.

import type { RunLedger as OriginalRunLedger } from '@claude-flow/guidance/ledger' with {
  'resolution-mode': 'import',
};
import type {
  EventStore as OriginalEventStore,
  PersistentLedger as OriginalPersistentLedger,
} from '@claude-flow/guidance/persistence' with { 'resolution-mode': 'import' };
import type {
  BackupReport,
  FollowedEvent,
  FollowOptions,
  NewEventArguments,
  PersistenceConfig,
  ReadOptions,
  Retention,
  RunEvent,
  StoreOptions,
  StreamOptions,
  VerifyReport,
} from './index.js';

export {
  type AbortSignalLike,
  type BackupReport,
  DiffQualityEvaluator,
  type Durability,
  type EvaluatorResult,
  type EventGap,
  type FollowedEvent,
  type FollowOptions,
  ForbiddenCommandEvaluator,
  ForbiddenDependencyEvaluator,
  type IEvaluator,
  isLedgerError,
  type LedgerError,
  type NewEvent,
  type NewEventArguments,
  type OptimizationMetrics,
  type PersistenceConfig,
  type ReadOptions,
  type Retention,
  type RiskClass,
  type RunEvent,
  type StorageStats,
  type StoreOptions,
  type StreamOptions,
  type TaskIntent,
  TestsPassEvaluator,
  type VerifyReport,
  type Violation,
  type ViolationRanking,
  ViolationRateEvaluator,
} from './index.js';

/** Run events in memory, with evaluators and metrics. */
export declare class RunLedger extends OriginalRunLedger {
  /** A new event with a fresh id, the present time and empty values; an object gives some of them. */
  override createEvent(...event: NewEventArguments): RunEvent;
}

/** A ledger in memory. */
export declare function createLedger(maxEvents?: number): RunLedger;

/** A folder with an append-only log of events, one JSON object per line. */
export declare class EventStore extends OriginalEventStore {
  constructor(storagePath: string, options?: StoreOptions);

  /** Adds events at the end of the log, all of them or none, in one write. */
  appendAll(events: Iterable<RunEvent>): Promise<void>;

  /** The events of a task, in the order of the log. */
  readByTask(taskId: string, options?: ReadOptions): Promise<RunEvent[]>;

  /** The events of a span of time, in the order of the log, those of an archive before it. */
  override readRange(startTime: number, endTime: number, options?: ReadOptions): Promise<RunEvent[]>;

  /** The events one after the other, in bounded memory. Leaving the loop closes the log. */
  stream(options?: StreamOptions): AsyncGenerator<RunEvent, void, void>;

  /** The events that are there, then those that come, from any process, each once. */
  follow(options?: FollowOptions): AsyncGenerator<FollowedEvent, void, void>;

  /** Keeps the newest events, and gives the number removed; with `dryRun` removes nothing. */
  override compact(limits: number | Retention, options?: { dryRun?: boolean }): Promise<number>;

  /** Resolves when all that this store accepted is written as `durability` says. */
  flush(): Promise<void>;

  /** Reads the whole log and reports what is not in order. Changes nothing. */
  verify(options?: ReadOptions): Promise<VerifyReport>;

  /** Writes the log as it is now into a file, and reads it again; with `archive` those events as well. */
  backup(file: string, options?: ReadOptions): Promise<BackupReport>;

  /** Sets malformed lines aside and closes a torn tail; gives the number of lines moved. */
  repair(): Promise<{ rejected: number }>;

  /** Removes the store's files; with `force` also those that a shared store has not got yet. */
  override destroy(options?: { force?: boolean }): Promise<void>;

  /** Flushes, and gives back the lock and all that the store keeps open. The files stay. */
  close(): Promise<void>;

  /** For `await using`: as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A store over a folder. */
export declare function createEventStore(path: string, options?: StoreOptions): EventStore;

/** A run ledger whose events are kept in an {@link EventStore}. */
export declare class PersistentLedger extends OriginalPersistentLedger {
  constructor(config?: Partial<PersistenceConfig>);

  /** As {@link RunLedger.createEvent}. */
  override createEvent(...event: NewEventArguments): RunEvent;

  /** Resolves when all that was accepted is written as `durability` says, or rejects with the first error. */
  flush(): Promise<void>;

  /** The store under the ledger; always the same object. */
  getEventStore(): EventStore;

  /** Flushes, and gives back the lock and all that the ledger keeps open. The files and the events stay. */
  close(): Promise<void>;

  /** For `await using`: as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A persistent ledger. Call `init()` to load what is stored. */
export declare function createPersistentLedger(config?: Partial<PersistenceConfig>): PersistentLedger;
