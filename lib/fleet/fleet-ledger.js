'use strict';

// FleetLedger: a persistent ledger that answers for all machines.
//
// Loading brings in the events of the whole fleet, sealed, as a folder's are. What is logged goes to the folder of this
// machine, in the call, and is shipped from there. A save writes what was edited since: to the folder, from where it
// reaches the others as a newer revision. A compaction is of the folder alone.

const { PersistentLedger } = require('../ledger/persistent-ledger.js');
const { partsOf } = require('../store/event-store.js');
const { Gathering, KnownIds } = require('../shared/native.js');
const { FleetStore, notSupported, partsOfFleet } = require('./fleet-store.js');

/** @typedef {import('../../fleet.d.ts').FleetLedgerOptions} FleetLedgerOptions */
/** @typedef {import('../../index.d.ts').LedgerStore} LedgerStore */
/** @typedef {import('../ledger/held-events.js').HeldEvents} HeldEvents */

/** A page of the shared store has about as many bytes, at first. */
const PAGE = 2 << 20;

/**
 * A fleet's store as a ledger sees it: the folder for what is written, the fleet for what is read.
 * @implements {LedgerStore}
 */
class FleetLedgerStore {
  #fleet;
  #core;
  #shipping;
  #folder;
  #local;
  #openAll;

  /** @param {FleetStore} fleet */
  constructor(fleet) {
    // Loaded by the first ledger: `import` evaluates this class in each hook.
    const { ledgerStoreOf } = require('../store/ledger-store.js');
    const { core, local, shipping, openAll } = partsOfFleet(fleet);
    this.#fleet = fleet;
    this.#core = core;
    this.#shipping = shipping;
    this.#local = local;
    this.#openAll = openAll;
    this.#folder = local === null ? null : ledgerStoreOf(local);
  }

  get queued() {
    return this.#folder?.queued ?? false;
  }

  /** @param {string} line */
  log(line) {
    const written = this.#writable('logEvent()').log(line);
    this.#wrote();
    return written;
  }

  /** @param {import('../../index.d.ts').EventLines} lines */
  logBatch(lines) {
    const written = this.#writable('importEvents()').logBatch(lines);
    this.#wrote();
    return written;
  }

  flush() {
    return this.#folder?.flush() ?? null;
  }

  finish() {
    return this.#folder?.finish() ?? null;
  }

  faultReported() {
    this.#folder?.faultReported?.();
  }

  /** The events of all machines, and those of this one that were not shipped yet. */
  async seal() {
    this.#shipping?.start();
    const reader = await this.#openAll();
    const gathering = new Gathering();
    // One for all: memory that is new for each page would have V8 look for garbage again and again.
    let place = Buffer.allocUnsafeSlow(PAGE);
    let added = Promise.resolve();
    try {
      for (let length = await reader.nextLines(); length !== null; length = await reader.nextLines()) {
        if (length > place.length) place = Buffer.allocUnsafeSlow(length);
        const lines = place.subarray(0, length);
        reader.takeLines(lines);
        await added;
        // It is scanned while the next page comes.
        added = gathering.add(lines);
        added.catch(() => {}); // reported where it is awaited
      }
      await added;
    } finally {
      reader.close();
    }
    return gathering.seal(this.#core.place);
  }

  /** @param {import('../../index.d.ts').SavedEvents} events */
  async save(events) {
    const { sealed, batch, positions } = /** @type {HeldEvents} */ (events);
    const changed = sealed === null ? batch : batch.changed(sealed, positions);
    if (changed.count === 0) return;
    if (this.#local === null) throw this.#notWritable('save()');
    await this.#shipping?.begin();
    // Lines of the same events in the folder are replaced; all others there stay.
    const places = Uint32Array.from({ length: changed.count }, (_, place) => place);
    const { core, writer } = partsOf(this.#local);
    await core.save(null, changed, places, new KnownIds());
    writer.saved();
    this.#wrote();
  }

  /** @param {number | import('../../index.d.ts').Retention} limits */
  async compact(limits) {
    return this.#folder === null ? 0 : this.#folder.compact(limits);
  }

  getStats() {
    return this.#core.stats();
  }

  async acquireLock() {
    await this.#folder?.acquireLock();
  }

  async releaseLock() {
    await this.#folder?.releaseLock();
  }

  close() {
    return this.#fleet.close();
  }

  #wrote() {
    void this.#shipping?.wrote();
  }

  /** @param {string} call */
  #writable(call) {
    if (this.#folder === null) throw this.#notWritable(call);
    void this.#shipping?.beginWriting();
    return this.#folder;
  }

  /** @param {string} call */
  #notWritable(call) {
    return notSupported(
      call,
      "writes, and no folder is named: createFleetLedger({ storagePath: 'path/to/folder' })",
    );
  }
}

class FleetLedger extends PersistentLedger {
  #fleet;

  /** @param {FleetLedgerOptions} [options] */
  constructor(options = {}) {
    const isObject = typeof options === 'object' && options !== null;
    const { maxEvents, retention, compactIntervalMs, enableWAL, ...rest } = isObject ? options : {};
    // What is no object is refused there.
    const fleet = new FleetStore(isObject ? rest : options);
    const { onError } = rest;
    const store = new FleetLedgerStore(fleet);
    super({ maxEvents, retention, compactIntervalMs, enableWAL, onError, store });
    this.#fleet = fleet;
  }

  /**
   * @override
   * @returns {any} the fleet's store, which has the surface of an EventStore
   */
  getEventStore() {
    return this.#fleet;
  }
}

/** @param {FleetLedgerOptions} [options] */
function createFleetLedger(options) {
  return new FleetLedger(options);
}

module.exports = { FleetLedger, createFleetLedger };
