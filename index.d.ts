// guidance-ledger: an event store and a run ledger that lose nothing they accepted.

// Symbol.asyncDispose, for projects that neither use Node's types nor compile for a target that has it.
/// <reference lib="esnext.disposable" />

// The types and the reference of the public classes. Code written against `@claude-flow/guidance/persistence`
// and `/ledger` compiles with these types unchanged; what goes beyond is marked by an option or a new method.
//
// Errors. A wrong argument throws (or rejects with) a TypeError or RangeError whose `code` begins with
// `ERR_`, and nothing has been written. An error of the disk or of a lock has `code`, `path` and `syscall`. All
// are `LedgerError`s.

// ---------------------------------------------------------------------------------------------- events

/** How severe a rule or its violation is. */
export type RiskClass = 'critical' | 'high' | 'medium' | 'low' | 'info';

/** What kind of work a task is. */
export type TaskIntent =
  | 'bug-fix'
  | 'feature'
  | 'refactor'
  | 'security'
  | 'performance'
  | 'testing'
  | 'docs'
  | 'deployment'
  | 'architecture'
  | 'debug'
  | 'general';

/** A broken rule. */
export interface Violation {
  /** The rule that was broken. */
  ruleId: string;
  /** What happened. */
  description: string;
  /** How severe it is. */
  severity: RiskClass;
  /** Where it happened. */
  location?: string;
  /** Whether it was put right without a human. */
  autoCorrected: boolean;
}

/** One run of a task. Further JSON properties are kept as they are. */
export interface RunEvent {
  /** Identifies the event; a UUID if this package made it. */
  eventId: string;
  /** The task that was run. */
  taskId: string;
  /** Hash of the guidance in force. */
  guidanceHash: string;
  /** Rules that were active. */
  retrievedRuleIds: string[];
  /** Tools that were used. */
  toolsUsed: string[];
  /** Files that were touched. */
  filesTouched: string[];
  /** Size of the change. */
  diffSummary: {
    linesAdded: number;
    linesRemoved: number;
    filesChanged: number;
  };
  /** What the tests said. */
  testResults: {
    ran: boolean;
    passed: number;
    failed: number;
    skipped: number;
  };
  /** Rules broken during the run. */
  violations: Violation[];
  /** Whether the outcome was accepted; null while unknown. */
  outcomeAccepted: boolean | null;
  /** Lines that had to be done again. */
  reworkLines: number;
  /** What kind of work it was. */
  intent: TaskIntent;
  /** When the run began, in milliseconds since 1970. */
  timestamp: number;
  /** How long it took, in milliseconds. */
  durationMs: number;
  /** The session it belongs to. */
  sessionId?: string;
}

// ---------------------------------------------------------------------------------------------- evaluators

/** What an evaluator says about an event. */
export interface EvaluatorResult {
  /** Name of the evaluator. */
  name: string;
  /** Whether the event passed. */
  passed: boolean;
  /** The reason, for a reader. */
  details: string;
  /** From 0 (bad) to 1 (good). */
  score?: number;
}

/** A judge of run events. Add your own with {@link RunLedger.addEvaluator}. */
export interface IEvaluator {
  /** Name of the evaluator, by which it can be removed. */
  name: string;
  /** Whether a program or a human judges. */
  type: 'objective' | 'subjective';
  /** Judges one event. */
  evaluate(event: RunEvent): Promise<EvaluatorResult>;
}

/** Passes if tests ran and none failed. The score is the share that passed. */
export declare class TestsPassEvaluator implements IEvaluator {
  name: string;
  type: 'objective';
  evaluate(event: RunEvent): Promise<EvaluatorResult>;
}

/** Passes if no entry of `toolsUsed` matches a forbidden pattern. */
export declare class ForbiddenCommandEvaluator implements IEvaluator {
  name: string;
  type: 'objective';
  /**
   * @param forbiddenPatterns by default: `rm -rf /`, forced pushes to `main` or `master`, `curl … | sh`,
   * `eval(`, `exec(`
   */
  constructor(forbiddenPatterns?: RegExp[]);
  evaluate(event: RunEvent): Promise<EvaluatorResult>;
}

