'use strict';

// FleetStore: one ledger over many machines, as JavaScript sees it.
//
// What is written goes to the folder of this machine, as with an EventStore, and is accepted there; the network is not
// waited for. What is read is the shared store's, with this machine's own events among it that were not shipped yet.

const { asyncDispose } = require('../shared/symbols.js');
const check = require('../shared/arguments.js');
const { EventStore, partsOf } = require('../store/event-store.js');
const marked = require('./marked.js');
const { coreOf, readOptions } = require('./options.js');
const { Shipping } = require('./shipping.js');

/** @typedef {import('../../fleet.d.ts').FleetStoreOptions} FleetStoreOptions */
/** @typedef {import('../store/event-follow.js').Following} Following */
/** @typedef {import('./options.js').Place} Place */
/** @typedef {import('../../index.d.ts').FollowOptions} FollowOptions */
/** @typedef {import('../../index.d.ts').ReadOptions} ReadOptions */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('../../index.d.ts').StreamOptions} StreamOptions */
/** @typedef {import('../../fleet-binding.js').FleetCore} FleetCore */
/** @typedef {import('../../fleet-binding.js').FleetReader} FleetReader */
/** @typedef {() => Promise<FleetReader>} OpenAll */
/** @typedef {{ core: FleetCore, local: EventStore | null, shipping: Shipping | null, openAll: OpenAll }} Parts */

/**
 * The parts that a ledger over this store works with; not exported by the package.
 * @type {(store: FleetStore) => Parts}
 */
let partsOfFleet;

/** Loaded by the first call that reads: a hook that appends one event reads nothing. */
const reading = () => require('../store/event-stream.js');

/**
 * A call that a store of this kind does not have.
 * @param {string} call
 * @param {string} why
 */
function notSupported(call, why) {
  return marked(new Error(`ENOTSUP: ${call} ${why}`), { code: 'ENOTSUP' });
}

/**
 * A whole number of milliseconds, null for none.
 * @param {number} time
 */
const orNull = (time) => (time === 0 ? null : time);

class FleetStore {
  /** @type {Place} */
  #place;
  /** Loaded when it is asked for, which a hook that appends need not do. @type {FleetCore | null} */
  #made = null;
  #pending;
  /** The folder of this machine. @type {EventStore | null} */
  #local = null;
  /** @type {Shipping | null} */
  #shipping = null;
  /** Those that were not ended. @type {Set<Following>} */
  #following = new Set();

  static {
    partsOfFleet = (store) => ({
      core: store.#core,
      local: store.#local,
      shipping: store.#shipping,
      openAll: () => store.#open(null, null, null),
    });
  }

  /** @param {FleetStoreOptions} [options] */
  constructor(options) {
    const checked = readOptions(options);
    this.#place = checked.place;
    this.#pending = checked.pending === 'include';
    // Settings that cannot be used are an error here; a process that ends soon has no time for that.
    if (checked.ship !== 'auto') this.#core;
    if (checked.storagePath === undefined) return;
    // Resolved once: a later chdir must not move the store.
    const path = check.resolvePath('storagePath', checked.storagePath);
    this.#local = new EventStore(path, checked.folder);
    this.#shipping = new Shipping(() => this.#core, partsOf(this.#local).core, path, checked);
  }

