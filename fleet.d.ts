// guidance-ledger/fleet: one ledger over many machines, in a shared PostgreSQL.
//
// Events are accepted by the folder of a machine, as everywhere in this package, and shipped from there: each once, byte
// for byte. docs/fleet.md says how a store is set up, what is promised, and what happens when something fails.
//
// Errors. A wrong argument throws a TypeError or RangeError whose `code` begins with `ERR_`. What a server or the way to
// it is to blame for has a `code` that begins with `EFLEET`, and says what to do; no message holds a password.

/// <reference lib="esnext.disposable" />

import type {
  AbortSignalLike,
  BackupReport,
  EventStore,
  FollowedEvent,
  FollowOptions,
  PersistenceConfig,
  PersistentLedger,
  ReadOptions,
  Retention,
  RunEvent,
  StorageStats,
  StoreOptions,
  StreamOptions,
  VerifyReport,
} from './index.js';

export type * from './index.js';

/**
 * How the events of the folder get to the shared store from this process.
 *
 * - `'manual'`: by `flush()` and `ship()` alone, or by another process, such as `guidance-ledger fleet ship`.
 * - `'auto'`: after a write, at most once a minute, `guidance-ledger fleet ship` is started, and not waited for: it ships
 *   what waits and ends half a minute after the last event. Not where `CI` is set. For processes that end soon.
 * - `'background'`: a thread of this process ships what comes, as long as it lives. It does not keep the process alive.
 */
export type ShipMode = 'manual' | 'auto' | 'background';

/** Options of a {@link FleetStore}. An unknown one is refused. */
export interface FleetStoreOptions extends StoreOptions {
  /**
   * The server, as a URL or in libpq's words (`host=… dbname=…`). A password is better kept in a passfile.
   * @default the environment: `GUIDANCE_FLEET_URL`, else PostgreSQL's own variables, of which `PGHOST`, `PGHOSTADDR` or
   *   `PGSERVICE` must be set
   */
  url?: string;
  /**
   * The ledger's name in the store.
   * @default `GUIDANCE_FLEET_LEDGER`, else 'default'
   */
  ledger?: string;
  /**
   * The schema of the database that holds it.
   * @default `GUIDANCE_FLEET_SCHEMA`, else 'guidance_ledger'
   */
  schema?: string;
  /**
   * What people call this folder, in `status({ remote: true })` and for operators.
   * @default `GUIDANCE_FLEET_LABEL`, else none
   */
  label?: string;
  /** The folder of this machine. Without it the store only reads. */
  storagePath?: string;
  /**
   * How events are shipped. `GUIDANCE_FLEET=off` in the environment makes it `'manual'`.
   * @default 'manual'
   */
  ship?: ShipMode;
  /**
   * Whether events of the folder that were not shipped yet are read among the others. They are held in memory for the
   * time of the reading.
   * @default 'include'
   */
  pending?: 'include' | 'exclude';
  /**
   * Called when shipping in the background fails, once for each kind of failure in a row. It is tried again in any case.
   * What it throws is ignored.
   */
  onError?: (error: Error) => void;
}

/** An event that came, where it goes on behind it, and where it came from. */
export interface FleetEvent<E extends RunEvent = RunEvent> extends FollowedEvent<E> {
  /** The folder that shipped it: `source` of {@link FleetSource}. */
  source: string;
  /** When the store received it, in milliseconds since 1970. */
  receivedAt: number;
}

/** What was shipped. */
export interface ShipReport {
  /** Events that are new in the store. */
  stored: number;
  /** Events that it had before. */
  repeated: number;
  /** Events that are older than what the store keeps; not stored. */
  late: number;
  /** Events that the store refuses, set aside in `events.unshipped.ndjson`. */
  setAside: number;
}

/** How the shipping of the folder goes, from whichever process. */
export interface ShippingStatus {
  /** Bytes of lines that wait. */
  pendingBytes: number;
  /** Events that were new in the store. */
  shipped: number;
  /** Events that it had before. */
  repeated: number;
  /** Events that it refuses. */
  setAside: number;
  /** Attempts that failed since the last success. */
  failures: number;
  /** The `code` of the last failure; null if the last attempt did not fail. */
  lastFailure: string | null;
  /** When the next attempt is due, in milliseconds since 1970; null if none is. */
  nextAttempt: number | null;
  /** When a batch was acknowledged last, in milliseconds since 1970; null for never. */
  lastShipped: number | null;
}