/** Always passes; if packages are forbidden, the details name package files that need a review. */
export declare class ForbiddenDependencyEvaluator implements IEvaluator {
  name: string;
  type: 'objective';
  /** @param forbiddenPackages none by default */
  constructor(forbiddenPackages?: string[]);
  evaluate(event: RunEvent): Promise<EvaluatorResult>;
}

/** Passes if there are at most `maxViolations` violations. */
export declare class ViolationRateEvaluator implements IEvaluator {
  name: string;
  type: 'objective';
  /** @param maxViolations 0 by default */
  constructor(maxViolations?: number);
  evaluate(event: RunEvent): Promise<EvaluatorResult>;
}

/** Passes if rework is at most the share `maxReworkRatio` of the changed lines, or if there are none. */
export declare class DiffQualityEvaluator implements IEvaluator {
  name: string;
  type: 'objective';
  /** @param maxReworkRatio 0.3 by default */
  constructor(maxReworkRatio?: number);
  evaluate(event: RunEvent): Promise<EvaluatorResult>;
}

// ---------------------------------------------------------------------------------------------- run ledger

/** Sums over events. */
export interface OptimizationMetrics {
  /** Violations per ten events. */
  violationRate: number;
  /** Share of violations that were corrected automatically; 1 if there were none. */
  selfCorrectionRate: number;
  /** Mean of `reworkLines`. */
  reworkLines: number;
  /** Always 0: not recorded yet. */
  clarifyingQuestions: number;
  /** How many events were counted. */
  taskCount: number;
}

/** How often a rule was broken and what that cost. */
export interface ViolationRanking {
  /** The rule. */
  ruleId: string;
  /** How often it was broken. */
  frequency: number;
  /** Mean rework lines of the events in which it was broken. */
  cost: number;
  /** `frequency * cost`. */
  score: number;
}

/**
 * What {@link RunLedger.createEvent} needs of an event: what it is about, and what an `E` has beyond a
 * {@link RunEvent}. The rest may be left out.
 */
export type NewEvent<E extends RunEvent = RunEvent> = Pick<E, 'taskId' | 'intent' | 'guidanceHash'> &
  Omit<E, keyof RunEvent> &
  Partial<RunEvent>;

/**
 * The arguments of {@link RunLedger.createEvent}. An event with further properties that must be there is made of an
 * object.
 */
export type NewEventArguments<E extends RunEvent = RunEvent> = RunEvent extends E
  ? [taskId: string, intent: TaskIntent, guidanceHash: string] | [event: NewEvent<E>]
  : [event: NewEvent<E>];

/**
 * Run events in memory, with evaluators and metrics. Knows no file.
 *
 * `E` is the type of its events, for those that have further properties.
 * @example const ledger: RunLedger<RunEvent & { costUsd?: number }> = createLedger();
 */
export declare class RunLedger<E extends RunEvent = RunEvent> {
  /**
   * @param maxEvents how many events to keep; beyond that the oldest tenth is dropped. 0, the default, keeps
   * all.
   */
  constructor(maxEvents?: number);

  /** Adds an evaluator at the end of the list. */
  addEvaluator(evaluator: IEvaluator): void;

  /** Removes all evaluators of that name. */
  removeEvaluator(name: string): void;

  /**
   * Keeps a copy of the event under a fresh `eventId`, whatever id it had.
   * @returns the copy, which is the object that the ledger holds
   */
  logEvent(event: E | Omit<E, 'eventId'>): E;

  /**
   * A new event with a fresh id, the present time and empty values. It is not kept yet. Of an object, what it gives
   * takes the place of these.
   * @example ledger.createEvent({ taskId: 'task-1', intent: 'feature', guidanceHash: hash, toolsUsed: ['Edit'] });
   */
  createEvent(...event: NewEventArguments<E>): E;

