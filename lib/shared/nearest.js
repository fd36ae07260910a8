'use strict';

// The nearest of a few known words to a mistyped one.

/**
 * How many letters have to be added, removed, changed or swapped with their neighbour to make `b` of `a`.
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

/**
 * @param {string} word
 * @param {readonly string[]} known
 * @returns {string | undefined} undefined if nothing is near
 */
function nearest(word, known) {
  const short = word.slice(0, 40);
  const close = (/** @type {string} */ candidate) =>
    candidate.startsWith(short) || short.startsWith(candidate) ? 0.5 : distance(short, candidate);
  const [best] = known
    .map((candidate) => ({ candidate, far: close(candidate) }))
    .filter(({ candidate, far }) => far <= Math.max(1, Math.floor(candidate.length / 2)))
    .sort((a, b) => a.far - b.far);
  return best?.candidate;
}

module.exports = { distance, nearest };
