/**
 * The guidance module in use: `node guidance-use.mjs FOLDER`. Takes all it needs from `@claude-flow/guidance`,
 * so it runs on whichever ledger that module has inside, and prints as JSON what came out, the same for each.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createCompiler,
  createConformanceRunner,
  createGates,
  createGuidanceControlPlane,
  createGuidanceHooks,
  createHeadlessRunner,
  createOptimizer,
  createPersistentLedger,
  createRetriever,
  PersistentLedger,
  RunLedger,
} from '@claude-flow/guidance';
import { HookEvent, HookExecutor, HookRegistry } from '@claude-flow/hooks';

const [, , folder] = process.argv;
const GUIDANCE =
  '# Rules\n\n- Never commit secrets to the repository\n- Always run the tests before a commit\n';
const bundle = createCompiler().compile(GUIDANCE);
const rule = bundle.constitution.rules[0] ?? bundle.shards[0].rule;

const ledger = createPersistentLedger({ storagePath: join(folder, 'store'), compactIntervalMs: 0 });
await ledger.init();

const said = {
  classes: ledger instanceof PersistentLedger && ledger instanceof RunLedger,
  hooks: await hooks(),
  headless: await headless(),
  optimizer: await optimizer(),
  conformance: conformance(),
  controlPlane: await controlPlane(),
};
await ledger.save();
said.stored = (await ledger.getStorageStats()).eventCount;
await ledger.destroy();
console.log(JSON.stringify(said));

/** Two tasks through the registry, one of them with a command that the gates refuse. */
async function hooks() {
  const retriever = createRetriever();
  await retriever.loadBundle(bundle);
  const registry = new HookRegistry();
  const { hookIds } = createGuidanceHooks(createGates(), retriever, ledger, registry);
  const executor = new HookExecutor(registry);
  const outcomes = [];
  for (const [id, raw] of [
    ['task-1', 'npm test'],
    ['task-2', 'git push --force'],
  ]) {
    const task = { id, description: `Fix the bug of ${id}` };
    outcomes.push((await executor.execute(HookEvent.PreTask, { task })).success);
    outcomes.push((await executor.execute(HookEvent.PreCommand, { command: { raw } })).success);
    outcomes.push(
      (await executor.execute(HookEvent.PostTask, { task: { ...task, status: 'completed' } })).success,
    );
  }
  return { registered: hookIds.length, outcomes, kept: ledger.getEventsByTask('task-2').length };
}

async function headless() {
  const executor = {
    execute: async () => ({
      stdout: JSON.stringify({ result: 'done', toolsUsed: ['rm -rf /'], filesModified: ['a.ts'] }),
      stderr: '',
      exitCode: 0,
    }),
  };
  const task = (id, expected) => ({
    id,
    prompt: id,
    expectedIntent: 'testing',
    assertions: [{ type: 'output-contains', expected, description: expected }],
    maxViolations: 5,
    timeoutMs: 1000,
    tags: [],
  });
  const runner = createHeadlessRunner(executor, ledger, 'hash');
  const summary = await runner.runSuite([task('passes', 'done'), task('fails', 'never said')]);
  const { tasksPassed, tasksFailed, totalViolations, passRate } = summary;
  return { tasksPassed, tasksFailed, totalViolations, passRate, events: ledger.eventCount };
}

function violated(event) {
  event.violations = [
    { ruleId: rule.id, description: 'a secret', severity: 'high', autoCorrected: false },
    { ruleId: 'unknown-rule', description: 'unknown', severity: 'low', autoCorrected: true },
  ];
  event.reworkLines = 12;
  return event;
}

async function optimizer() {
  for (let index = 0; index < 20; index++) {
    ledger.finalizeEvent(violated(ledger.createEvent(`task-${index}`, 'feature', 'hash')));
  }
  const cycle = await createOptimizer().runCycle(ledger, bundle);
  return {
    rankings: cycle.rankings,
    changes: cycle.changes.map(({ targetRuleId }) => targetRuleId),
    promoted: cycle.promoted.length,
    adrs: cycle.adrs.length,
    metrics: { ...ledger.computeMetrics(), timestamp: undefined },
  };
}

function conformance() {
  const runner = createConformanceRunner(undefined, 'a key for signing');
  const { passed, checks, trace } = runner.runConformanceTest();
  const replayed = runner.runReplayTest(trace);
  return { passed, checks: checks.map(({ name, passed }) => ({ name, passed })), same: replayed.identical };
}

async function controlPlane() {
  const rootGuidancePath = join(folder, 'CLAUDE.md');
  writeFileSync(rootGuidancePath, GUIDANCE);
  const plane = createGuidanceControlPlane({ rootGuidancePath, headlessMode: true });
  await plane.initialize();
  const verdicts = [];
  for (let index = 0; index < 12; index++) {
    const event = plane.startRun(`run-${index}`, 'security');
    plane.recordViolation(event, violated({}).violations[0]);
    verdicts.push((await plane.finalizeRun(event)).map(({ name, passed }) => ({ name, passed })));
  }
  const { promoted, demoted, adrsCreated } = await plane.optimize();
  return {
    verdicts,
    optimized: [promoted.length, demoted.length, adrsCreated],
    events: plane.getStatus().ledgerEventCount,
    metrics: plane.getMetrics(),
    headless: plane.getHeadlessRunner() !== null,
    ours: plane.getLedger() instanceof RunLedger,
  };
}
