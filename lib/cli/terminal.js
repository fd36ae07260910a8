'use strict';

// What depends on whether a person sits in front of it: colours, progress, questions.

const { createInterface } = require('node:readline');
const { UsageError } = require('./usage-error.js');

/** @typedef {(text: string) => string} Paint */
/** @typedef {'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan' | 'magenta'} Colour */
/** @typedef {Record<Colour, Paint>} Colours */

/** @type {[keyof Colours, number, number][]} */
const CODES = [
  ['bold', 1, 22],
  ['dim', 2, 22],
  ['red', 31, 39],
  ['green', 32, 39],
  ['yellow', 33, 39],
  ['blue', 34, 39],
  ['magenta', 35, 39],
  ['cyan', 36, 39],
];

/**
 * @param {boolean} wanted
 * @returns {Colours}
 */
function colours(wanted) {
  /** @type {(on: number, off: number) => Paint} */
  const paint = (on, off) => (wanted ? (text) => `\x1b[${on}m${text}\x1b[${off}m` : (text) => text);
  return /** @type {Colours} */ (Object.fromEntries(CODES.map(([name, on, off]) => [name, paint(on, off)])));
}

/**
 * Whether a stream gets colours: a terminal that can show them, and nobody who said no.
 * @param {NodeJS.WriteStream} stream
 * @param {boolean} refused
 */
function wantsColour(stream, refused) {
  if (refused || process.env.NO_COLOR || process.env.TERM === 'dumb') return false;
  return stream.isTTY === true;
}

/**
 * Columns of a terminal; 80 where there is none, as in a file or a pipe.
 * @param {NodeJS.WriteStream} stream
 */
function columnsOf(stream) {
  return stream.isTTY ? Math.max(40, stream.columns || 80) : 80;
}

/** A counter on stderr while something takes long. Shows nothing unless stderr is a terminal. */
class Progress {
  #label;
  #count = 0;
  #shown = 0;
  #visible = process.stderr.isTTY === true && process.env.TERM !== 'dumb';

  /** @param {string} label */
  constructor(label) {
    this.#label = label;
    this.#shown = performance.now();
  }

  /** One more. */
  step() {
    this.#count++;
    if (!this.#visible || this.#count % 512 !== 0 || performance.now() - this.#shown < 100) return;
    this.#shown = performance.now();
    process.stderr.write(`\r\x1b[K${this.#label} ${this.#count.toLocaleString('en')} …`);
  }

  /** Takes the line away. */
  end() {
    if (this.#visible && this.#count >= 512) process.stderr.write('\r\x1b[K');
  }
}

/**
 * Asks before something is removed.
 * @param {string} question
 * @param {boolean} yes already answered by --yes
 * @param {string} call the call that needs no question
 * @returns {Promise<boolean>}
 */
async function confirm(question, yes, call) {
  if (yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(`${question} Nobody is there to answer: say --yes`, call);
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  /** @type {string | null} */
  const answer = await new Promise((resolve) => {
    reader.on('close', () => resolve(null));
    reader.question(`${question} [y/N] `, resolve);
  });
  reader.close();
  if (answer === null) process.stderr.write('\n'); // Ctrl-C and Ctrl-D end no line
  return answer !== null && /^y(?:es)?$/i.test(answer.trim());
}

module.exports = { Progress, colours, columnsOf, confirm, wantsColour };