/** A folder that ships to the ledger. */
export interface FleetSource {
  /** Identifies it; a UUID. */
  source: string;
  /** The machine's name; null if it is not known. */
  host: string | null;
  /** The folder's label; null if it has none. */
  label: string | null;
  /** When it was heard of last, in milliseconds since 1970. */
  lastSeen: number;
  /** Events that it brought. */
  stored: number;
  /** Events that it offered and that were there. */
  repeated: number;
  /** Events that came too late. */
  late: number;
  /** Bytes that waited there when it was heard of last; null if it did not say. */
  pendingBytes: number | null;
  /** Its clock minus the server's, in milliseconds; null if it did not say. */
  clockMs: number | null;
}

/** What {@link FleetStore.status} gives. */
export interface FleetStatus {
  /** Hosts and database, without user and password. */
  place: string;
  /** The folder's; null without `storagePath`, and if nothing was written for the fleet yet. */
  local: ShippingStatus | null;
  /** The store's, if it was asked for. */
  remote?: StorageStats & {
    /** Who ships, those heard of last first; at most 1,000. */
    sources: FleetSource[];
  };
}

/**
 * One ledger over many machines, with the surface of an {@link EventStore}: what is written goes to the folder of this
 * machine, what is read is the shared store's, with this machine's own events among it.
 *
 * Creating it touches neither disk nor network. Calls that are about a folder reject with `code: 'ENOTSUP'` without a
 * `storagePath`; those that would take events from others always do.
 *
 * @example
 * const fleet = createFleetStore({ url: 'postgres://agent@db.example/agents', storagePath: './guidance', ship: 'auto' });
 * await fleet.append(event);
 * for await (const event of fleet.stream({ from: Date.now() - 3_600_000 })) console.log(event);
 */
export declare class FleetStore<E extends RunEvent = RunEvent> {
  /**
   * @throws TypeError or RangeError for a wrong option; an Error with `code: 'EFLEETCONFIG'` for a wrong connection string,
   *   but with `ship: 'auto'`, where that is said when it is used: to `onError` or by a warning, and by the first reading
   */
  constructor(options?: FleetStoreOptions);

  /**
   * Adds one event to the folder's log, as {@link EventStore.append}. It never waits for the network; with
   * `ship: 'auto'` it may start a program that ships.
   */
  append(event: E): Promise<void>;

  /** Adds events to the folder's log, all of them or none, as {@link EventStore.appendAll}. */
  appendAll(events: Iterable<E>): Promise<void>;

  /**
   * All events of all machines, in the order of time; those of one millisecond and one machine in the order of their log.
   * Of an event that was edited by `save()` the newest form. Rejects with `code: 'EFLEETDOWN'` if the store cannot be
   * reached.
   */
  readAll(): Promise<E[]>;

  /** The events with `startTime <= timestamp <= endTime`, as {@link FleetStore.readAll}. */
  readRange(startTime: number, endTime: number, options?: ReadOptions): Promise<E[]>;

  /** The events of a task, as {@link FleetStore.readAll}. */
  readByTask(taskId: string, options?: ReadOptions): Promise<E[]>;

  /**
   * The events one after the other, as {@link FleetStore.readAll}, in bounded memory. A connection that is lost on the
   * way is made anew. An event that is there all the while comes once; one that comes meanwhile may come.
   * @throws TypeError or RangeError for a wrong option, at the call
   */
  stream(options?: StreamOptions): AsyncGenerator<E, void, void>;

  /**
   * The events that are there, then those that come, from any machine, each once, in the order in which the store
   * received them. It survives lost connections, and goes on behind a cursor in any process. Ends with the loop, the
   * signal, or `close()`.
   *
   * Rejects with `code: 'EGAP'` where events were evicted before they were given out, unless `onGap` is there; with
   * `code: 'EREWOUND'` if the store went back in time, such as to a backup.
   * @throws TypeError or RangeError for a wrong option, at the call
   */
  follow(options?: FollowOptions): AsyncGenerator<FleetEvent<E>, void, void>;

  /**
   * Evicts the oldest events of all machines beyond the newest `limits`, in small steps. Wants the role of an admin. No
   * timer calls it. Other limits than a number of events reject with `code: 'ENOTSUP'`.
   * @returns how many events were removed, or would be with `dryRun`
   */
  compact(limits: number | Retention, options?: { dryRun?: boolean }): Promise<number>;

