'use strict';

// PersistentLedger: a run ledger whose events are in a store.
//
// An event that was logged, finalized or imported is written before the call returns, as the store's
// durability says; a fault of the disk does not throw but is reported later, and the event is kept
// and written when that is possible. Loading brings the log in sealed, as History explains.
//
// Loading takes a while, and events arrive meanwhile. Such an event may or may not be inside the set that was
// sealed; it is taken out of the set by its id and kept as the live object it is, so it is there exactly
// once. The same holds, after a compaction, for events that were never written.

const { EventStore } = require('../store/event-store.js');
const { storeOptionsOf } = require('../store/store-options.js');
const { RunLedger, historyOf, stamp } = require('./run-ledger.js');
const { batchInTurns, batchOf, batchOfTexts, checkEvent, eventText } = require('../shared/event-text.js');
const { checkIterable } = require('../shared/arguments.js');
const { asyncDispose } = require('../shared/symbols.js');

/** @typedef {import('../../index.d.ts').PersistenceConfig} PersistenceConfig */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */

/** The longest delay a timer can keep; a longer one would fire at once, again and again. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * @param {unknown} error
 * @param {string} code
 */
function hasCode(error, code) {
  return /** @type {{ code?: string }} */ (error)?.code === code;
}

class PersistentLedger extends RunLedger {
  /** Loaded by the first ledger. */
  #workings = require('./workings.js');
  #history = historyOf(this);
  #known = new this.#workings.Known();
  /** @type {Set<RunEvent>} live events that are in no log: logged without enableWAL, not saved since */
  #unsaved = new Set();
  /** @type {Set<Map<RunEvent, string[]>>} for each load under way, what arrived since, and as what it was written */
  #arrivals = new Set();
  /** Inside the clear() of a load, which drops nothing from the log. */
  #reloading = false;
  /** @type {Promise<void> | null} the initialisation, under way or done */
  #ready = null;
  /** @type {NodeJS.Timeout | null} */
  #timer = null;
  #config;
  /** What `getEventStore()` answers. */
  #given;
  /** The same, as this ledger sees it. */
  #store;
  #background;
  #turns = new this.#workings.Turns();

  /** @param {Partial<PersistenceConfig>} [config] */
  constructor(config) {
    super();
    const { Background, ledgerStoreOf, readConfig } = this.#workings;
    this.#config = readConfig(config);
    const { store, storagePath, onError } = this.#config;
    this.#given = store ?? new EventStore(storagePath, storeOptionsOf(this.#config));
    this.#store = ledgerStoreOf(this.#given);
    this.#background = new Background(this.#store, onError);
  }