  /**
   * Sets `durationMs` to the time since `timestamp` and keeps the event, under the id it has.
   * @returns the same object
   */
  finalizeEvent(event: E): E;

  /** Runs all evaluators over an event, one after the other. */
  evaluate(event: RunEvent): Promise<EvaluatorResult[]>;

  /** All events, in a new array of the ledger's own objects. */
  getEvents(): E[];

  /** The events of a task. */
  getEventsByTask(taskId: string): E[];

  /** The events with `startMs <= timestamp <= endMs`. */
  getEventsInRange(startMs: number, endMs: number): E[];

  /** The last `count` events. As `array.slice(-count)`: 0 gives all of them. */
  getRecentEvents(count: number): E[];

  /** Sums over the given events, or over all of the ledger. */
  computeMetrics(events?: RunEvent[]): OptimizationMetrics;

  /** The broken rules of the given events, or of all, the highest score first. */
  rankViolations(windowEvents?: RunEvent[]): ViolationRanking[];

  /** How many events the ledger holds. */
  get eventCount(): number;

  /** As {@link getEvents}. */
  exportEvents(): E[];

  /** Adds the given objects themselves, in their order. */
  importEvents(events: E[]): void;

  /** Drops all events. */
  clear(): void;
}

/**
 * A ledger in memory.
 * @param maxEvents as in {@link RunLedger}
 */
export declare function createLedger<E extends RunEvent = RunEvent>(maxEvents?: number): RunLedger<E>;

// ---------------------------------------------------------------------------------------------- event store

/**
 * What "accepted" means.
 *
 * - `'process'`: the line is in the operating system's hands. It survives `kill -9`, `process.exit()` and an
 *   uncaught throw, but not a power cut.
 * - `'disk'`: the line is on the disk (fsync; concurrent writers share one). It survives a power cut too.
 */
export type Durability = 'process' | 'disk';

/** Options of an {@link EventStore}. Of an unknown one there is a warning. */
export interface StoreOptions {
  /**
   * When an event counts as accepted.
   * @default 'process'
   */
  durability?: Durability;
  /**
   * How long `acquireLock()` waits for another holder, in milliseconds. 0 fails at once.
   * @default 0
   */
  lockTimeoutMs?: number;
  /**
   * Whether there is a line on stderr at the end of the process if events are lost with it and no `onError`, `flush()`
   * or rejected promise has said so.
   * @default true
   */
  warnAtExit?: boolean;
}

