'use strict';

// The items of a JSON array of any size, one after the other.
//
// Only brackets and quotes are looked at, to find where an item ends; what it means is JSON.parse's to say.

const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, OPEN_BRACE, CLOSE_BRACE] = Buffer.from('"\\,[]{}');
const BLANK = new Set(Buffer.from(' \t\r\n'));

/** @param {string} message */
const inputError = (message) => Object.assign(new SyntaxError(message), { code: 'ERR_INPUT' });

/**
 * @param {AsyncIterable<Uint8Array>} chunks beginning at the array's bracket, or white space before it
 * @returns {AsyncGenerator<Buffer, void, void>} the bytes between the commas
 */
async function* arrayItems(chunks) {
  /** @type {Uint8Array[]} */
  let pieces = [];
  let depth = 0;
  let quoted = false;
  let escaped = false;
  let ended = false;
  for await (const chunk of chunks) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (ended) {
        if (!BLANK.has(byte)) throw inputError('something follows the end of the array');
      } else if (quoted) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) quoted = false;
      } else if (byte === QUOTE) quoted = true;
      else if (byte === OPEN || byte === OPEN_BRACE) {
        depth++;
        if (depth === 1) from = i + 1;
      } else if (byte === CLOSE || byte === CLOSE_BRACE || (byte === COMMA && depth === 1)) {
        if (byte !== COMMA) depth--;
        if (depth > 0 && byte !== COMMA) continue;
        const item = Buffer.concat([...pieces, chunk.subarray(from, i)]);
        pieces = [];
        from = i + 1;
        ended = depth === 0;
        if (byte === COMMA || item.some((blank) => !BLANK.has(blank))) yield item;
      }
    }
    if (depth > 0 && from < chunk.length) pieces.push(chunk.subarray(from));
  }
  if (!ended) throw inputError('the array has no end');
}

module.exports = { BLANK, arrayItems };
