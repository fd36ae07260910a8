'use strict';

// The log as it grows, across compactions.
//
// A compaction puts another file under the log's name. The old file stays open here, so nothing is missed of
// it; then the new file is read from its beginning, and what was in the old one is passed over. An event is
// known by its id, a line without an id by its text. Only what was both added and removed between two looks
// stays unseen.
//
// A program that had the old file open may write to it until the end, and the compaction copies such lines to
// the new file a little later. So what was shown shortly before a change is remembered shortly after it.

const { createHash } = require('node:crypto');
const { open, stat } = require('node:fs/promises');
const { chunksOf, eventOf, splitLines } = require('./lines.js');

/** @typedef {import('./lines.js').Line} Line */
/** @typedef {import('node:fs/promises').FileHandle} FileHandle */

/** How often we look. */
const LOOK_MS = 200;
/** How long before a change a line may have been shown, and how long after it, to be one that is copied late. */
const LATE_MS = 10_000;

/** How often each of a number of keys is there. */
class Multiset {
  /** @type {Map<number, number>} */
  #counts = new Map();

  /** @param {number} key */
  add(key) {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /**
   * @param {number} key
   * @returns {boolean} whether it was there
   */
  take(key) {
    const count = this.#counts.get(key) ?? 0;
    if (count > 0) this.#counts.set(key, count - 1);
    return count > 0;
  }
}

/**
 * Six bytes of a digest: little memory for each line of a log, and two different lines in a million million
 * share one.
 * @param {Buffer} bytes
 * @returns {number}
 */
function keyOf(bytes) {
  const id = eventOf(bytes)?.eventId;
  const hash = createHash('sha1');
  if (typeof id === 'string') hash.update('id:').update(id);
  else hash.update('text:').update(bytes);
  return hash.digest().readUIntBE(0, 6);
}

/**
 * @param {string} path
 * @returns {Promise<import('node:fs').BigIntStats | null>}
 */
async function statOf(path) {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {Promise<FileHandle | null>} null if there is no such file
 */
async function openLog(path) {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

class LogFollower {
  #path;
  #handle;
  #offset;
  #note;
  /** @type {{ key: number, time: number }[]} what was shown within LATE_MS */
  #recent = [];
  #late = new Multiset();
  #lateUntil = 0;

  /**
   * @param {string} path
   * @param {FileHandle | null} handle the open log, which is ours from now on; null if there is none yet
   * @param {number} offset where to begin
   * @param {(text: string) => void} note
   */
  constructor(path, handle, offset, note) {
    this.#path = path;
    this.#handle = handle;
    this.#offset = offset;
    this.#note = note;
  }

  /**
   * The lines that came since the last look, and after each look an undefined. Never ends.
   * @returns {AsyncGenerator<Line | undefined, never, void>}
   */
  async *lines() {
    for (;;) {
      yield* this.#look();
      yield undefined;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async *#look() {
    this.#handle ??= await openLog(this.#path);
    if (this.#handle === null) return;
    const ours = await this.#handle.stat({ bigint: true });
    if (Number(ours.size) < this.#offset) {
      this.#note('The log was cut; it is read again from its beginning.');
      this.#offset = 0;
    }
    this.#forget();
    for await (const line of this.#news()) yield this.#remember(line);
    const named = await statOf(this.#path);
    if (named !== null && (named.ino !== ours.ino || named.dev !== ours.dev)) yield* this.#change();
  }

  /** Whole lines from the offset on; half a line is left for the next look. */
  async *#news() {
    const handle = /** @type {FileHandle} */ (this.#handle);
    for await (const line of splitLines(chunksOf(handle, this.#offset), this.#offset)) {
      if (!line.whole) return;
      this.#offset = line.offset + line.bytes.length + 1;
      if (performance.now() < this.#lateUntil && this.#late.take(keyOf(line.bytes))) continue;
      yield line;
    }
  }

  /** @param {Line} line */
  #remember(line) {
    this.#recent.push({ key: keyOf(line.bytes), time: performance.now() });
    return line;
  }

  #forget() {
    const since = performance.now() - LATE_MS;
    const first = this.#recent.findIndex(({ time }) => time >= since);
    this.#recent.splice(0, first === -1 ? this.#recent.length : first);
  }

  /** The log was replaced: goes over to the new file. */
  async *#change() {
    const next = await openLog(this.#path);
    if (next === null) return;
    const old = /** @type {FileHandle} */ (this.#handle);
    try {
      for await (const line of this.#news()) yield this.#remember(line);
      const seen = new Multiset();
      for await (const { bytes } of splitLines(chunksOf(old, 0, this.#offset))) seen.add(keyOf(bytes));
      const late = new Multiset();
      for (const { key } of this.#recent) late.add(key);
      this.#handle = next;
      this.#offset = 0;
      this.#lateUntil = 0;
      for await (const line of this.#news()) {
        const key = keyOf(line.bytes);
        if (seen.take(key)) late.take(key);
        else yield this.#remember(line);
      }
      this.#late = late;
      this.#lateUntil = performance.now() + LATE_MS;
    } finally {
      await old.close();
    }
  }
}

module.exports = { LogFollower, openLog };
