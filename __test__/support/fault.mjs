/** Faults of system calls in a child process, by the preloaded shim `shim/fault.c`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { ours } from './implementations.mjs';

const missing = (() => {
  if (ours === null) return 'only the original is tested';
  if (process.platform !== 'linux') return 'the shim is for Linux';
  return spawnSync('cc', ['--version']).error ? 'there is no C compiler' : null;
})();

/** A suite that needs the shim; skipped, with the reason in its name, where that cannot be had. */
export const describeFaults = (title, suite) =>
  describe.skipIf(missing !== null)(missing === null ? title : `${title} (skipped: ${missing})`, suite);

let library = null;
afterAll(() => {
  if (library !== null) rmSync(dirname(library), { recursive: true, force: true });
});

function build() {
  if (library !== null) return library;
  const folder = mkdtempSync(join(tmpdir(), 'guidance-ledger-shim-'));
  library = join(folder, 'fault.so');
  const source = join(import.meta.dirname, 'shim', 'fault.c');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl', '-lpthread']);
  return library;
}

/**
 * Rules for one or several children; `folder` is a scratch folder outside the store.
 * `watch`: shell pattern of the files whose calls are recorded.
 */
export class Faults {
  #rules;
  #log;
  #clock;

  constructor(folder, watch = '*/events*') {
    this.#rules = join(folder, 'rules');
    this.#log = join(folder, 'calls');
    this.#clock = join(folder, 'clock');
    writeFileSync(this.#rules, '');
    writeFileSync(this.#clock, Buffer.alloc(8));
    this.env = {
      LD_PRELOAD: build(),
      FAULT_RULES: this.#rules,
      FAULT_LOG: this.#log,
      FAULT_WATCH: watch,
      FAULT_CLOCK: this.#clock,
    };
  }

  /** Each rule as in `fault.c`, with an error's name in place of its number: `write @/events.ndjson 1+ errno ENOSPC`. */
  set(...rules) {
    const text = rules.map((rule) => rule.replace(/E[A-Z]+$/, (name) => constants.errno[name])).join('\n');
    // Replaced, not rewritten: a child must never read half of it. The comment makes equal rules count anew.
    writeFileSync(`${this.#rules}.new`, `${text}\n# ${performance.now()}\n`);
    renameSync(`${this.#rules}.new`, this.#rules);
  }

  clear() {
    this.set();
  }

  /** Recorded calls: `['write /path', …]`. */
  calls() {
    try {
      return readFileSync(this.#log, 'utf8').split('\n').slice(0, -1);
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  }

  forgetCalls() {
    rmSync(this.#log, { force: true });
  }

  /** Puts all clocks of the children forward. */
  advance(milliseconds) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(milliseconds) * 1_000_000n);
    writeFileSync(this.#clock, bytes, { flag: 'r+' });
  }
}