/** An `AbortSignal`, in so far as it is used here: a project without DOM or Node types has no such type. */
export interface AbortSignalLike {
  /** Whether it was aborted. */
  readonly aborted: boolean;
  /** Why; becomes the `cause` of the `AbortError`. */
  readonly reason?: unknown;
  /** As that of an `EventTarget`. */
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  /** As that of an `EventTarget`. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What to read with {@link EventStore.stream}. All conditions must hold. An unknown one is refused. */
export interface StreamOptions {
  /** Lowest timestamp, inclusive, in milliseconds since 1970. */
  from?: number;
  /** Highest timestamp, inclusive. */
  to?: number;
  /** Only events of this task. */
  taskId?: string;
  /** Ends the iteration with an `AbortError` (`code: 'ABORT_ERR'`, the signal's reason as `cause`). */
  signal?: AbortSignalLike;
  /**
   * Whether to read the archive as well, before the log: `true` for the one beside the log, or its folder.
   * @default false
   */
  archive?: boolean | string;
}

/** How to read. An unknown option is refused. */
export interface ReadOptions {
  /**
   * Whether to read the archive as well, before the log: `true` for the one beside the log, or its folder.
   * @default false
   */
  archive?: boolean | string;
}

/**
 * What a compaction keeps: the newest events that are within all the limits that are named. What is beyond one of them
 * goes, the oldest first. An unknown option is refused.
 */
export interface Retention {
  /** The most events. */
  maxEvents?: number;
  /** The greatest age, in milliseconds before the compaction. An event without a time is older than any. */
  maxAgeMs?: number;
  /** The most bytes of their lines in the log. */
  maxBytes?: number;
  /**
   * Where the events that go are kept: `true` for the folder `archive` beside the log, or a folder. Each is in exactly
   * one of log and archive, whenever a process dies. `false`: they are gone.
   * @default false
   */
  archive?: boolean | string;
}

/** What {@link EventStore.follow} gives: an event, and where it goes on behind it. */
export interface FollowedEvent<E extends RunEvent = RunEvent> {
  /** The event. */
  event: E;
  /** For `after`, in this process or another one, now or after any number of restarts. At most 4,096 characters. */
  cursor: string;
}

/** Events that went before they were given out. */
export interface EventGap {
  /** How many; null if that cannot be known. */
  missed: number | null;
}

/** What to follow with {@link EventStore.follow}. An unknown option is refused. */
export interface FollowOptions {
  /** Begins behind the event that had this cursor. Excludes `from`. */
  after?: string;
  /**
   * Where to begin: at the first event, with what comes, or with the events that are there and have this timestamp or
   * a later one.
   * @default 'start'
   */
  from?: 'start' | 'now' | number;
  /** Only events of this task. */
  taskId?: string;
  /** Ends the iteration with an `AbortError` (`code: 'ABORT_ERR'`, the signal's reason as `cause`). */
  signal?: AbortSignalLike;
  /** Called where events are missing, once for each gap. Without it the iteration rejects with `EGAP`. */
  onGap?: (gap: EventGap) => void;
}

/** What the folder holds. Derived from the log at the time of the call, whichever program wrote it. */
export interface StorageStats {
  /** Number of events. */
  eventCount: number;
  /** Size of the log and of `index.json`, in bytes. */
  storageSizeBytes: number;
  /** Lowest timestamp; null if there is none. */
  oldestEvent: number | null;
  /** Highest timestamp; null if there is none. */
  newestEvent: number | null;
}

/** What {@link EventStore.backup} wrote. */
export interface BackupReport {
  /** Events. */
  events: number;
  /** Lines, those that are not events included. */
  lines: number;
  /** Bytes. */
  bytes: number;
}

/** What {@link EventStore.verify} found. */
export interface VerifyReport {
  /** Lines of the log, a torn one at its end included. */
  lines: number;
  /** Lines that are events. */
  events: number;
  /** Lines of nothing but white space. */
  blank: number;
  /** How many lines are neither. A torn line at the end is not among them. */
  malformedCount: number;
  /** Where they begin, and their length in bytes: the first thousand. */
  malformed: { offset: number; length: number }[];
  /** A last line without a newline, left by a crash; `complete` if it is an event all the same. */
  tornTail: { offset: number; length: number; complete: boolean } | null;
  /** How many ids more than one event has. */
  duplicateIdCount: number;
  /** Those ids: the first thousand. */
  duplicateIds: { eventId: string; count: number }[];
  /**
   * What `index.json` says (null if unreadable); `drift` if the log says otherwise. null if there is none.
   */
  index: { eventCount: number | null; drift: boolean } | null;
  /** The archive, if there is one. */
  archive?: {
    /** Its folder. */
    folder: string;
    /** Events in it that can be read. */
    events: number;
    /** Its files, and those that a process that died has left in the store's folder on their way there. */
    files: {
      file: string;
      bytes: number;
      events: number;
      oldestEvent: number | null;
      newestEvent: number | null;
      /** Lines that are not events. */
      malformedCount: number;
      /** At how many places bytes cannot be read. */
      damageCount: number;
      /** Those places: the first thousand. */
      damage: { offset: number; length: number }[];
    }[];
  };
}

/**
 * An error that this package made: of the disk, of a lock, of an argument, or of loading the addon. The message
 * says what can be done; {@link isLedgerError} recognises it.
 *
 * Codes: those of the operating system (`ENOSPC`, `EACCES`, `EIO`, `EROFS`, …) and
 *
 * - `ELOCKED`: another store or process holds the folder's lock, has held up all writers for 20 seconds, or has a log
 *   open that was replaced;
 * - `ETOOLONG`: the event's line is too long, and was refused;
 * - `EUNSAFE`: an earlier fsync failed, so what was not yet confirmed may not survive a power cut;
 * - `ECLOSED`: the store was closed while the call waited;
 * - `EBACKLOG`: 64 MiB of lines wait to be written already;
 * - `EUNCONFIRMED`: the log was replaced, but the fsync of its folder failed;
 * - `EUNSHIPPED`: the call would lose events that a shared store has not got yet;
 * - `EGAP`: events that `follow()` was to give out are gone;
 * - `ECHANGED`: another program changed the log in place under a ledger that had loaded it.
 */
export interface LedgerError extends Error {
  /** Stable; see docs/api.md for each. */
  code: string;
  /** The file or folder concerned. */
  path?: string;
  /** The system call that failed. */
  syscall?: string;
}

/**
 * Whether this package made an error, whichever realm (`node:vm`, a test runner) it comes from. False
 * for what a `toJSON`, an evaluator or a subclass of yours throws.
 * @example if (isLedgerError(error) && error.code === 'ENOSPC') warn(error.path);
 */
export declare function isLedgerError(error: unknown): error is LedgerError;

/**
 * A folder with an append-only log of events, one JSON object per line.
 *
 * Many stores, processes and worker threads may use one folder at once. Creating a store touches no disk, and
 * reading never creates anything.
 *
 * `E` is the type of its events, for those that have further properties. It is not checked when they are read.
 *
 * @example
 * const store = new EventStore('./guidance', { durability: 'disk' });
 * await store.append(event);
 * for await (const event of store.stream({ taskId: 'task-1' })) console.log(event);
 */
export declare class EventStore<E extends RunEvent = RunEvent> {
  /**
   * @param storagePath the folder; resolved against the working directory once, now
   * @throws TypeError or RangeError for a wrong argument
   */
  constructor(storagePath: string, options?: StoreOptions);

