'use strict';

// Tables, sparklines and numbers, for a terminal.

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours take no room
const COLOUR = /\x1b\[\d+m/g;
const BLOCKS = '▁▂▃▄▅▆▇█';

/**
 * Columns that a text takes.
 * @param {string} text
 * @returns {number}
 */
function width(text) {
  const plain = text.replace(COLOUR, '');
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let sum = 0;
  for (const char of plain) sum += /\p{M}/u.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return sum;
}

/**
 * @param {string} text
 * @param {number} columns
 * @param {boolean} right
 */
function pad(text, columns, right = false) {
  const space = ' '.repeat(Math.max(0, columns - width(text)));
  return right ? space + text : text + space;
}

/**
 * Rows as aligned columns, two spaces between them.
 * @param {string[][]} rows the first may be the head
 * @param {('left' | 'right')[]} [sides] left by default
 * @returns {string[]} lines
 */
function table(rows, sides = []) {
  /** @type {number[]} */
  const columns = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) columns[i] = Math.max(columns[i] ?? 0, width(cell));
  }
  const line = (/** @type {string[]} */ row) =>
    row.map((cell, i) => pad(cell, columns[i], sides[i] === 'right')).join('  ');
  return rows.map((row) => line(row).trimEnd());
}

/**
 * A text in lines of at most so many columns, cut between words.
 * @param {string} text
 * @param {number} columns
 * @returns {string[]}
 */
function wrap(text, columns) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.trim().split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && width(last) + 1 + width(word) <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * The first cells of each row, as many as a terminal has room for, but two at least.
 * @param {string[][]} rows
 * @param {number} columns
 * @returns {string[][]}
 */
function fitting(rows, columns) {
  let count = rows[0].length;
  const wide = () => Math.max(...table(rows.map((row) => row.slice(0, count))).map(width));
  while (count > 2 && wide() > columns) count--;
  return rows.map((row) => row.slice(0, count));
}

/**
 * Values as a row of small bars from zero; a gap where there is none.
 * @param {readonly (number | null)[]} values
 * @param {number} [top] the value of a full bar; the highest by default
 * @returns {string}
 */
function sparkline(values, top = values.reduce((/** @type {number} */ a, b) => Math.max(a, b ?? 0), 0)) {
  return values
    .map((value) => {
      if (value === null) return ' ';
      const level = top > 0 ? Math.round((value / top) * (BLOCKS.length - 1)) : 0;
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.max(0, level))];
    })
    .join('');
}

/** @param {number} value */
function showCount(value) {
  return value.toLocaleString('en');
}

/**
 * A count and its noun.
 * @param {number} count
 * @param {string} noun in the singular
 * @param {string} [plural]
 */
function counted(count, noun, plural = `${noun}s`) {
  return `${showCount(count)} ${count === 1 ? noun : plural}`;
}

/**
 * A rate with two digits after the point, or fewer if it is large.
 * @param {number} value
 */
function showRate(value) {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 1000 ? 1 : 0;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @param {number} share from 0 to 1 */
function showShare(share) {
  return `${Math.round(share * 100)} %`;
}

/** @param {number} bytes */
function showBytes(bytes) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1))} ${units[power]}`;
}

module.exports = {
  counted,
  fitting,
  pad,
  showBytes,
  showCount,
  showRate,
  showShare,
  sparkline,
  table,
  width,
  wrap,
};
