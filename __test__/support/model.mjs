/**
 * The original with the deliberate differences put in, each as plainly as can be and under its number: the naive twin
 * of our implementation. It is slow, it reads whole files, and it knows of one process only.
 *
 * `fired` collects the numbers of the differences that made this step's outcome differ from the original's.
 * A number is put there by a condition of its own, not by comparing outcomes: what fires nothing must agree exactly.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import * as ledgers from '@claude-flow/guidance/ledger';
import * as stores from '@claude-flow/guidance/persistence';
import { bytes, paths } from './disk.mjs';

export const fired = new Set();

const addsEvents = ledgers.RunLedger.prototype.importEvents;

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A log's bytes as lines: {raw, kind: 'event' | 'blank' | 'malformed', event}. */
export function dissect(buffer) {
  const lines = [];
  for (let start = 0; buffer !== null && start < buffer.length; ) {
    let end = buffer.indexOf(0x0a, start);
    if (end < 0) end = buffer.length;
    lines.push(judge(buffer.subarray(start, end)));
    start = end + 1;
  }
  return lines;
}

function judge(raw) {
  const trimmed = raw.toString('utf8').trim();
  if (trimmed.length === 0) return { raw, kind: 'blank' };
  let event;
  try {
    event = JSON.parse(trimmed);
  } catch {
    return { raw, kind: 'malformed' };
  }
  if (!isObject(event)) return { raw, kind: 'malformed', other: true };
  const bytes = raw.subarray(raw.indexOf(0x7b), raw.lastIndexOf(0x7d) + 1); // from { to }
  return { raw: bytes, kind: 'event', event, canonical: Buffer.from(JSON.stringify(event)).equals(raw) };
}

const countable = (time) => typeof time === 'number';
const asJson = (time) => (Number.isFinite(time) ? time + 0 : null); // -0 becomes 0
const regular = (event) => Number.isFinite(event.timestamp) && typeof event.taskId === 'string';

/** What index.json must say of these events. */
export function truth(events) {
  const times = events.map((event) => event.timestamp).filter(Number.isFinite);
  const ends = times.reduce(
    ([low, high], time) => [Math.min(low, time), Math.max(high, time)],
    [Infinity, -Infinity],
  );
  return {
    eventCount: events.length,
    oldestTimestamp: asJson(ends[0]),
    newestTimestamp: asJson(ends[1]),
    taskIds: [
      ...new Map(events.map(({ taskId }) => [`${typeof taskId} ${JSON.stringify(taskId)}`, taskId])).values(),
    ],
  };
}

/** The text of an event, or a TypeError. */
export function accepted(event, name = 'event') {
  let text;
  try {
    text = typeof event === 'object' ? JSON.stringify(event) : undefined;
  } catch {
    text = undefined;
  }
  if (typeof text === 'string' && text[0] === '{') return text;
  fired.add(10);
  throw new TypeError(`${name} must be a plain JSON object`);
}

function checkedMaximum(maxEvents) {
  if (typeof maxEvents !== 'number') {
    fired.add(10);
    throw new TypeError('maxEvents must be a number');
  }
  if (Number.isNaN(maxEvents) || maxEvents < 0 || (maxEvents !== Infinity && !Number.isInteger(maxEvents))) {
    fired.add(10);
    throw new RangeError('maxEvents must be a whole number from 0, or Infinity');
  }
}

export class EventStore extends stores.EventStore {
  lines() {
    return dissect(bytes(this.eventsPath));
  }

  events() {
    return this.lines()
      .filter((line) => line.kind === 'event')
      .map((line) => line.event);
  }

  parseNdjson(content) {
    const parsed = super.parseNdjson(content);
    if (!parsed.every(isObject)) fired.add(3);
    return parsed.filter(isObject);
  }

  async append(event) {
    const line = accepted(event);
    const log = bytes(this.eventsPath);
    if (log !== null && log.length > 0 && log.at(-1) !== 0x0a) {
      fired.add(5);
      appendFileSync(this.eventsPath, '\n');
    }
    if (!this.indexIsTrue()) fired.add(2);
    if (!regular(event) || !regular(JSON.parse(line))) fired.add(13);
    await super.append(event);
  }

  async updateIndex() {
    this.writeIndex();
  }

  async rebuildIndex() {
    if (!this.events().every(regular)) fired.add(13);
    this.writeIndex();
  }

  writeIndex() {
    writeFileSync(this.indexPath, JSON.stringify(truth(this.events()), null, 2));
  }

  indexIsTrue() {
    const events = this.events();
    if (!existsSync(this.indexPath)) return events.length === 0;
    try {
      return (
        JSON.stringify(JSON.parse(readFileSync(this.indexPath, 'utf8'))) === JSON.stringify(truth(events))
      );
    } catch {
      return false;
    }
  }

  async getStats() {
    const stats = await super.getStats();
    if (!this.indexIsTrue()) fired.add(2);
    const { eventCount, oldestTimestamp: oldestEvent, newestTimestamp: newestEvent } = truth(this.events());
    return { eventCount, storageSizeBytes: stats.storageSizeBytes, oldestEvent, newestEvent };
  }

