'use strict';

// import: events from a file or from stdin.
//
// An event that is there already is skipped: known by its id, or by its text if it has none. So an import
// that was interrupted is simply run again. What is added is on the disk when the command ends.

const { createHash } = require('node:crypto');
const { createReadStream } = require('node:fs');
const { open } = require('node:fs/promises');
const { join } = require('node:path');
const { EXIT } = require('./exit-codes.js');
const { arrayItems, BLANK } = require('./json-items.js');
const { splitLines } = require('./lines.js');
const { LOCK_OPTION, lockingStore } = require('./lock-option.js');
const { plainJson, safe } = require('./safe-text.js');
const { counted } = require('./table.js');
const { Progress } = require('./terminal.js');
const { UsageError } = require('./usage-error.js');

/** @typedef {import('../../index.d.ts').RunEvent} RunEvent */

/** Events that are written together, and share one trip to the disk. */
const BATCH = 500;
/** Refused items that are told one by one. */
const TOLD = 10;
const BOM = Buffer.from('\ufeff');

/**
 * The chunks without a byte order mark, and whether an array begins with them.
 * @param {AsyncIterable<Uint8Array>} source
 */
async function lookAt(source) {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let first = -1;
  for (;;) {
    if (head.length >= BOM.length && head.subarray(0, BOM.length).equals(BOM))
      head = head.subarray(BOM.length);
    first = head.findIndex((byte) => !BLANK.has(byte));
    if (first !== -1 && head.length >= BOM.length) break;
    const { done, value } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all() {
    yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { isArray: head[first] === 0x5b, chunks: all() };
}

/**
 * The items of the input, each with its place for people.
 * @param {AsyncIterable<Uint8Array>} source
 * @returns {AsyncGenerator<{ place: string, text: string }, void, void>}
 */
async function* itemsOf(source) {
  const { isArray, chunks } = await lookAt(source);
  let count = 0;
  if (isArray) {
    for await (const item of arrayItems(chunks))
      yield { place: `item ${++count}`, text: item.toString('utf8') };
    return;
  }
  for await (const { bytes } of splitLines(chunks)) {
    count++;
    const text = bytes.toString('utf8').trim();
    if (text !== '') yield { place: `line ${count}`, text };
  }
}

/**
 * @param {string} text
 * @returns {RunEvent | string} the event, or why it is none
 */
function readEvent(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not an object';
  if (typeof value.taskId !== 'string') return 'taskId is no string';
  if (!Number.isFinite(value.timestamp)) return 'timestamp is no number';
  return value;
}

/**
 * What an event is known by.
 * @param {RunEvent} event
 */
function identity(event) {
  if (typeof event.eventId === 'string') return `id ${event.eventId}`;
  return createHash('sha256').update(plainJson(event)).digest('hex');
}

/**
 * @param {string | undefined} file
 * @param {string} call
 */
async function openInput(file, call) {
  if (file === undefined || file === '-') {
    if (file === undefined && process.stdin.isTTY) {
      throw new UsageError('import from where?', `${call} events.ndjson`);
    }
    return process.stdin;
  }
  // What is wrong with the file is told before anything else happens.
  const handle = await open(file, 'r');
  const isFolder = (await handle.stat()).isDirectory();
  await handle.close();
  if (isFolder)
    throw new UsageError(
      `${file} is a folder; import reads a file`,
      `${call} ${join(file, 'events.ndjson')}`,
    );
  return createReadStream(file);
}

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'import',
  summary: 'add events from a file or from stdin',
  words: '[FILE]',
  maxWords: 1,
  details: `Reads NDJSON or one JSON array, of any size; without FILE, or with '-', from stdin. Events whose
ids are there already are skipped, so an import that was interrupted can be run again. What is no event (an
object with a taskId and a timestamp) is refused and told; then the exit code is 1, and the others are added
all the same.`,
  options: {
    'dry-run': { type: 'boolean', help: 'only count' },
    ...LOCK_OPTION,
  },
  examples: [
    ['import events.ndjson', 'from a file'],
    ['import --dir new < old/events.ndjson', 'into another folder'],
    ['import --dry-run events.json', 'only count'],
  ],
  async run({ call, options, words, folder, out, note }) {
    const source = await openInput(words[0], call);
    const dryRun = options['dry-run'] === true;
    const store = lockingStore(folder, options, { durability: 'disk' });
    const counts = { read: 0, added: 0, skipped: 0, refused: 0 };
    const progress = new Progress('Read');
    const run = async () => {
      const known = new Set();
      for await (const event of store.stream()) known.add(identity(event));
      /** @type {Promise<void>[]} */
      let writing = [];
      for await (const { place, text } of itemsOf(source)) {
        counts.read++;
        progress.step();
        const event = readEvent(text);
        if (typeof event === 'string') {
          counts.refused++;
          if (counts.refused <= TOLD) note(`${place} is refused: ${event}: ${safe(text, 60)}`);
          continue;
        }
        const id = identity(event);
        if (known.has(id)) {
          counts.skipped++;
          continue;
        }
        known.add(id);
        counts.added++;
        if (dryRun) continue;
        writing.push(store.append(event));
        if (writing.length < BATCH) continue;
        await settled(writing);
        writing = [];
      }
      await settled(writing);
    };
    if (dryRun) await run();
    else {
      await store.acquireLock();
      try {
        await run();
      } catch (error) {
        if (counts.added > 0)
          note(
            `${counted(counts.added, 'event')} at most were added. Run it again: what is there is skipped.`,
          );
        throw error;
      } finally {
        await store.releaseLock();
      }
    }
    progress.end();
    if (counts.refused > TOLD)
      note(`… and ${counted(counts.refused - TOLD, 'more is', 'more are')} refused.`);
    if (options.json) await out.json({ dryRun, ...counts });
    else {
      const verb = dryRun ? 'would be added' : 'added';
      await out.line(
        `${counted(counts.added, 'event')} ${verb}, ${counts.skipped} already there, ${counts.refused} refused.`,
      );
    }
    return counts.refused > 0 ? EXIT.findings : EXIT.done;
  },
};

/**
 * Waits for all of them, and only then throws the first error.
 * @param {Promise<void>[]} promises
 */
async function settled(promises) {
  for (const result of await Promise.allSettled(promises))
    if (result.status === 'rejected') throw result.reason;
}