  /**
   * Adds one event at the end of the log. It is turned into text within the call and, unless another writer is
   * at work, written; the promise resolves when the event is as safe as `durability` says.
   *
   * Rejects with a TypeError if the event is not an object or cannot be written as JSON, with a
   * {@link LedgerError} if it could not be stored.
   */
  append(event: E): Promise<void>;

  /**
   * Adds events at the end of the log, all of them or none, behind each other and in one write. All are checked before
   * anything is written; the promise resolves when they are as safe as `durability` says.
   *
   * Rejects with a TypeError that names the first event that is not an object or cannot be written as JSON, with a
   * {@link LedgerError} if they could not be stored. A process that is killed in the middle of the write may leave the
   * first of them.
   */
  appendAll(events: Iterable<E>): Promise<void>;

  /** All events, in the order of the log. Lines that are not events are passed over. */
  readAll(): Promise<E[]>;

  /** The events with `startTime <= timestamp <= endTime`, in the order of the log, those of an archive before it. */
  readRange(startTime: number, endTime: number, options?: ReadOptions): Promise<E[]>;

  /**
   * The events of a task, in the order of the log, those of an archive before it. Rejects with a TypeError if `taskId` is
   * not a string.
   */
  readByTask(taskId: string, options?: ReadOptions): Promise<E[]>;

  /**
   * The events one after the other, in bounded memory. Leaving the loop closes the log.
   * @throws TypeError or RangeError for a wrong option, at the call
   */
  stream(options?: StreamOptions): AsyncGenerator<E, void, void>;

  /**
   * The events that are there, then those that come, from any process, each once: through compactions, `save()` and
   * rewrites by other programs. Ends with the loop, the signal, or `close()` of the store.
   * @throws TypeError or RangeError for a wrong option, at the call
   * @example
   * for await (const { event, cursor } of store.follow({ after: lastCursor })) show(event, cursor);
   */
  follow(options?: FollowOptions): AsyncGenerator<FollowedEvent<E>, void, void>;

