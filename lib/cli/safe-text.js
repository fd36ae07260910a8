'use strict';

// Text from events, made fit for a terminal.
//
// Events are written by anybody. Control characters in them could move the cursor, change the title or answer
// for the user; bidirectional marks could make a line read as another one; half a surrogate pair is no
// character at all. Whatever of an event is shown goes through `safe`, and JSON through `jsonText`.

/** Controls (C0, DEL, C1), line separators, marks that reorder or hide text, and lone surrogates. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu;

/** @type {Record<string, string>} */
const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** @param {string} char */
function escaped(char) {
  return SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * @param {unknown} value
 * @param {number} [limit] longest result, in characters; a cut is shown by '…'
 * @returns {string}
 */
function safe(value, limit = Infinity) {
  const text = typeof value === 'string' ? value : (shallow(value) ?? 'undefined');
  // Cut first: no more than this many characters can be left of it.
  const cut = text.length > limit ? `${text.slice(0, limit)} ` : text;
  const shown = cut.replace(UNSAFE, escaped);
  return shown.length > limit ? `${shown.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…` : shown;
}

/**
 * @param {unknown} value
 * @returns {string | undefined}
 */
function shallow(value) {
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? '[…]' : '{…}';
}

/**
 * A value as JSON in one line. The same value as `JSON.stringify` gives, but what a terminal might obey is
 * written as an escape, and nesting is not limited.
 * @param {unknown} value from JSON
 * @returns {string}
 */
function jsonText(value) {
  return plainJson(value).replace(UNSAFE, escaped);
}

/**
 * As `JSON.stringify`, but exact: V8 reads numbers that it does not write (1e999, -0), and more nesting.
 * @param {unknown} value from JSON
 * @returns {string}
 */
function plainJson(value) {
  if (!isWritable(value)) return ownJson(value);
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return ownJson(value);
    throw error;
  }
}

/**
 * Whether `JSON.stringify` writes every number in it.
 * @param {unknown} root
 */
function isWritable(root) {
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return false;
    if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) open.push(item);
  }
  return true;
}

/** @param {number} value */
function numberText(value) {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return value > 0 ? '1e999' : '-1e999';
}

/**
 * JSON text without recursion.
 * @param {unknown} root
 * @returns {string}
 */
function ownJson(root) {
  /** @type {string[]} */
  const out = [];
  /** @type {{ entries: Iterator<[string | null, unknown]>, close: string, empty: boolean }[]} */
  const open = [];
  const begin = (/** @type {unknown} */ value) => {
    if (typeof value !== 'object' || value === null) {
      out.push(typeof value === 'number' ? numberText(value) : JSON.stringify(value));
      return;
    }
    const list = Array.isArray(value);
    /** @type {[string | null, unknown][]} */
    const entries = list ? value.map((item) => [null, item]) : Object.entries(value);
    out.push(list ? '[' : '{');
    open.push({ entries: entries.values(), close: list ? ']' : '}', empty: true });
  };
  begin(root);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { done, value } = top.entries.next();
    if (done) {
      out.push(top.close);
      open.pop();
      continue;
    }
    const [key, item] = value;
    if (!top.empty) out.push(',');
    top.empty = false;
    if (key !== null) out.push(JSON.stringify(key), ':');
    begin(item);
  }
  return out.join('');
}

module.exports = { escaped, jsonText, plainJson, safe };
