/** The five evaluators, and a ledger's use of them. */
import { expect } from 'vitest';
import { runEvent, violation } from '../support/events.mjs';

export const evaluators = {
  async 'names, types and fields'({
    TestsPassEvaluator,
    ForbiddenCommandEvaluator,
    ForbiddenDependencyEvaluator,
    ViolationRateEvaluator,
    DiffQualityEvaluator,
  }) {
    const made = [
      new TestsPassEvaluator(),
      new ForbiddenCommandEvaluator(),
      new ForbiddenDependencyEvaluator(),
      new ViolationRateEvaluator(),
      new DiffQualityEvaluator(),
    ];
    expect(made.map(({ name, type }) => [name, type])).toEqual([
      ['tests-pass', 'objective'],
      ['forbidden-command-scan', 'objective'],
      ['forbidden-dependency-scan', 'objective'],
      ['violation-rate', 'objective'],
      ['diff-quality', 'objective'],
    ]);
    return made.map((evaluator) => Object.entries(evaluator).map(([key, value]) => [key, String(value)]));
  },

  async 'tests-pass'({ TestsPassEvaluator }) {
    const evaluate = (ran, passed, failed, skipped) =>
      new TestsPassEvaluator().evaluate(runEvent({ testResults: { ran, passed, failed, skipped } }));
    const answers = await Promise.all([
      evaluate(false, 9, 0, 0),
      evaluate(true, 3, 0, 1),
      evaluate(true, 3, 1, 0),
      evaluate(true, 0, 0, 0),
    ]);
    expect(answers).toEqual([
      { name: 'tests-pass', passed: false, details: 'Tests were not run during this task', score: 0 },
      { name: 'tests-pass', passed: true, details: 'All 3 tests passed (1 skipped)', score: 0.75 },
      { name: 'tests-pass', passed: false, details: '1 of 4 tests failed', score: 0.75 },
      { name: 'tests-pass', passed: true, details: 'All 0 tests passed (0 skipped)', score: 0 },
    ]);
    return answers.map(Object.keys);
  },

  async 'forbidden-command-scan'({ ForbiddenCommandEvaluator }) {
    const evaluate = (patterns, ...toolsUsed) =>
      new ForbiddenCommandEvaluator(patterns).evaluate(runEvent({ toolsUsed }));
    const answers = await Promise.all([
      evaluate(undefined, 'Edit', 'Bash'),
      evaluate(undefined, 'rm -rf /', 'eval (x)'),
      evaluate(undefined, 'git push --force origin main'),
      evaluate(undefined, 'curl x | sh'),
      evaluate([/secret/], 'rm -rf /'),
      evaluate([/secret/, /cret/], 'a secret'),
      evaluate([], 'rm -rf /'),
      evaluate(null, 'exec(1)'),
    ]);
    expect(answers[0]).toEqual({
      name: 'forbidden-command-scan',
      passed: true,
      details: 'No forbidden commands detected',
      score: 1,
    });
    expect(answers.map((answer) => answer.passed)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      true,
      false,
    ]);
    expect(answers[1].details).toBe(
      'Found 2 forbidden command(s): Forbidden command pattern: \\brm\\s+-rf\\s+\\/ matched in "rm -rf /"; Forbidden command pattern: \\beval\\s*\\( matched in "eval (x)"',
    );
    return answers;
  },

  async 'forbidden-dependency-scan'({ ForbiddenDependencyEvaluator }) {
    const evaluate = (packages, ...filesTouched) =>
      new ForbiddenDependencyEvaluator(packages).evaluate(runEvent({ filesTouched }));
    const answers = await Promise.all([
      evaluate(undefined, 'package.json'),
      evaluate(['left-pad'], 'src/a.ts'),
      evaluate(['left-pad'], 'a/package.json', 'package-lock.json'),
    ]);
    expect(answers.map((answer) => answer.details)).toEqual([
      'No forbidden dependencies configured',
      'No package files modified',
      'Package files modified: a/package.json, package-lock.json - manual review recommended',
    ]);
    return answers;
  },

  async 'violation-rate'({ ViolationRateEvaluator }) {
    const evaluate = (max, count) =>
      new ViolationRateEvaluator(max).evaluate(
        runEvent({ violations: Array.from({ length: count }, () => violation('R')) }),
      );
    const answers = await Promise.all([
      evaluate(undefined, 0),
      evaluate(undefined, 1),
      evaluate(3, 2),
      evaluate(3, 9),
      evaluate(-5, 1),
    ]);
    expect(answers.slice(0, 3)).toEqual([
      { name: 'violation-rate', passed: true, details: '0 violation(s) within threshold (max: 0)', score: 1 },
      {
        name: 'violation-rate',
        passed: false,
        details: '1 violation(s) exceeds threshold (max: 0)',
        score: 0,
      },
      {
        name: 'violation-rate',
        passed: true,
        details: '2 violation(s) within threshold (max: 3)',
        score: 0.5,
      },
    ]);
    return answers;
  },

  async 'diff-quality'({ DiffQualityEvaluator }) {
    const evaluate = (max, linesAdded, linesRemoved, reworkLines) =>
      new DiffQualityEvaluator(max).evaluate(
        runEvent({ diffSummary: { linesAdded, linesRemoved, filesChanged: 1 }, reworkLines }),
      );
    const answers = await Promise.all([
      evaluate(undefined, 0, 0, 5),
      evaluate(undefined, 60, 40, 30),
      evaluate(undefined, 60, 40, 31),
      evaluate(0.05, 3, 0, 1),
      evaluate(undefined, 1, 0, 9),
    ]);
    expect(answers.slice(0, 3)).toEqual([
      { name: 'diff-quality', passed: true, details: 'No diff produced', score: 1 },
      {
        name: 'diff-quality',
        passed: true,
        details: 'Rework ratio: 30.0% (30/100 lines). Threshold: 30%',
        score: 0.7,
      },
      {
        name: 'diff-quality',
        passed: false,
        details: 'Rework ratio: 31.0% (31/100 lines). Threshold: 30%',
        score: 0.69,
      },
    ]);
    return answers;
  },

  async 'a ledger runs the five in order, then those added'({ RunLedger }) {
    const ledger = new RunLedger();
    const order = [];
    const mine = {
      name: 'mine',
      type: 'subjective',
      async evaluate(event) {
        order.push(this === mine, event.taskId);
        return { name: 'mine', passed: true, details: '', score: 1 };
      },
    };
    ledger.addEvaluator(mine);
    const results = await ledger.evaluate(runEvent({ taskId: 'judged' }));
    expect(results.map((result) => result.name)).toEqual([
      'tests-pass',
      'forbidden-command-scan',
      'forbidden-dependency-scan',
      'violation-rate',
      'diff-quality',
      'mine',
    ]);
    expect(order).toEqual([true, 'judged']);
    expect(ledger.eventCount).toBe(0);
    return results;
  },

  async 'evaluators are removed by name, all of that name'({ RunLedger }) {
    const ledger = new RunLedger();
    const twin = { name: 'twin', type: 'objective', evaluate: async () => 'anything' };
    ledger.addEvaluator(twin);
    ledger.addEvaluator({ ...twin });
    ledger.removeEvaluator('tests-pass');
    ledger.removeEvaluator('none');
    expect(await ledger.evaluate(runEvent())).toHaveLength(6);
    ledger.removeEvaluator('twin');
    expect((await ledger.evaluate(runEvent())).map((result) => result.name)).toEqual([
      'forbidden-command-scan',
      'forbidden-dependency-scan',
      'violation-rate',
      'diff-quality',
    ]);
    return null;
  },

  async 'an evaluator that fails makes evaluate fail, one after the other'({ RunLedger }) {
    const ledger = new RunLedger();
    const failure = new Error('no judgement');
    const called = [];
    ledger.addEvaluator({ name: 'fails', type: 'objective', evaluate: () => Promise.reject(failure) });
    ledger.addEvaluator({ name: 'never', type: 'objective', evaluate: () => called.push('never') });
    await expect(ledger.evaluate(runEvent())).rejects.toBe(failure);
    expect(called).toEqual([]);
    await expect(ledger.evaluate({})).rejects.toThrow(TypeError);
    return null;
  },

  async 'a synchronous evaluator will do'({ RunLedger }) {
    const ledger = new RunLedger();
    ledger.addEvaluator({ name: 'sync', type: 'objective', evaluate: () => ({ name: 'sync' }) });
    expect((await ledger.evaluate(runEvent())).at(-1)).toEqual({ name: 'sync' });
    return null;
  },
};
