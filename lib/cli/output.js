'use strict';

// Where data goes: stdout, or something that is written like it.
//
// Lines are gathered to blocks, and a reader who is slower than we are is waited for; so memory stays bounded.

const { once } = require('node:events');
const { jsonText } = require('./safe-text.js');

const BLOCK = 64 * 1024;

class Output {
  #stream;
  /** @type {string[]} */
  #lines = [];
  #size = 0;

  /** @param {NodeJS.WritableStream} stream */
  constructor(stream) {
    this.#stream = stream;
  }

  /** @param {string} text */
  async write(text) {
    this.#lines.push(text);
    this.#size += text.length;
    if (this.#size >= BLOCK) await this.flush();
  }

  /** @param {string} text */
  async line(text) {
    await this.write(`${text}\n`);
  }

  /** @param {unknown} value one line of NDJSON */
  async json(value) {
    await this.line(jsonText(value));
  }

  async flush() {
    if (this.#size === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#size = 0;
    if (!this.#stream.write(text)) await once(this.#stream, 'drain');
  }
}

module.exports = { Output };