  /** Counts and sizes of the shared store; of what it holds, `storageSizeBytes` are the bytes of the events. */
  getStats(): Promise<StorageStats>;

  /**
   * Resolves when all that the folder accepted so far is in the shared store, by this process or by another one. Rejects
   * after `timeoutMs`, with what kept it from being shipped or with `code: 'ETIMEDOUT'`, and at once with a failure that a
   * person has to see to. The events stay in the folder.
   * @param options `timeoutMs`: 60,000 by default
   */
  flush(options?: { timeoutMs?: number }): Promise<void>;

  /**
   * Ships in this process: with `once` all that waits, else what waits and what comes until the signal is aborted. With
   * `once`, what passes by itself is tried again for `timeoutMs` (60,000 by default), and a signal that is aborted makes
   * it reject with an `AbortError`.
   * @returns with `once` what was shipped, or null if another process ships the folder; else whether this process did
   */
  ship(options: { once: true; timeoutMs?: number; signal?: AbortSignalLike }): Promise<ShipReport | null>;
  ship(options?: { once?: false; signal?: AbortSignalLike }): Promise<boolean>;

  /** How the shipping goes; with `remote`, also what the store knows of all machines. */
  status(options?: { remote?: boolean }): Promise<FleetStatus>;

  /** Takes the folder's lock, as {@link EventStore.acquireLock}. */
  acquireLock(): Promise<void>;

  /** Gives the folder's lock back. */
  releaseLock(): Promise<void>;

  /** Reports what is not in order in the folder, as {@link EventStore.verify}. */
  verify(options?: ReadOptions): Promise<VerifyReport>;

  /** Sets malformed lines of the folder aside, as {@link EventStore.repair}. */
  repair(): Promise<{
    /** Number of lines moved. */
    rejected: number;
  }>;

  /** Rejects with `code: 'ENOTSUP'`: a shared store only gets more. */
  writeAll(events: E[]): Promise<never>;

  /** Rejects with `code: 'ENOTSUP'`: a shared store is backed up with `pg_dump`. */
  backup(file: string, options?: ReadOptions): Promise<BackupReport>;

  /** Rejects with `code: 'ENOTSUP'`: it would remove what all machines share. */
  destroy(): Promise<never>;

  /**
   * Ends what this process ships and follows, closes its connections, and closes the folder as
   * {@link EventStore.close}. What was not shipped waits in the folder.
   */
  close(): Promise<void>;

  /** For `await using`: as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A store over a shared ledger.
 * @example const fleet = createFleetStore({ url: 'postgres://agent@db.example/agents' });
 */
export declare function createFleetStore<E extends RunEvent = RunEvent>(
  options?: FleetStoreOptions,
): FleetStore<E>;

/** Options of a {@link FleetLedger}: those of its store, and those of a ledger. An unknown one is refused. */
export interface FleetLedgerOptions
  extends FleetStoreOptions,
    Partial<Pick<PersistenceConfig, 'maxEvents' | 'retention' | 'compactIntervalMs' | 'enableWAL'>> {}

/**
 * A {@link PersistentLedger} that answers for all machines: `init()` and `load()` bring in the events of the whole fleet,
 * so metrics, rankings and evaluators are about all of them. What it logs goes to the folder, in the call, and is shipped.
 *
 * `save()` writes the events that were edited to the folder, from where they reach the store as newer forms of the same
 * events; nothing is taken from others. `compact()`, by the timer too, is about the folder alone. Without a `storagePath`
 * whatever writes throws or rejects with `code: 'ENOTSUP'`.
 *
 * @example
 * const ledger = createFleetLedger({ url: 'postgres://agent@db.example/agents', storagePath: './guidance' });
 * await ledger.init();
 * console.log(ledger.rankViolations());
 */
export declare class FleetLedger<E extends RunEvent = RunEvent> extends PersistentLedger<E> {
  /** @throws as {@link FleetStore}'s constructor */
  constructor(options?: FleetLedgerOptions);

  /** The {@link FleetStore} under the ledger; always the same object. */
  getEventStore(): FleetStore<E>;
}

/**
 * A ledger over all machines. Call `init()` to load what is stored.
 * @example const ledger = createFleetLedger({ url: 'postgres://agent@db.example/agents', storagePath: './guidance' });
 */
export declare function createFleetLedger<E extends RunEvent = RunEvent>(
  options?: FleetLedgerOptions,
): FleetLedger<E>;