  async init() {
    this.#ready ??= this.#start();
    const ready = this.#ready;
    try {
      await ready;
    } catch (error) {
      if (this.#ready === ready) this.#ready = null; // it may be tried again
      throw error;
    }
  }

  /**
   * @override
   * @param {RunEvent | Omit<RunEvent, 'eventId'>} event
   * @returns {RunEvent}
   */
  logEvent(event) {
    checkEvent('event', event);
    return this.#log(stamp(event));
  }

  /**
   * @override
   * @param {RunEvent} event
   * @returns {RunEvent} the same object
   */
  finalizeEvent(event) {
    checkEvent('event', event);
    const { durationMs } = event;
    event.durationMs = Date.now() - event.timestamp;
    try {
      return this.#log(event);
    } catch (error) {
      // A refused event stays as it was.
      if (durationMs === undefined) Reflect.deleteProperty(event, 'durationMs');
      else event.durationMs = durationMs;
      throw error;
    }
  }

  /**
   * @override
   * @param {RunEvent[]} events
   */
  importEvents(events) {
    const imported = [...checkIterable(events)];
    /** @type {[text: string, id: string | null][]} of a line with an id, the id alone */
    const lines = [];
    const { writtenId } = this.#workings;
    const batch = batchOf(imported, (text, event) => {
      const id = writtenId(text, event);
      lines.push([id === null ? text : '', id]);
    });
    if (imported.length > 0 && !this.#store.logBatch(batch)) this.#background.drain();
    for (const [i, event] of imported.entries()) {
      this.#known.wrote(...lines[i]);
      this.#keep(event, ...lines[i]);
    }
  }

  async save() {
    return this.#turns.take(() => this.#save());
  }

  async #save() {
    // All of one moment: what is logged from now on is not part of this save.
    const unsaved = [...this.#unsaved];
    const known = this.#known.gather();
    const { batch, positions, sealed } = await this.#snapshot();
    const saved = this.#known.saving(known, batch);
    const done = () => {
      for (const event of unsaved) this.#unsaved.delete(event);
      saved();
    };
    await this.#store.acquireLock();
    try {
      await this.#background.settle();
      await this.#store.save(new this.#workings.HeldEvents(sealed, batch, positions, known.ids));
    } catch (error) {
      // The log was replaced all the same.
      if (hasCode(error, 'EUNCONFIRMED')) done();
      throw error;
    } finally {
      await this.#store.releaseLock();
    }
    done();
    this.#background.rethrow();
  }

  async load() {
    await this.#reload(() => false);
  }

  async compact() {
    return this.#turns.take(() => this.#compact());
  }

  async #compact() {
    await this.#store.acquireLock();
    try {
      await this.#background.settle();
      const reload = () => this.#reload((event) => this.#unsaved.has(event));
      const evicted = await this.#store.compact(this.#config.limits).catch(async (error) => {
        if (hasCode(error, 'EUNCONFIRMED')) await reload();
        throw error;
      });
      if (evicted > 0) await reload();
      return evicted;
    } finally {
      await this.#store.releaseLock();
    }
  }

  async flush() {
    const flushed = this.#background.flush();
    if (flushed !== null) await flushed;
    this.#background.rethrow();
  }

  async getStorageStats() {
    return this.#store.getStats();
  }

  async close() {
    await this.#stop();
    this.#ready = null; // used again, it loads again
    await this.#giveBack();
  }

  async destroy() {
    await this.#stop(); // as in the original, what was initialised stays so
    await this.#giveBack();
  }

  async #stop() {
    this.#stopTimer();
    // An initialisation under way would start the timer again.
    if (this.#ready !== null) await this.#ready.catch(() => {});
    this.#stopTimer();
  }

  async #giveBack() {
    this.#turns.close();
    const finished = this.#background.finish();
    try {
      if (finished !== null) await finished;
    } finally {
      this.#history.release();
      await this.#store.close();
    }
    this.#background.rethrow();
  }

  getEventStore() {
    return this.#given;
  }

  /** @override */
  clear() {
    if (!this.#reloading) this.#known.giveUp(this.#history);
    this.#unsaved.clear();
    super.clear();
  }

  async [asyncDispose]() {
    await this.close();
  }

  /**
   * Writes an event and keeps it. Written first: a line that is refused throws, and nothing was kept.
   * @param {RunEvent} event
   */
  #log(event) {
    // Without enableWAL the text is not needed yet, but an event that cannot be saved later is refused now.
    const text = eventText('event', event);
    const id = this.#workings.writtenId(text, event);
    if (!this.#config.enableWAL) this.#unsaved.add(event);
    else this.#write(event, text, id);
    this.#keep(event, text, id);
    return event;
  }

  /**
   * @param {RunEvent} event
   * @param {string} text of its line
   * @param {string | null} id that this says
   */
  #write(event, text, id) {
    try {
      if (this.#store.log(text)) this.#background.recovered();
      else this.#background.drain();
    } catch (error) {
      if (!hasCode(error, 'EBACKLOG')) throw error;
      // It is only in memory, until a save.
      this.#background.refused(error);
      this.#unsaved.add(event);
      return;
    }
    this.#known.wrote(text, id);
  }

  /**
   * @param {RunEvent} event
   * @param {string} text of its line
   * @param {string | null} id that this says
   */
  #keep(event, text, id) {
    this.#history.push(event);
    for (const arrived of this.#arrivals) {
      arrived.set(event, [...(arrived.get(event) ?? []), this.#workings.identity(text, id)]);
    }
  }

  /** What this moment's save writes: the texts of the live events; those of the sealed are the native side's. */
  async #snapshot() {
    if (this.exportEvents === RunLedger.prototype.exportEvents) {
      const { slots, length, sealed } = this.#history;
      return { ...(await batchInTurns(slots, length, sealed?.length)), sealed };
    }
    // A subclass chose what is exported: that is all that is saved, and what it left out is dropped.
    const events = [...this.exportEvents()];
    this.#known.giveUp(this.#history);
    return { ...(await batchInTurns(events, events.length)), sealed: null };
  }

  /**
   * Replaces the events by those of the log, keeping the ones that arrive meanwhile and those that `keeps` names.
   * @param {(event: RunEvent) => boolean} keeps
   */
  async #reload(keeps) {
    /** @type {Map<RunEvent, string[]>} */
    const arrived = new Map();
    this.#arrivals.add(arrived);
    try {
      await this.#background.settle();
      const sealed = await this.#workings.sealedOf(this.#store);
      const kept = this.#history.live((event) => arrived.has(event) || keeps(event));
      const unsaved = kept.filter((event) => this.#unsaved.has(event));
      const identities = kept
        .flatMap((event) => arrived.get(event) ?? [])
        .concat(this.#workings.identitiesOf(unsaved));
      if (kept.length > 0) sealed.without(batchOfTexts(identities));
      this.#begin(identities);
      this.#history.install(sealed);
      for (const event of kept) this.#history.push(event);
      for (const event of unsaved) this.#unsaved.add(event);
    } finally {
      this.#arrivals.delete(arrived);
    }
  }

  /**
   * Empties the ledger for a load: all that it held is in the log, or kept, or given up.
   * @param {string[]} arrived the identities of what was written meanwhile
   */
  #begin(arrived) {
    this.#reloading = true;
    try {
      this.clear(); // a subclass may want to know
    } finally {
      this.#reloading = false;
    }
    this.#known.forget(arrived);
  }

  async #start() {
    await this.load();
    this.#startTimer();
  }

  #startTimer() {
    const { compactIntervalMs } = this.#config;
    if (compactIntervalMs === 0) return;
    let compacting = false;
    const compact = async () => {
      if (compacting) return;
      compacting = true;
      try {
        await this.compact();
      } catch (error) {
        this.#background.report(error);
      } finally {
        compacting = false;
      }
    };
    this.#timer = setInterval(compact, Math.min(compactIntervalMs, MAX_DELAY_MS));
    this.#timer.unref?.();
  }

  #stopTimer() {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** @param {Partial<PersistenceConfig>} [config] */
function createPersistentLedger(config) {
  return new PersistentLedger(config);
}

module.exports = { PersistentLedger, createPersistentLedger };