  /**
   * Keeps the newest events, by timestamp, and removes the others, into an archive if `limits` names one. Lines that
   * are not events are moved to `events.rejected.ndjson`. Rejects with a TypeError or RangeError for a wrong limit, or
   * if there is none.
   *
   * @param limits the most events (a non-negative integer or Infinity), or several limits
   * @param options with `dryRun` nothing is changed; an unknown option is refused
   * @returns how many events were removed, or would be
   * @example await store.compact({ maxAgeMs: 90 * 86_400_000, maxBytes: 100e6, archive: true });
   */
  compact(limits: number | Retention, options?: { dryRun?: boolean }): Promise<number>;

  /**
   * Replaces all events of the log by the given ones, at once or not at all. Events that others append
   * meanwhile stay; what they wrote before goes. Rejects with a TypeError if an event cannot be stored.
   */
  writeAll(events: E[]): Promise<void>;

  /** Counts and sizes, from the log itself. */
  getStats(): Promise<StorageStats>;

  /**
   * Takes the folder's lock, waiting at most `lockTimeoutMs`. It is advisory: it keeps out others that ask
   * for it, as `save()` and `compact()` of a ledger do, but no `append()`. It is free at once when its
   * holder dies. Rejects with `code: 'ELOCKED'` if another holds it, this very store included.
   */
  acquireLock(): Promise<void>;

  /** Gives the lock back, if this store holds it. */
  releaseLock(): Promise<void>;

  /** Resolves when all that this store accepted is written as `durability` says, and `index.json` is up to date. */
  flush(): Promise<void>;

  /** Reads the whole log, and the archive if there is one, and reports what is not in order. Changes nothing. */
  verify(options?: ReadOptions): Promise<VerifyReport>;

  /**
   * Writes the log as it is now into a file, while others go on writing: byte for byte, without half a line at the end.
   * With `archive`, the events of the archive come first, each event once. What was written is read again and compared
   * before the file gets its name; a file of that name is replaced then. As `events.ndjson` in an empty folder it is a
   * store.
   *
   * Rejects with a {@link LedgerError} if the store's folder or that of the file is not there, or if it cannot be
   * written; what was there before stays.
   */
  backup(file: string, options?: ReadOptions): Promise<BackupReport>;

  /**
   * Moves malformed lines, half a line at the end included, byte for byte to `events.rejected.ndjson`, ends a
   * complete last event with its newline, and writes `index.json` anew. Events stay as they are. Without
   * malformed lines the log is not rewritten.
   */
  repair(): Promise<{
    /** Number of lines moved. */
    rejected: number;
  }>;

  /**
   * Removes the store's files, the lock included, even if another store holds it. `events.rejected.ndjson` and the archive stay.
   * Rejects with `code: 'EUNSHIPPED'` if a shared store has not got all events yet, and removes nothing.
   *
   * @param options with `force` it removes them all the same; an unknown option is refused
   */
  destroy(options?: { force?: boolean }): Promise<void>;

  /**
   * Flushes, and gives back the lock and all that the store keeps open. The files stay, and the store may be used
   * again. A call that still waits for the folder or its lock rejects with `code: 'ECLOSED'`.
   */
  close(): Promise<void>;

