/**
 * Every scenario runs against the original and against ours, with the same assertions, and both must come to the same outcome.
 * `ONLY=original` or `ONLY=ours` runs one of them.
 */
import { describe, expect, test } from 'vitest';
import { evaluators } from './scenarios/evaluators.mjs';
import { ledger } from './scenarios/ledger.mjs';
import { lock } from './scenarios/lock.mjs';
import { memory } from './scenarios/memory.mjs';
import { store } from './scenarios/store.mjs';
import { fresh } from './support/folder.mjs';
import { implementations } from './support/implementations.mjs';
import { normalise } from './support/normalise.mjs';

const suites = { 'event store': store, lock, 'run ledger': memory, evaluators, 'persistent ledger': ledger };

describe.each(Object.entries(suites))('%s', (_, scenarios) => {
  describe.each(Object.entries(scenarios))('%s', (_, scenario) => {
    const outcomes = new Map();

    test.each(implementations)('$name', async ({ name, implementation }) => {
      const folder = fresh();
      const outcome = await scenario(implementation, folder);
      expect(outcome, 'a scenario returns its outcome, or null').not.toBe(undefined);
      outcomes.set(name, normalise(outcome, folder));
    });

    test.skipIf(implementations.length < 2)('the same outcome', () => {
      expect([...outcomes.keys()]).toEqual(['original', 'ours']);
      expect(outcomes.get('ours')).toStrictEqual(outcomes.get('original'));
    });
  });
});
