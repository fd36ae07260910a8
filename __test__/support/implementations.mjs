/**
 * The two implementations a scenario runs against. `ONLY=original` or `ONLY=ours` leaves one of them out;
 * tests of ours alone are then skipped or run accordingly.
 */
import { describe } from 'vitest';
import { original } from './differential.mjs';

const only = process.env.ONLY;
if (only !== undefined && only !== 'original' && only !== 'ours')
  throw new Error(`ONLY must be "original" or "ours", not "${only}"`);

export { original };
export const ours = only === 'original' ? null : await import('guidance-ledger');

export const implementations = [
  ...(only === 'ours' ? [] : [{ name: 'original', implementation: original }]),
  ...(ours === null ? [] : [{ name: 'ours', implementation: ours }]),
];

/** Runs a suite once per implementation. */
export const describeBoth = (title, suite) =>
  describe.each(implementations)(`${title} ($name)`, ({ implementation, name }) =>
    suite(implementation, name),
  );

/** Runs a suite for ours only. */
export const describeOurs = (title, suite) => describe.skipIf(ours === null)(title, suite);