  async compact(maxEvents) {
    checkedMaximum(maxEvents);
    const lines = this.lines();
    const events = lines.filter((line) => line.kind === 'event');
    if (lines.some((line) => line.other)) fired.add(3);
    if (events.length <= maxEvents) return 0;
    if (!events.every((line) => countable(line.event.timestamp))) fired.add(14);
    const key = ({ event }) => (countable(event.timestamp) ? event.timestamp : -Infinity);
    const sorted = events.toSorted((a, b) =>
      key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : rank(a) - rank(b),
    );
    const evicted = events.length - maxEvents;
    this.rewrite(sorted.slice(evicted));
    return evicted;
  }

  async writeAll(events) {
    if (!Array.isArray(events)) {
      fired.add(10);
      throw new TypeError('events must be an array');
    }
    const texts = Array.from(events, (event, i) => accepted(event, `events[${i}]`));
    if (!events.every(regular)) fired.add(13);
    await this.ensureDirectory();
    this.rewrite(texts.map((text) => judge(Buffer.from(text))));
  }

  /** The new log is these lines, by their bytes; malformed lines of the old one are set aside. */
  rewrite(lines) {
    const malformed = this.lines().filter((line) => line.kind === 'malformed');
    if (malformed.length > 0) {
      fired.add(4);
      appendFileSync(
        paths(this.baseDir).rejected,
        Buffer.concat(malformed.flatMap(({ raw }) => [raw, Buffer.from('\n')])),
      );
    }
    if (!lines.every((line) => line.canonical)) fired.add(12);
    if (!lines.every((line) => regular(line.event))) fired.add(13);
    const next = `${this.eventsPath}.next`;
    writeFileSync(next, Buffer.concat(lines.flatMap(({ raw }) => [raw, Buffer.from('\n')])));
    renameSync(next, this.eventsPath);
    this.writeIndex();
  }

  async releaseLock() {
    const lock = bytes(this.lockPath);
    if (lock === null) return super.releaseLock();
    try {
      const { holder } = JSON.parse(lock.toString('utf8'));
      if (this.lockHolder !== null && holder === this.lockHolder) unlinkSync(this.lockPath);
    } catch {
      fired.add(6); // unreadable, and so not ours
    }
    this.lockHolder = null;
  }
}

/** Among equal keys, events without a time go first. */
function rank({ event }) {
  return countable(event.timestamp) ? 1 : 0;
}

export class PersistentLedger extends stores.PersistentLedger {
  known = new Set();
  unsaved = new Set();
  /** Whether a line was loaded that JSON.stringify would write otherwise. */
  odd = false;

  constructor(config = {}) {
    super(Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)));
    this.store = new EventStore(this.config.storagePath);
  }

  logEvent(event) {
    accepted(event);
    const logged = super.logEvent(event);
    this.accept(logged, this.config.enableWAL);
    return logged;
  }

  finalizeEvent(event) {
    accepted(event);
    super.finalizeEvent(event);
    this.accept(event, this.config.enableWAL);
    if (this.config.enableWAL) {
      fired.add(1);
      this.store.append(event).catch(() => {});
    }
    return event;
  }

  importEvents(events) {
    const list = [...events];
    for (const [i, event] of list.entries()) accepted(event, `events[${i}]`);
    for (const event of list) this.accept(event, true);
    super.importEvents(list);
  }

  accept(event, written) {
    this.known.add(identity(event, latin1(JSON.stringify(event))));
    if (!written) this.unsaved.add(event);
  }

  clear() {
    super.clear();
    this.unsaved.clear();
  }

  /** Takes note of what a load brings in. */
  meet() {
    for (const line of this.store.lines().filter(({ kind }) => kind === 'event')) {
      this.known.add(identity(line.event, line.raw.toString('latin1')));
      this.odd ||= !line.canonical;
    }
  }

  async load() {
    this.meet();
    await super.load();
  }

  async save() {
    await this.store.acquireLock();
    try {
      const texts = this.exportEvents().map((event) => accepted(event));
      const held = new Set([
        ...this.known,
        ...this.exportEvents().map((event, i) => identity(event, latin1(texts[i]))),
      ]);
      const unseen = this.store
        .lines()
        .filter(
          (line) => line.kind === 'event' && !held.has(identity(line.event, line.raw.toString('latin1'))),
        );
      if (unseen.length > 0) fired.add(7);
      if (this.odd) fired.add(12);
      await this.store.ensureDirectory();
      this.store.rewrite([...texts.map((text) => judge(Buffer.from(text))), ...unseen]);
      this.known = held;
      this.unsaved.clear();
    } finally {
      await this.store.releaseLock();
    }
  }

  async compact() {
    // Twice, if the ledger holds it twice.
    const unsaved = this.exportEvents().filter((event) => this.unsaved.has(event));
    const evicted = await super.compact();
    if (evicted > 0) {
      this.meet();
      if (unsaved.length > 0) fired.add(8);
      addsEvents.call(this, unsaved);
      this.unsaved = new Set(unsaved);
    }
    return evicted;
  }
}

const latin1 = (text) => Buffer.from(text).toString('latin1');

/** What a ledger knows an event by: the id that its line has, or its bytes if that has none. */
function identity(event, text) {
  // A String object is written as a string.
  const eventId = JSON.parse(JSON.stringify(event.eventId) ?? 'null');
  return typeof eventId === 'string' ? `id ${eventId}` : `text ${text}`;
}

export const model = { ...ledgers, ...stores, EventStore, PersistentLedger };
