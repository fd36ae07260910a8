/**
 * A small seeded generator (mulberry32), so that a run is repeated by its seed alone.
 * Node's own randomness is never used where a failure must be reproduced.
 */
export class Random {
  #state;

  constructor(seed) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
    // Neighbouring seeds begin alike: let them drift apart before the first answer.
    for (let i = 0; i < 8; i++) this.next();
  }

  /** A number in [0, 1). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** An integer in [0, limit). */
  int(limit) {
    return Math.floor(this.next() * limit);
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.int(list.length)];
  }

  /** Picks a value from [[weight, value], …]. */
  weighted(table) {
    let at = this.next() * table.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of table) {
      at -= weight;
      if (at < 0) return value;
    }
    return table.at(-1)[1];
  }

  /** A seed for a generator of its own. */
  fork() {
    return this.int(0xffffffff);
  }
}
