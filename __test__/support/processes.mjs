/** Other processes: programs that say what they did, and agents that do what they are told. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const PROGRAMS = join(import.meta.dirname, 'processes');

/** A running program and the whole lines that it wrote to its standard output. */
class Program {
  lines = [];
  #rest = '';
  #waiting = [];
  #errors = '';

  constructor(name, options, { env = {}, ipc = false, nodeOptions = [], descriptors = null } = {}) {
    const program = [
      process.execPath,
      ...nodeOptions,
      join(PROGRAMS, `${name}.mjs`),
      JSON.stringify(options),
    ];
    const limited = ['sh', '-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, ...program];
    const [command, ...argv] = descriptors === null ? program : limited;
    const stdio = ['pipe', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])];
    this.child = spawn(command, argv, {
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio,
      serialization: 'advanced',
    });
    this.child.stdin.on('error', () => {}); // it may be dead already
    this.child.stdout.setEncoding('utf8').on('data', (text) => this.#hear(text));
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors += text;
    });
    /** How it ended: exit code or signal. Resolves when all its output has come. */
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`ended early: ${this.#errors}`));
      return signal ?? code;
    });
    onTestFinished(async () => {
      this.kill();
      await this.ended;
    });
  }

  get errors() {
    return this.#errors;
  }

  get pid() {
    return this.child.pid;
  }

  #hear(text) {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop();
    this.lines.push(...parts);
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.lines.length < count) return true;
      resolve();
      return false;
    });
  }

  /** Resolves once it has written so many lines. */
  async said(count) {
    if (this.lines.length >= count) return;
    await new Promise((resolve, reject) => this.#waiting.push({ count, resolve, reject }));
  }

  kill(signal = 'SIGKILL') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
  }

  /** Waits for its end and throws unless that was a good one. */
  async done() {
    const end = await this.ended;
    if (end !== 0) throw new Error(`a process ended with ${end}: ${this.#errors}`);
    return this.lines;
  }
}

/**
 * Starts a program of `processes/`; it is killed at the end of the test if it still runs.
 * `how`: `env`, `nodeOptions`, and `descriptors`, how many files it may have open at once.
 */
export const start = (name, options, how) => new Program(name, options, how);

/**
 * Starts a program that is a function: it gets `{ ledgerModule, runEvent, say, fs, folder }` and values that JSON can
 * carry, and sees nothing of the place where it is written. `say` writes a line that `said` and `lines` know.
 */
export const script = (folder, task, values = [], how = {}) =>
  new Program('script', { folder, task: task.toString(), values }, how);

/** A process that runs functions for us, with a store and a ledger of its own for the folder. */
class Agent extends Program {
  #calls = new Map();
  #number = 0;

  constructor(options, how) {
    super('agent', options, { ...how, ipc: true });
    this.child.on('message', ({ number, value, error }) => {
      const call = this.#calls.get(number);
      this.#calls.delete(number);
      if (error === undefined) call.resolve(value);
      else call.reject(Object.assign(new Error(error.message), error));
    });
    this.ended.then((end) => {
      const ended = new Error(`the agent ended with ${end}: ${this.errors}`);
      for (const call of this.#calls.values()) call.reject(ended);
    });
  }

  /**
   * Runs a function there with `{ store, ledger, ledgerModule, told, fs, latency }` and arguments that can be cloned. It sees
   * nothing of the place where it is written. Errors come back with their code, path, syscall and name.
   */
  run(task, ...values) {
    const number = this.#number++;
    const result = new Promise((resolve, reject) => this.#calls.set(number, { resolve, reject }));
    this.child.send({ number, task: task.toString(), values }, (error) => {
      if (error) this.#calls.get(number)?.reject(error);
    });
    return result;
  }

  /** As `run`, but answers the error that is expected. */
  async fails(task, ...values) {
    const failure = await this.run(task, ...values).then(
      (value) => ({ unexpected: value }),
      (error) => error,
    );
    if ('unexpected' in failure) throw new Error(`should have failed, but answered ${failure.unexpected}`);
    return failure;
  }
}

/** `options`: folder, implementation ('ours' or 'original'), and options of store and ledger. */
export async function agent(options, how) {
  const made = new Agent(options, how);
  await made.run(() => {});
  return made;
}

/** The store of an agent's process, as far as checks need it. */
export const storeOf = (it) => ({
  append: (event) => it.run(({ store }, event) => store.append(event), event),
  flush: () => it.run(({ store }) => store.flush()),
  getStats: () => it.run(({ store }) => store.getStats()),
  verify: () => it.run(({ store }) => store.verify()),
});
