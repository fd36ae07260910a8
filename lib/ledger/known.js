'use strict';

// The identities under which a ledger's events may stand in the log.
//
// A save keeps every line of the log that the ledger never held, since others wrote it. A line of an event that
// the ledger holds is replaced, and that of one it gave up is dropped, whatever callers did to the event
// meanwhile. So what an event was written as is remembered when it is written, and taken from the line itself.
// Loaded events need no memory here, the native side keeps theirs. The id is never read from an event object.
//
// An identity too many does no harm: only what the ledger held at some time is ever among them.

const { KnownIds } = require('../shared/native.js');
const { batchOfTexts, eventText } = require('../shared/event-text.js');

/** @typedef {import('../../binding.js').Batch} Batch */
/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */
/** @typedef {import('./history.js').History} History */

/** @typedef {{ ids: InstanceType<typeof KnownIds>, moment: number }} Gathered */

const ID_FIRST = '{"eventId":"';
const ID_LAST = ',"eventId":"';

/**
 * Whether `text` says that the event's id is `id`: at its beginning or at its end, and as it stands there.
 * @param {string} text
 * @param {string} id
 */
function saysId(text, id) {
  if (id.includes('\\')) return false;
  const end = ID_FIRST.length + id.length;
  if (text.startsWith(ID_FIRST) && text.indexOf('"', ID_FIRST.length) === end) {
    return text.startsWith(id, ID_FIRST.length);
  }
  // The only brace behind it is the event's own, so it is the event's own last member.
  const start = text.length - id.length - '"}'.length;
  const last = text.endsWith('"}') && text.startsWith(id, start) && !id.includes('"');
  return last && text.startsWith(ID_LAST, start - ID_LAST.length);
}

/**
 * The id that the line of an event says, whatever a getter, a prototype, a proxy or a toJSON() makes of
 * `event.eventId`. An own property that agrees with the line spares a copy of the id.
 * @param {string} text of the line, made by JSON.stringify: no spaces, no name twice
 * @param {unknown} event
 * @returns {string | null} null if it has no id, or one that is not a string
 */
function writtenId(text, event) {
  try {
    // A getter is not called.
    const own = Object.getOwnPropertyDescriptor(event, 'eventId')?.value;
    if (typeof own === 'string' && saysId(text, own)) return own;
  } catch {}
  const { eventId } = JSON.parse(text);
  return typeof eventId === 'string' ? eventId : null;
}

/**
 * The shortest text that identifies an event in the log: its id alone, or the whole line where there is none.
 * @param {string} text of the line
 * @param {string | null} id that it says
 */
function identity(text, id) {
  return id === null ? text : JSON.stringify({ eventId: id });
}

/**
 * As what the events would be written now. One that has been made unwritable since would not be.
 * @param {readonly RunEvent[]} events
 */
function identitiesOf(events) {
  return events.flatMap((event) => {
    try {
      const text = eventText('event', event);
      return [identity(text, writtenId(text, event))];
    } catch {
      return [];
    }
  });
}

class Known {
  #ids = new KnownIds();
  /** @type {string[]} ids of events written since they were last gathered into `#ids` */
  #written = [];
  /** @type {string[]} the same for events without an id: identities */
  #texts = [];
  /** Counts what makes the outcome of a save that is under way outdated: another save, events given up. */
  #moment = 0;

  /**
   * An event was written.
   * @param {string} text of its line
   * @param {string | null} id that this says
   */
  wrote(text, id) {
    if (id === null) this.#texts.push(text);
    else this.#written.push(id);
  }

  /**
   * The events of a ledger are given up. Those of them that are not loaded were written, and are known, or stand in
   * no log.
   * @param {History} history
   */
  giveUp(history) {
    if (history.length === 0) return;
    this.#moment++;
    if (history.sealed !== null) this.#ids.addSealed(history.sealed);
  }

  /**
   * All identities of this moment, for a native call. What is gathered for another save meanwhile must not enter
   * them: this save would take that event's line for one that the ledger gave up.
   * @returns {Gathered}
   */
  gather() {
    const ids = new KnownIds();
    ids.addKnown(this.#ids);
    const written = this.#written.splice(0).map((id) => identity('', id));
    ids.addBatch(batchOfTexts(written.concat(this.#texts.splice(0))));
    this.#ids = ids;
    return { ids, moment: ++this.#moment };
  }

  /**
   * To be called before a save with what it writes; the result is to be called when it succeeded: what the log
   * then holds of this ledger is that, and what was written since the gathering.
   * @param {Gathered} gathered
   * @param {Batch} batch
   * @returns {() => void}
   */
  saving({ moment }, batch) {
    const saved = new KnownIds();
    saved.addBatch(batch);
    // A save that fails may have replaced the log all the same.
    this.#ids.addKnown(saved);
    return () => {
      if (moment === this.#moment) this.#ids = saved;
    };
  }

  /**
   * A load has made what the log holds the ledger's own, but for events that arrived meanwhile.
   * @param {readonly string[]} arrived the identities of their lines
   */
  forget(arrived) {
    this.#ids.clear();
    this.#written = [];
    this.#texts = [...arrived];
  }
}

module.exports = { Known, identitiesOf, identity, writtenId };
