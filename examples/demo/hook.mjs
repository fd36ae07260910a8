/**
 * One hook process: `node hook.mjs FOLDER`, the job as JSON on standard input.
 *
 * It sets up the guidance module around a persistent ledger, runs each task of the job from its pre-task hook
 * to its post-task hook, and ends as the job says. Each line on standard output is JSON: `{ready}` once, then
 * `{eventId, violations}` for each run, written once the run is recorded.
 */

import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { createGates } from '@claude-flow/guidance/gates';
import { createGuidanceHooks } from '@claude-flow/guidance/hooks';
import { createRetriever } from '@claude-flow/guidance/retriever';
import { HookEvent, HookExecutor, HookRegistry } from '@claude-flow/hooks';
import { PersistentLedger } from 'guidance-ledger';
import { compilePolicy, rulesOf } from './policy.mjs';
import { ALLOWED_TOOLS } from './tasks.mjs';

const folder = process.argv[2];

const bundle = compilePolicy();
const rules = rulesOf(bundle);
const retriever = createRetriever();
await retriever.loadBundle(bundle);
const gates = createGates({ toolAllowlist: true, allowedTools: ALLOWED_TOOLS });
gates.setActiveRules(rules);

const ledger = new PersistentLedger({ storagePath: folder });
const registry = new HookRegistry();
const executor = new HookExecutor(registry);
const { provider } = createGuidanceHooks(gates, retriever, ledger, registry);

report({ ready: true });
const job = JSON.parse(await text(process.stdin));
for (const task of job.tasks) await runTask(task);
end(job.ending);

async function runTask(task) {
  const context = { id: task.id, description: task.description, agent: job.agent };
  await fire(HookEvent.PreTask, { task: context });
  const run = provider.getActiveRun(task.id);

  for (const step of task.steps) {
    const [event, hookContext, gateResults] = gateFor(step);
    const { success } = await executor.execute(event, hookContext);
    for (const result of gateResults) {
      // A refused step was not done, so the violation is corrected; a warning lets it pass.
      run.violations.push(violation(result.gateName, result.reason, step, !success));
    }
  }

  run.sessionId = job.agent;
  run.testResults = task.testResults;
  run.reworkLines = task.reworkLines;
  run.diffSummary = { linesAdded: task.linesAdded, linesRemoved: 0, filesChanged: task.steps.length };
  for (const verdict of await ledger.evaluate(run)) {
    if (!verdict.passed && ruleFor(verdict.name)) {
      run.violations.push(violation(verdict.name, verdict.details, {}, false));
    }
  }

  await fire(HookEvent.PostTask, {
    task: { ...context, status: task.testResults.failed === 0 ? 'completed' : 'failed' },
    metadata: {
      toolsUsed: task.steps.map((step) => step.tool ?? (step.command ? 'Bash' : 'Edit')),
      filesTouched: task.steps.flatMap((step) => step.edit ?? []),
    },
  });
  // A line that finds the folder busy for more than a few milliseconds is left to a background writer.
  // Returning, exiting and throwing still wait for it; SIGKILL cannot, so who expects one asks first.
  if (job.ending === 'kill -9') await ledger.flush();
  report({ eventId: run.eventId, violations: run.violations.length });
}

/** Fires a hook that has to succeed. */
async function fire(event, context) {
  const result = await executor.execute(event, context);
  if (!result.success || result.hooksExecuted !== 1) {
    throw new Error(`The ${event} hook failed: ${result.results[0]?.error ?? 'not registered'}`);
  }
}

/** The hook of a step, its context, and what the gates behind that hook say, with the rules they name. */
function gateFor({ command, edit, content = '', diffLines = 0, tool, parameters = {} }) {
  if (command) {
    return [HookEvent.PreCommand, { command: { raw: command } }, gates.evaluateCommand(command)];
  }
  if (edit) {
    const context = { file: { path: edit, operation: 'modify' }, metadata: { content, diffLines } };
    return [HookEvent.PreEdit, context, gates.evaluateEdit(edit, content, diffLines)];
  }
  return [
    HookEvent.PreToolUse,
    { tool: { name: tool, parameters } },
    gates.evaluateToolUse(tool, parameters),
  ];
}

function violation(watcher, description, step, autoCorrected) {
  const rule = ruleFor(watcher);
  const location = step.edit ?? step.command ?? step.tool;
  return {
    ruleId: rule?.id ?? watcher,
    description,
    severity: rule?.riskClass ?? 'medium',
    ...(location && { location }),
    autoCorrected,
  };
}

/** The rule that a gate or an evaluator watches over. */
function ruleFor(watcher) {
  return rules.find((rule) => rule.verifier === watcher);
}

/** Writes a line at once: a stream would keep it in memory, and the ends below would drop it. */
function report(line) {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function end(ending) {
  if (ending === 'process.exit') process.exit(0);
  if (ending === 'throw') throw new Error('thrown on purpose, right after the last run');
  if (ending === 'kill -9') process.kill(process.pid, 'SIGKILL');
}
