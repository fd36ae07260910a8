/** Evaluators on hostile events: the same answer or the same class of error as the original's. */
import { expect, test } from 'vitest';
import { differ, Ids } from './support/compare.mjs';
import * as hostile from './support/hostile.mjs';
import { describeOurs, original, ours } from './support/implementations.mjs';
import { Random } from './support/random.mjs';

const NAMES = [
  'TestsPassEvaluator',
  'ForbiddenCommandEvaluator',
  'ForbiddenDependencyEvaluator',
  'ViolationRateEvaluator',
  'DiffQualityEvaluator',
];

function argument(name, random) {
  if (name === 'ForbiddenCommandEvaluator') return random.pick([undefined, [], [/rm/, /a/i], [/e/g]]);
  if (name === 'ForbiddenDependencyEvaluator') return random.pick([undefined, [], ['left-pad']]);
  return random.pick([undefined, 0, 1, 3, 0.05, -1, NaN, Infinity, '2']);
}

async function judge(implementation, name, seed) {
  const random = new Random(seed);
  const evaluator = new implementation[name](argument(name, random));
  const event = random.chance(0.05) ? hostile.notAnEvent(random) : hostile.event(random, random.chance(0.6));
  const answers = [];
  for (let i = 0; i < 2; i++)
    answers.push(
      await evaluator.evaluate(event).catch((error) => `${error.constructor.name}: ${error.message}`),
    );
  return answers;
}

describeOurs('evaluators', () => {
  test.each(NAMES)('%s answers 1,000 hostile events as the original does', async (name) => {
    for (let seed = 1; seed <= 1000; seed++) {
      const found = differ(await judge(original, name, seed), await judge(ours, name, seed), new Ids());
      expect(found, `seed ${seed}`).toBe(null);
    }
  });

  test.each(NAMES)('evaluate of %s rejects rather than throws', async (name) => {
    const evaluator = new ours[name](name === 'ForbiddenDependencyEvaluator' ? ['x'] : undefined);
    let answer;
    expect(() => (answer = evaluator.evaluate({}))).not.toThrow();
    await expect(answer).rejects.toThrow(TypeError);
  });
});