  get #core() {
    this.#made ??= coreOf(this.#place);
    return this.#made;
  }

  /** @param {RunEvent} event */
  async append(event) {
    await this.#write('append()', (local) => local.append(event));
  }

  /** @param {Iterable<RunEvent>} events */
  async appendAll(events) {
    await this.#write('appendAll()', (local) => local.appendAll(events));
  }

  /** @returns {Promise<RunEvent[]>} */
  async readAll() {
    return reading().collect(await this.#open(null, null, null));
  }

  /**
   * @param {number} startTime
   * @param {number} endTime
   * @param {ReadOptions} [options]
   * @returns {Promise<RunEvent[]>}
   */
  async readRange(startTime, endTime, options) {
    refuseArchive(options);
    const numbers = typeof startTime === 'number' && typeof endTime === 'number';
    // Other types have comparisons of their own, which only JavaScript knows.
    const reader = numbers ? await this.#open(startTime, endTime, null) : await this.#open(null, null, null);
    return reading().collect(reader, (e) => e.timestamp >= startTime && e.timestamp <= endTime);
  }

  /**
   * @param {string} taskId
   * @param {ReadOptions} [options]
   * @returns {Promise<RunEvent[]>}
   */
  async readByTask(taskId, options) {
    if (typeof taskId !== 'string') throw check.wrongType('taskId', 'a string', taskId);
    refuseArchive(options);
    return reading().collect(
      await this.#open(null, null, JSON.stringify(taskId)),
      (e) => e.taskId === taskId,
    );
  }

  /** @param {StreamOptions} [options] */
  stream(options) {
    const checked = reading().checkStreamOptions(options);
    refuseArchive({ archive: checked.archive });
    const { from = null, to = null, taskId } = checked;
    const task = taskId === undefined ? null : JSON.stringify(taskId);
    return reading().stream(() => this.#open(from, to, task), checked);
  }

  /** @param {FollowOptions} [options] */
  follow(options) {
    const { Following, checkFollowOptions, notACursor } = require('../store/event-follow.js');
    const checked = checkFollowOptions(options);
    const { after, from, now, task } = checked;
    const reader = this.#core.follow(after, from, now, task);
    if (reader === null) throw notACursor(/** @type {string} */ (after));
    const following = new Following(reader, checked, (ended) => this.#following.delete(ended));
    this.#following.add(following);
    return following;
  }

  async getStats() {
    return this.#core.stats();
  }

  /**
   * @param {number | import('../../index.d.ts').Retention} limits
   * @param {{ dryRun?: boolean }} [options]
   * @returns {Promise<number>}
   */
  async compact(limits, options) {
    const { checkLimits } = require('../shared/retention.js');
    const { limits: checked, archive } = checkLimits(limits);
    const { dryRun = false } = check.checkOptions('options', options, ['dryRun'], 'refuse');
    const { maxEvents, ...others } = checked;
    if (
      archive !== null ||
      maxEvents === undefined ||
      Object.values(others).some((limit) => limit !== undefined)
    ) {
      throw notSupported('compact()', 'of a shared store keeps a number of events: compact(1_000_000)');
    }
    return this.#core.compact(
      Math.min(maxEvents, Number.MAX_SAFE_INTEGER),
      check.checkBoolean('dryRun', dryRun),
    );
  }

  /** @param {{ timeoutMs?: number }} [options] */
  async flush(options) {
    const { timeoutMs } = check.checkOptions('options', options, ['timeoutMs'], 'refuse');
    const limit = timeoutMs === undefined ? undefined : check.checkMilliseconds('timeoutMs', timeoutMs);
    const { local, shipping } = this.#folder('flush()');
    await local.flush();
    await shipping.flush(limit);
  }

  /**
   * @param {{ once?: boolean, timeoutMs?: number, signal?: import('../../index.d.ts').AbortSignalLike }} [options]
   */
  async ship(options) {
    const given = check.checkOptions('options', options, ['once', 'timeoutMs', 'signal'], 'refuse');
    const once = check.checkBoolean('once', given.once ?? false);
    if (!once && given.timeoutMs !== undefined) {
      throw check.typeError('timeoutMs goes with once: true; a shipper that stays tries again for ever');
    }
    const patience = check.checkMilliseconds('timeoutMs', given.timeoutMs ?? 60_000);
    const { abortError, checkSignal } = reading();
    const signal = checkSignal(given.signal);
    const { shipping } = this.#folder('ship()');
    if (signal?.aborted) throw abortError(signal);
    if (!once) return shipping.stay(signal);
    const shipped = await shipping.once(patience, signal);
    if (signal?.aborted) throw abortError(signal);
    return shipped;
  }

  /** @param {{ remote?: boolean }} [options] */
  async status(options) {
    const { remote = false } = check.checkOptions('options', options, ['remote'], 'refuse');
    const asked = check.checkBoolean('remote', remote);
    const local = this.#local === null ? null : await partsOf(this.#local).core.shipping();
    const status = { place: this.#core.place, local: local && localStatus(local) };
    if (!asked) return status;
    const [stats, sources] = await Promise.all([this.#core.stats(), this.#core.sources()]);
    const all = sources.map(({ host = null, label = null, pendingBytes = null, clockMs = null, ...rest }) => {
      return { ...rest, host, label, pendingBytes, clockMs };
    });
    return { ...status, remote: { ...stats, sources: all } };
  }

  async acquireLock() {
    await this.#folder('acquireLock()').local.acquireLock();
  }

  async releaseLock() {
    await this.#folder('releaseLock()').local.releaseLock();
  }

  /** @param {ReadOptions} [options] */
  async verify(options) {
    return this.#folder('verify()').local.verify(options);
  }

  async repair() {
    return this.#folder('repair()').local.repair();
  }

  /** @param {RunEvent[]} _events */
  async writeAll(_events) {
    throw notSupported(
      'writeAll()',
      'would take events away, and a shared store only gets more; append them',
    );
  }

  /**
   * @param {string} _file
   * @param {ReadOptions} [_options]
   * @returns {Promise<import('../../index.d.ts').BackupReport>}
   */
  async backup(_file, _options) {
    throw notSupported('backup()', 'is about a folder; a shared store is backed up with pg_dump');
  }

  async destroy() {
    throw notSupported('destroy()', 'would remove what all machines share; an operator drops the schema');
  }

  async close() {
    const ended = [...this.#following].map((following) => following.close());
    await Promise.all(ended);
    try {
      await this.#shipping?.close();
    } finally {
      this.#made?.close();
      await this.#local?.close();
    }
  }

  async [asyncDispose]() {
    await this.close();
  }

  /**
   * @param {string} call
   * @returns {{ local: EventStore, shipping: Shipping }}
   */
  #folder(call) {
    if (this.#local !== null && this.#shipping !== null)
      return { local: this.#local, shipping: this.#shipping };
    throw notSupported(
      call,
      "is about a folder of this machine: createFleetStore({ storagePath: 'path/to/folder' })",
    );
  }

  /**
   * @param {string} call
   * @param {(local: EventStore) => Promise<void>} write
   */
  async #write(call, write) {
    const { local, shipping } = this.#folder(call);
    const begun = shipping.beginWriting();
    // Within the call, as with an EventStore.
    await write(local);
    await begun;
    await shipping.wrote();
  }

  /**
   * What is pending is asked for first: what is shipped meanwhile is in the store then.
   * @param {number | null} from
   * @param {number | null} to
   * @param {string | null} task
   * @returns {Promise<FleetReader>}
   */
  async #open(from, to, task) {
    const pending =
      this.#pending && this.#local !== null ? await partsOf(this.#local).core.pendingLines() : null;
    return this.#core.open(from, to, task, pending);
  }
}

/** @param {ReadOptions | undefined} options */
function refuseArchive(options) {
  const { archive } = check.checkOptions('options', options, ['archive'], 'refuse');
  if (archive !== undefined && archive !== false) {
    throw notSupported('archive', 'is about a folder, and this reads the shared store; leave it out');
  }
}

/** @param {import('../../binding.js').StoreCoreShipping} shipping */
function localStatus({ lastFailure, nextAttempt, lastShipped, ...counts }) {
  return {
    ...counts,
    lastFailure: lastFailure === '' ? null : lastFailure,
    nextAttempt: orNull(nextAttempt),
    lastShipped: orNull(lastShipped),
  };
}

/** @param {FleetStoreOptions} [options] */
function createFleetStore(options) {
  return new FleetStore(options);
}

module.exports = { FleetStore, createFleetStore, notSupported, partsOfFleet };
