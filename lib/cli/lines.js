'use strict';

// Bytes as lines. A line ends at 0x0A and nowhere else; what it means is V8's to say.

const CHUNK = 64 * 1024;
const NEWLINE = 0x0a;

/** @typedef {{ offset: number, bytes: Buffer, whole: boolean }} Line `whole`: it has its newline */

/**
 * The bytes `[from, to)` of an open file.
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {number} from
 * @param {number} [to] the end of the file by default
 * @returns {AsyncGenerator<Buffer, void, void>}
 */
async function* chunksOf(handle, from, to = Infinity) {
  for (let at = from; at < to; ) {
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafe(CHUNK),
      0,
      Math.min(CHUNK, to - at),
      at,
    );
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {number} [offset] where the first chunk begins
 * @returns {AsyncGenerator<Line, void, void>}
 */
async function* splitLines(chunks, offset = 0) {
  /** @type {Uint8Array[]} */
  let pieces = [];
  let start = offset;
  let at = offset;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      pieces.push(chunk.subarray(from, end));
      yield { offset: start, bytes: joined(pieces), whole: true };
      pieces = [];
      from = end + 1;
      start = at + from;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    at += chunk.length;
  }
  if (pieces.length > 0) yield { offset: start, bytes: joined(pieces), whole: false };
}

/**
 * @param {Uint8Array[]} pieces
 * @returns {Buffer}
 */
function joined(pieces) {
  const [piece] = pieces;
  if (pieces.length > 1) return Buffer.concat(pieces);
  return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/**
 * The lines that end before `size`, the last one first.
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {number} size
 * @returns {AsyncGenerator<Line, void, void>}
 */
async function* linesBackward(handle, size) {
  /** @type {Buffer[]} what is known of the line in hand, from its end */
  let pieces = [];
  let whole = false;
  let first = true;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    /** @type {Buffer[]} */
    const read = [];
    for await (const chunk of chunksOf(handle, start, end)) read.push(chunk);
    const block = joined(read.length > 0 ? read : [Buffer.alloc(0)]);
    let to = block.length;
    for (let at = block.lastIndexOf(NEWLINE); at !== -1; ) {
      pieces.push(block.subarray(at + 1, to));
      const bytes = joined(pieces.reverse());
      // The newline at the very end begins no line.
      if (!first || bytes.length > 0) yield { offset: start + at + 1, bytes, whole };
      first = false;
      whole = true;
      pieces = [];
      to = at;
      at = to === 0 ? -1 : block.lastIndexOf(NEWLINE, to - 1);
    }
    pieces.push(block.subarray(0, to));
    end = start;
  }
  if (size > 0) yield { offset: 0, bytes: joined(pieces.reverse()), whole };
}

/**
 * The event that a line is.
 * @param {Buffer} bytes
 * @returns {Record<string, unknown> | null | undefined} undefined for a blank line, null for one that is no event
 */
function eventOf(bytes) {
  const text = bytes.toString('utf8').trim();
  if (text === '') return undefined;
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

module.exports = { chunksOf, eventOf, linesBackward, splitLines };
