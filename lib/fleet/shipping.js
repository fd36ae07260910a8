'use strict';

// How the events of a folder get to a shared store from this process.
//
//   manual       by flush() and ship() alone, or by another process
//   auto         after a write, at most once a minute: `guidance-ledger fleet ship` is started, and not waited for
//   background   a thread of this process ships what comes, as long as it lives
//
// The first addon has the files, the second one the network, and this file carries what waits from one to the other.
// One process at a time ships a folder; another one waits, or leaves it to that one.

const check = require('../shared/arguments.js');
const marked = require('./marked.js');

/** @typedef {import('../../binding.js').Outgoing} Outgoing */
/** @typedef {import('../../binding.js').StoreCore} StoreCore */
/** @typedef {import('../../fleet-binding.js').FleetCore} FleetCore */
/** @typedef {import('../../fleet-binding.js').FleetShipper} FleetShipper */
/** @typedef {import('./options.js').Place} Place */
/** @typedef {{ shipper: FleetShipper, over: Promise<void> }} Stay */

/** So often at most a program is started, and so often this process looks whether it may ship in another's place. */
const MINUTE_MS = 60_000;
const TURN_MS = 10_000;
/** How often it is looked whether another process has shipped all. */
const LOOK_MS = 100;
/** How long flush() tries by default. */
const PATIENCE_MS = 60_000;
/** setInterval() keeps a process alive; the longest delay that it takes. */
const FOR_EVER_MS = 2 ** 31 - 1;

/**
 * Waits for a thread, which does not keep the process alive by itself.
 * @param {Promise<void>} ended
 */
async function alive(ended) {
  const timer = setInterval(() => {}, FOR_EVER_MS);
  try {
    await ended;
  } finally {
    clearInterval(timer);
  }
}

/** Milliseconds of a clock that is not set. `performance` would load a dozen of Node's modules into each hook. */
const clock = () => process.uptime() * 1000;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Answers what a shipper asks of a folder.
 * @param {FleetShipper} shipper
 * @param {Outgoing} outgoing
 * @param {(name: string, args: any[]) => boolean} told whether it was news, which want no answer
 */
function answering(shipper, outgoing, told) {
  return async (/** @type {string} */ name, /** @type {any[]} */ args) => {
    if (told(name, args)) return;
    try {
      shipper.answer(await /** @type {any} */ (outgoing)[name](...args));
    } catch (error) {
      shipper.answer({ error: check.reasonOf(error) });
    }
  };
}

class Shipping {
  #fleet;
  #folder;
  #place;
  #path;
  #mode;
  #onError;
  /** @type {Promise<void> | null} the folder is made one that ships; null if that is to be tried again */
  #begun = null;
  /** When a program was started last, or it was asked whether one is wanted. */
  #asked = Number.NEGATIVE_INFINITY;
  /** The thread that ships, once there is one. @type {Promise<Stay | null> | null} */
  #stay = null;
  /** @type {NodeJS.Timeout | null} */
  #turn = null;
  #closed = false;

  /**
   * @param {() => FleetCore} fleet loads the second addon when it is called first
   * @param {StoreCore} folder
   * @param {string} path of the folder
   * @param {{ place: Place, ship: string, onError: ((error: Error) => void) | undefined }} options
   */
  constructor(fleet, folder, path, { place, ship, onError }) {
    this.#fleet = fleet;
    this.#folder = folder;
    this.#path = path;
    this.#place = place;
    this.#mode = ship;
    this.#onError = onError;
  }

