import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, paths } from './disk.mjs';
import { watch } from './quiet.mjs';

/** One implementation on its way through a sequence. */
export class Contestant {
  objects = [];
  #numbers = new Map();
  newIds = [];
  store = null;
  ledger = null;

  constructor(name, implementation, root) {
    this.name = name;
    this.implementation = implementation;
    this.folder = join(root, name, 'nested', 'store');
    this.paths = paths(this.folder);
  }

  /** Numbers objects in the order in which they are first seen. Equal traces: the same objects come back in the same places. */
  trace(answer) {
    if (Array.isArray(answer)) return answer.map((member) => this.#number(member));
    return this.#number(answer);
  }

  #number(object) {
    if (typeof object !== 'object' || object === null) return null;
    if (!this.#numbers.has(object)) {
      this.#numbers.set(object, this.objects.length);
      this.objects.push(object);
    }
    return this.#numbers.get(object);
  }

  openStore() {
    this.store = new this.implementation.EventStore(this.folder);
  }

  openLedger(config) {
    this.ledger = watch(
      new this.implementation.PersistentLedger({ storagePath: this.folder, compactIntervalMs: 0, ...config }),
    );
  }

  log() {
    return bytes(this.paths.log);
  }

  index() {
    const found = bytes(this.paths.index);
    if (found === null) return null;
    try {
      return JSON.parse(found.toString('utf8'));
    } catch {
      return `unreadable: ${found.toString('latin1')}`;
    }
  }

  lock() {
    const found = bytes(this.paths.lock);
    if (found === null) return 'none';
    try {
      const { holder } = JSON.parse(found.toString('utf8'));
      return holder === 'peer' ? 'peer' : 'held';
    } catch {
      return 'unreadable';
    }
  }

  size() {
    return [this.paths.log, this.paths.index].reduce(
      (sum, path) => sum + (existsSync(path) ? statSync(path).size : 0),
      0,
    );
  }
}
