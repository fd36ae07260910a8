// The measurements of one trial. A ratio is the median of the rounds' ratios: contenders of one round ran within
// seconds of each other, so a machine that grows slower in mid-run does not change it.

/** @param {number[]} values */
export function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export class Results {
  /** @type {Map<string, Record<string, number>[]>} */
  #rounds;

  /** @param {string[]} contenders */
  constructor(contenders) {
    this.#rounds = new Map(contenders.map((contender) => [contender, []]));
  }

  /** @param {string} contender @param {Record<string, number>} measured */
  add(contender, measured) {
    this.#rounds.get(contender).push(measured);
  }

  get contenders() {
    return [...this.#rounds.keys()];
  }

  /** @param {string} contender @param {string} key */
  median(contender, key) {
    return median(this.#all(contender, key));
  }

  /** Median over the rounds of `(a.key / b.otherKey)`. */
  ratio(a, b, key, otherKey = key) {
    return this.#paired(a, b, key, otherKey, (x, y) => x / y);
  }

  /** Median over the rounds of `(a.key − b.otherKey)`. */
  difference(a, b, key, otherKey = key) {
    return this.#paired(a, b, key, otherKey, (x, y) => x - y);
  }

  /** Names of what was measured. */
  keys(contender) {
    return [...new Set((this.#rounds.get(contender) ?? []).flatMap(Object.keys))];
  }

  #all(contender, key) {
    return (this.#rounds.get(contender) ?? []).map((measured) => measured[key] ?? Number.NaN);
  }

  #paired(a, b, key, otherKey, combine) {
    const others = this.#all(b, otherKey);
    return median(this.#all(a, key).map((value, round) => combine(value, others[round])));
  }
}
