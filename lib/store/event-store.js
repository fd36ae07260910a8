'use strict';

// EventStore: one folder with its log of events, as JavaScript sees it.
//
// This class checks arguments and turns events into JSON text and back. Files, locks, indexes and scans are
// the native core's; all that it reports is derived from the log at the time of the call, whichever program wrote it.
// Constructing a store touches no disk, and reading never creates anything.

const { asyncDispose } = require('../shared/symbols.js');
const { StoreCore } = require('../shared/native.js');
const check = require('../shared/arguments.js');
const { batchInTurns, batchPieces, eventText, othersTurn } = require('../shared/event-text.js');
const { LogWriter } = require('./log-writer.js');
const { STORE_OPTIONS, checkStoreOptions } = require('./store-options.js');

/** @typedef {import('../../index.d.ts').FollowOptions} FollowOptions */
/** @typedef {import('../../index.d.ts').ReadOptions} ReadOptions */
/** @typedef {import('../../index.d.ts').Retention} Retention */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('../../index.d.ts').StoreOptions} StoreOptions */
/** @typedef {import('../../index.d.ts').StreamOptions} StreamOptions */
/** @typedef {import('../../index.d.ts').VerifyReport} VerifyReport */

const USAGE = "createEventStore('path/to/folder')";

/** Loaded by the first call that reads: a hook that appends one event reads nothing. */
const reading = () => require('./event-stream.js');
/** By the first call that has to do with an archive, or with limits. */
const retention = () => require('../shared/retention.js');

/**
 * The parts that a ledger over this store works with; not exported by the package.
 * @type {(store: EventStore) => { core: StoreCore, writer: LogWriter }}
 */
let partsOf;

/**
 * The archive that is to be read as well.
 * @param {ReadOptions | undefined} options
 */
function archiveOf(options) {
  const { archive } = check.checkOptions('options', options, ['archive'], 'refuse');
  return archive === undefined ? null : retention().checkArchive('archive', archive);
}

class EventStore {
  #core;
  #writer;
  #lockTimeoutMs;
  /** Those that were not ended. @type {Set<import('./event-follow.js').Following>} */
  #following = new Set();