  /** For `await using`: as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A store over a folder.
 * @example const store = createEventStore('./guidance');
 */
export declare function createEventStore<E extends RunEvent = RunEvent>(
  path: string,
  options?: StoreOptions,
): EventStore<E>;

// ----------------------------------------------------------------------------------------- persistent ledger

/** Lines of events that a {@link LedgerStore} is given to write. */
export interface EventLines {
  /** How many. */
  readonly count: number;
  /** The JSON texts of the events, each ending in a newline. */
  readonly text: string;
}

/** What {@link PersistentLedger.save} gives to a {@link LedgerStore}. */
export interface SavedEvents {
  /**
   * The lines that the store shall hold: those of the ledger's events in order, then every line of `log` whose event
   * the ledger never held.
   * @param log the lines that the store holds now, separated by newlines
   */
  applyTo(log: string): string;
}

/** Events that were loaded and not parsed; only the stores of this package make them. */
export interface SealedEvents {
  /** How many. */
  readonly length: number;
}

/**
 * What a {@link PersistentLedger} needs from a store: a log of lines, each the JSON text of one event. An
 * {@link EventStore} can be given as it is; implement this to keep a ledger's events elsewhere, or in the memory of a
 * test.
 */
export interface LedgerStore {
  /** Whether lines that `log()` or `logBatch()` accepted are not written yet. */
  readonly queued: boolean;
  /**
   * Accepts the JSON text of one event, in this call. A fault of the medium does not throw: the line stays queued.
   * @returns whether it is written; if not, the ledger calls `flush()`
   * @throws if it is refused. With `code: 'EBACKLOG'` the ledger keeps the event until the next `save()`; any other
   * error goes to the caller
   */
  log(line: string): boolean;
  /** As `log()`, for many lines, of which all or none are accepted. */
  logBatch(lines: EventLines): boolean;
  /** Writes what is queued. Rejects if that fails; the lines stay queued. null if there is nothing to do. */
  flush(): Promise<void> | null;
  /** As `flush()`, just before `close()`; it should not wait for long. */
  finish(): Promise<void> | null;
  /** The events of the log: the text of their lines, separated by newlines. Lines that are not events are passed over. */
  seal(): Promise<string | SealedEvents>;
  /** Replaces the log by `events.applyTo(log)`, at once or not at all. */
  save(events: SavedEvents): Promise<void>;
  /**
   * Keeps the newest events, by timestamp.
   * @param limits the most events; what the ledger's `retention` says, if it has one
   * @returns how many were removed
   */
  compact(limits: number | Retention): Promise<number>;
  /** Counts and sizes. */
  getStats(): Promise<StorageStats>;
  /** Called before `save()` and `compact()`. Rejects with `code: 'ELOCKED'` if another holds the lock. */
  acquireLock(): Promise<void>;
  /** Gives the lock back. */
  releaseLock(): Promise<void>;
  /**
   * The ledger's caller knows why lines wait: a store that warns of lost events at the end of the process needs not
   * name them.
   */
  faultReported?(): void;
  /** Gives everything back. A store that is used again opens anew. */
  close(): Promise<void>;
}

/** Configuration of a {@link PersistentLedger}. An option given as `undefined` means its default. */
export interface PersistenceConfig extends StoreOptions {
  /**
   * The folder of the files. Where none is named, the environment variable `GUIDANCE_LEDGER_DIR` names it, for the
   * ledger as for the command-line tool.
   * @default '.claude-flow/guidance'
   */
  storagePath: string;
  /**
   * How many events a compaction keeps.
   * @default 10000, unless `retention` names a limit
   */
  maxEvents: number;
  /**
   * What a compaction keeps, by the timer as by `compact()`, and where the rest goes. Limits that are named here stand
   * beside a `maxEvents` that is named, and in place of its default.
   */
  retention?: Retention;
  /**
   * Time between automatic compactions after `init()`, in milliseconds. 0 means none.
   * @default 3600000
   */
  compactIntervalMs: number;
  /**
   * Whether `logEvent()` and `finalizeEvent()` write at once. If not, only `save()` writes their events.
   * @default true
   */
  enableWAL: boolean;
  /**
   * Called for every failure of work that is not awaited: a write that was put off, a compaction by the timer.
   * What it throws is ignored. Without it the next `flush()`, `save()` or `destroy()` rejects with the error.
   */
  onError?: (error: Error) => void;
  /**
   * The store under the ledger, in place of one over `storagePath`. The options that say
   * how a store writes (`storagePath`, `durability`, `lockTimeoutMs`, `warnAtExit`) are refused beside it. The ledger's `destroy()` closes the store.
   */
  store?: EventStore | LedgerStore;
}

/**
 * A run ledger whose events are kept in an {@link EventStore}.
 *
 * `logEvent()`, `finalizeEvent()` and `importEvents()` have written their events when they return. A fault of
 * the disk, or a folder that is busy for longer than a few milliseconds, does not throw there: the event is
 * kept, written as soon as possible, and a failure is reported as `onError` describes.
 *
 * @example
 * const ledger = createPersistentLedger({ storagePath: './guidance' });
 * await ledger.init();
 * ledger.finalizeEvent(ledger.createEvent('task-1', 'feature', hash));
 * await ledger.destroy();
 */
export declare class PersistentLedger<E extends RunEvent = RunEvent> extends RunLedger<E> {
  /** @throws TypeError or RangeError for a wrong option */
  constructor(config?: Partial<PersistenceConfig>);