  /** From then on rewrites keep what was not shipped. */
  begin() {
    this.#begun ??= this.#begin().catch((error) => {
      this.#begun = null; // the next call tries again
      throw error;
    });
    return this.#begun;
  }

  async #begin() {
    if (!this.#folder.ships()) await this.#folder.beginShipping();
  }

  /** The same before a write, which is accepted all the same if that fails. */
  async beginWriting() {
    try {
      await this.begin();
    } catch (error) {
      this.#report(error);
    }
  }

  /** After a write. */
  async wrote() {
    if (this.#mode === 'manual') return;
    await this.beginWriting();
    if (this.#mode === 'background') this.start();
    else await this.#startProgram();
  }

  /** Ships in this process from now on, if it is to. */
  start() {
    if (this.#mode !== 'background' || this.#closed) return;
    this.#stay ??= this.#startStay().catch((error) => {
      this.#report(error);
      return null;
    });
  }

  /**
   * Until all that waits now is in the store, by this process or by another one.
   * @param {number} [timeoutMs]
   */
  async flush(timeoutMs = PATIENCE_MS) {
    await this.begin();
    const end = clock() + timeoutMs;
    for (;;) {
      const pending = (await this.#folder.shipping())?.pendingBytes ?? 0;
      if (pending === 0) return;
      const left = end - clock();
      if (left <= 0) throw this.#late(timeoutMs, pending);
      // It ends an attempt that would take longer.
      const shipped = await this.once(left, AbortSignal.timeout(Math.ceil(left)));
      if (shipped === null) await pause(Math.min(LOOK_MS, left));
    }
  }

  /**
   * Ships all that waits.
   * @param {number} patienceMs for how long what passes by itself is tried again
   * @param {import('../../index.d.ts').AbortSignalLike} [signal]
   * @returns {Promise<import('../../fleet.d.ts').ShipReport | null>} null if another process ships the folder
   */
  async once(patienceMs, signal) {
    await this.begin();
    const outgoing = await this.#folder.outgoing();
    if (outgoing === null) return null;
    const shipper = this.#fleet().shipper(require('node:os').hostname());
    const abort = () => shipper.stop();
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await shipper.once(
        answering(shipper, outgoing, () => false),
        patienceMs,
      );
    } finally {
      signal?.removeEventListener('abort', abort);
      await outgoing.close();
    }
  }

  /**
   * Ships what waits and what comes, until the signal says otherwise.
   * @param {import('../../index.d.ts').AbortSignalLike} [signal]
   * @returns {Promise<boolean>} false if another process ships the folder
   */
  async stay(signal) {
    await this.begin();
    const stay = await this.#startShipper();
    if (stay === null) return false;
    const abort = () => stay.shipper.stop();
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await alive(stay.over);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    return true;
  }

  /** Ends what this process ships. What is in flight is offered again by the next shipper. */
  async close() {
    this.#closed = true;
    if (this.#turn !== null) clearTimeout(this.#turn);
    const stay = await this.#stay;
    this.#stay = null;
    this.#closed = false; // used again, it ships again
    if (!stay) return;
    stay.shipper.stop();
    await alive(stay.over);
  }

  async #startStay() {
    const stay = await this.#startShipper();
    if (stay !== null && this.#closed) stay.shipper.stop();
    if (stay !== null || this.#closed) return stay;
    // Another process ships. Should it end, this one takes its place.
    this.#turn = setTimeout(() => {
      this.#stay = null;
      this.start();
    }, TURN_MS);
    this.#turn.unref?.();
    return null;
  }

  /** @returns {Promise<Stay | null>} null if another process ships the folder */
  async #startShipper() {
    const outgoing = await this.#folder.outgoing();
    if (outgoing === null) return null;
    const shipper = this.#fleet().shipper(require('node:os').hostname());
    /** @type {() => void} */
    let end = () => {};
    /** @type {Promise<void>} */
    const ended = new Promise((resolve) => {
      end = resolve;
    });
    const told = (/** @type {string} */ name, /** @type {any[]} */ [code, message, nextInMs]) => {
      if (name === 'failing') this.#report(marked(new Error(message), { code, nextInMs }));
      if (name === 'ended' && code !== undefined) this.#report(marked(new Error(message), { code }));
      if (name === 'ended') end();
      return ['failing', 'recovered', 'ended'].includes(name);
    };
    shipper.stay(answering(shipper, outgoing, told));
    return { shipper, over: ended.then(() => outgoing.close()) };
  }

  /** Starts a program that ships, if one is wanted. Runners of CI end what is left of a job. */
  async #startProgram() {
    const now = clock();
    if (now - this.#asked < MINUTE_MS || !['', '0', 'false'].includes(process.env.CI ?? '')) return;
    this.#asked = now;
    try {
      // A look spares the call of a thread, which a hook would wait for.
      if (!this.#folder.mayWantShipper() || !(await this.#folder.wantsShipper())) return;
      this.#fleet(); // throws if the settings cannot be used: that program has nobody whom it could tell
      await require('./on-demand.js').startShipper(this.#path, this.#place);
    } catch (error) {
      this.#report(error);
    }
  }

  /**
   * @param {number} timeoutMs
   * @param {number} bytes
   */
  #late(timeoutMs, bytes) {
    const message = `ETIMEDOUT: after ${timeoutMs} ms ${bytes} bytes of events still wait in '${this.#path}' for the shared store. They are kept, and are shipped later`;
    return marked(new Error(message), { code: 'ETIMEDOUT', path: this.#path, pendingBytes: bytes });
  }

  /** @param {unknown} error */
  #report(error) {
    const onError = this.#onError;
    if (onError === undefined) {
      // Only a person can see to it, and no call of this process says it.
      if (Reflect.get(Object(error), 'code') === 'EFLEETCONFIG')
        process.emitWarning(/** @type {Error} */ (error));
      return;
    }
    // An error handler that fails, now or later, must not end the process.
    void (async () => onError(/** @type {Error} */ (error)))().catch(() => {});
  }
}

module.exports = { Shipping };