  static {
    partsOf = (store) => ({ core: store.#core, writer: store.#writer });
  }

  /**
   * @param {string} storagePath
   * @param {StoreOptions} [options]
   */
  constructor(storagePath, options) {
    const path = check.checkPath('storagePath', storagePath, USAGE);
    const given = check.checkOptions('options', options, STORE_OPTIONS, 'warn');
    const { durability, lockTimeoutMs, warnAtExit } = checkStoreOptions(given);
    this.#lockTimeoutMs = lockTimeoutMs;
    // Resolved once: a later chdir must not move the store.
    const folder = check.resolvePath('storagePath', path);
    this.#core = new StoreCore(folder, { durableDisk: durability === 'disk' });
    this.#writer = new LogWriter(this.#core, folder, warnAtExit);
  }

  /** @param {RunEvent} event */
  async append(event) {
    // All of it happens within the call; what is awaited is only what the folder made us wait for.
    const settled = this.#writer.append(eventText('event', event));
    if (settled !== null) await settled;
  }

  /** @param {Iterable<RunEvent>} events */
  async appendAll(events) {
    const all = [...check.checkIterable(events)];
    const batching = batchPieces(all, all.length);
    // A batch of usual size is written within the call, as a single event is.
    let step = batching.next();
    for (; !step.done; step = batching.next()) await othersTurn();
    if (all.length === 0) return;
    const settled = this.#writer.appendBatch(step.value.batch);
    if (settled !== null) await settled;
  }

  /** @returns {Promise<RunEvent[]>} */
  async readAll() {
    return reading().collect(this.#core.open(null, null, null, false, null));
  }

  /**
   * @param {number} startTime
   * @param {number} endTime
   * @param {ReadOptions} [options]
   * @returns {Promise<RunEvent[]>}
   */
  async readRange(startTime, endTime, options = {}) {
    const archive = archiveOf(options);
    const numbers = typeof startTime === 'number' && typeof endTime === 'number';
    // Other types have comparisons of their own, which only JavaScript knows.
    const reader = numbers
      ? this.#core.open(startTime, endTime, null, true, archive)
      : this.#core.open(null, null, null, false, archive);
    return reading().collect(reader, (e) => e.timestamp >= startTime && e.timestamp <= endTime);
  }

  /**
   * @param {string} taskId
   * @param {ReadOptions} [options]
   * @returns {Promise<RunEvent[]>}
   */
  async readByTask(taskId, options) {
    if (typeof taskId !== 'string') throw check.wrongType('taskId', 'a string', taskId);
    const reader = this.#core.open(null, null, JSON.stringify(taskId), true, archiveOf(options));
    return reading().collect(reader, (e) => e.taskId === taskId);
  }

  /** @param {StreamOptions} [options] */
  stream(options) {
    const checked = reading().checkStreamOptions(options);
    const { from = null, to = null, taskId } = checked;
    const archive = retention().checkArchive('archive', checked.archive);
    const task = taskId === undefined ? null : JSON.stringify(taskId);
    return reading().stream(() => this.#core.open(from, to, task, false, archive), checked);
  }

  /** @param {FollowOptions} [options] */
  follow(options) {
    const { Following, checkFollowOptions, notACursor } = require('./event-follow.js');
    const checked = checkFollowOptions(options);
    const { after, from, now, task } = checked;
    const reader = this.#core.follow(after, from, now, task);
    if (reader === null) throw notACursor(/** @type {string} */ (after));
    const following = new Following(reader, checked, (ended) => this.#following.delete(ended));
    this.#following.add(following);
    return following;
  }

  /**
   * @param {number | Retention} limits
   * @param {{ dryRun?: boolean }} [options]
   * @returns {Promise<number>}
   */
  async compact(limits, options) {
    const { limits: checked, archive } = retention().checkLimits(limits);
    const { dryRun = false } = check.checkOptions('options', options, ['dryRun'], 'refuse');
    return check.checkBoolean('dryRun', dryRun)
      ? this.#core.compactable(checked)
      : this.#core.compact(checked, archive);
  }

  /** @param {RunEvent[]} events */
  async writeAll(events) {
    if (!check.isArray(events)) throw check.wrongType('events', 'an array of events', events);
    const { batch } = await batchInTurns(events.slice(), events.length);
    await this.#core.replaceAll(batch);
  }

  async getStats() {
    return this.#core.stats();
  }

  async acquireLock() {
    await this.#core.acquireLock(this.#lockTimeoutMs);
  }

  async releaseLock() {
    this.#core.releaseLock();
  }

  async flush() {
    const flushed = this.#writer.flush();
    if (flushed !== null) await this.#reported(flushed);
  }

  /**
   * @param {ReadOptions} [options]
   * @returns {Promise<VerifyReport>}
   */
  async verify(options) {
    return JSON.parse(await this.#core.verify(archiveOf(options) ?? ''));
  }

  /**
   * @param {string} file
   * @param {ReadOptions} [options]
   */
  async backup(file, options) {
    const path = check.resolvePath(
      'file',
      check.checkPath('file', file, "store.backup('path/to/file.ndjson')"),
    );
    return this.#core.backup(path, archiveOf(options));
  }

  async repair() {
    return { rejected: await this.#core.repair() };
  }

  /** @param {{ force?: boolean }} [options] */
  async destroy(options = {}) {
    const { force = false } = check.checkOptions('options', options, ['force'], 'refuse');
    await this.#core.destroy(check.checkBoolean('force', force));
  }

  async close() {
    const finished = this.#writer.finish();
    const ended = [...this.#following].map((following) => following.close());
    if (ended.length > 0) await Promise.all(ended);
    try {
      if (finished !== null) await this.#reported(finished);
    } finally {
      this.#writer.closed();
      this.#core.close();
    }
  }

  /**
   * Its rejection gives the caller the reason why lines wait.
   * @param {Promise<void>} flushed
   */
  async #reported(flushed) {
    try {
      await flushed;
    } catch (error) {
      this.#writer.faultReported();
      throw error;
    }
  }

  async [asyncDispose]() {
    await this.close();
  }
}

/**
 * @param {string} path
 * @param {StoreOptions} [options]
 */
function createEventStore(path, options) {
  return new EventStore(path, options);
}

module.exports = { EventStore, createEventStore, partsOf };