  /**
   * Loads the stored events and starts the timer of compactions: from then on the ledger keeps the newest 10,000
   * events, unless `maxEvents`, `retention` or `compactIntervalMs: 0` says otherwise, and evicts the others every hour.
   *
   * Later calls do nothing. One that failed may be tried again.
   */
  init(): Promise<void>;

  /**
   * As {@link RunLedger.logEvent}, and writes the event if `enableWAL` is set.
   * @throws TypeError if the event is not an object or cannot be written as JSON; then it is not kept either
   */
  logEvent(event: E | Omit<E, 'eventId'>): E;

  /**
   * As {@link RunLedger.finalizeEvent}, and writes the event if `enableWAL` is set.
   * @throws TypeError as `logEvent`
   */
  finalizeEvent(event: E): E;

  /**
   * As {@link RunLedger.importEvents}, and writes the events whatever `enableWAL` says.
   * @throws TypeError naming the first event that cannot be stored; then none of them is kept
   */
  importEvents(events: E[]): void;

  /**
   * Rewrites the log: the ledger's events as they are now, then every line that the ledger never held, such
   * as those of other processes. Events removed by `clear()` go. All at once or not at all.
   * Rejects with `code: 'ELOCKED'` if another holds the lock; another `save()` or `compact()` of this ledger is waited for.
   */
  save(): Promise<void>;

  /**
   * Replaces the ledger's events by those of the log. Events that arrive while it works are kept.
   * Objects handed out before are no longer the ledger's.
   */
  load(): Promise<void>;

  /**
   * Compacts the log to `maxEvents` or `retention` and loads it again if that removed anything. Events that were never
   * written stay in the ledger. Rejects with `code: 'ELOCKED'` if another holds the lock.
   * @returns how many events were removed from the log
   */
  compact(): Promise<number>;

  /**
   * Resolves when all that was accepted is written as `durability` says. Rejects with the first error of
   * earlier background work that was not reported yet, once.
   */
  flush(): Promise<void>;

  /** Counts and sizes of the store. */
  getStorageStats(): Promise<StorageStats>;

  /**
   * Stops the timer, flushes, and gives back the lock and all that the ledger keeps open. The files and the events
   * stay, and the ledger may still be used; `init()` then loads again and starts the timer. Rejects as `flush()`.
   */
  close(): Promise<void>;

  /**
   * As `close()`, which is the name to prefer; it removes nothing. As in the original, a ledger that was initialised
   * stays so: its `init()` does nothing more, and the timer stays stopped.
   */
  destroy(): Promise<void>;

  /** The store under the ledger; always the same object. It is what was given as `store`, if that was. */
  getEventStore(): EventStore<E>;

  /** For `await using`: as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A persistent ledger. Call `init()` to load what is stored.
 * @example const ledger = createPersistentLedger({ storagePath: './guidance' });
 */
export declare function createPersistentLedger<E extends RunEvent = RunEvent>(
  config?: Partial<PersistenceConfig>,
): PersistentLedger<E>;
