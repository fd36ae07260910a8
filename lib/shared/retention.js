'use strict';

// What a compaction keeps, and where the rest goes: checks, and the form that the native side takes.

const check = require('./arguments.js');

/** @typedef {import('../../index.d.ts').Retention} Retention */
/** @typedef {{ maxEvents: number | undefined, maxAgeMs: number | undefined, maxBytes: number | undefined }} Limits */

const LIMITS = /** @type {const} */ (['maxEvents', 'maxAgeMs', 'maxBytes']);
const OPTIONS = [...LIMITS, 'archive'];

/**
 * Where an archive is: null for none, '' for the folder beside the log, else a path.
 * @param {string} name
 * @param {unknown} value
 * @returns {string | null}
 */
function checkArchive(name, value) {
  if (value === undefined || value === false) return null;
  if (value === true) return '';
  if (typeof value !== 'string') throw check.wrongType(name, 'true or the path of a folder', value);
  return check.resolvePath(name, check.checkPath(name, value, `${name}: 'path/to/folder'`));
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {{ limits: Limits, archive: string | null }}
 */
function checkRetention(name, value) {
  const { maxEvents, maxAgeMs, maxBytes, archive } = check.checkOptions(name, value, OPTIONS, 'refuse');
  return {
    limits: {
      maxEvents: maxEvents === undefined ? undefined : check.checkCount(`${name}.maxEvents`, maxEvents),
      maxAgeMs: maxAgeMs === undefined ? undefined : check.checkMilliseconds(`${name}.maxAgeMs`, maxAgeMs),
      maxBytes: maxBytes === undefined ? undefined : check.checkCount(`${name}.maxBytes`, maxBytes),
    },
    archive: checkArchive(`${name}.archive`, archive),
  };
}

/** @param {Limits} limits */
function namesNone(limits) {
  return LIMITS.every((limit) => limits[limit] === undefined);
}

/**
 * What \`compact\` takes: a number of events, or limits of which there must be one.
 * @param {unknown} value
 */
function checkLimits(value) {
  if (typeof value !== 'object' || value === null || check.isArray(value)) {
    const maxEvents = check.checkCount('maxEvents', value);
    return { limits: { maxEvents, maxAgeMs: undefined, maxBytes: undefined }, archive: null };
  }
  const retention = checkRetention('limits', value);
  if (!namesNone(retention.limits)) return retention;
  throw check.typeError(
    'limits must name one of maxEvents, maxAgeMs and maxBytes: nothing says what to keep',
  );
}

module.exports = { checkArchive, checkLimits, checkRetention, namesNone };
