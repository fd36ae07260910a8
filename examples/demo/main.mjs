/**
 * The whole product at work: `npm run demo`.
 *
 * The published guidance module runs on our ledger. A dozen hook processes record their runs at once in one
 * temporary folder and end in four ways; then a control plane accounts for every event. The exit code is 1 if
 * one is missing.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compilePolicy, rulesOf } from './policy.mjs';
import { check, failed, heading, say, table } from './report.mjs';
import { jobs } from './tasks.mjs';

const script = (name) => fileURLToPath(new URL(name, import.meta.url));

const workspace = mkdtempSync(join(tmpdir(), 'guidance-ledger-demo-'));
const folder = join(workspace, 'ledger');

showRules();
const reported = await runHooks();
const reportedPath = join(workspace, 'reported.json');
writeFileSync(reportedPath, JSON.stringify(reported));
const controlPlane = await outcome(
  spawn(process.execPath, [script('control-plane.mjs'), folder, reportedPath], { stdio: 'inherit' }),
);

heading('Result');
check('the hook processes did what they were to do', !failed());
check('the control plane found every event', controlPlane === 'code 0', controlPlane);
if (failed()) say(`\nThe files are kept for a look: ${workspace}`);
else rmSync(workspace, { recursive: true });
process.exitCode = failed() ? 1 : 0;

function showRules() {
  heading('1. The guidance compiler reads the rules');
  const bundle = compilePolicy();
  const rules = rulesOf(bundle);
  say(
    `examples/demo/CLAUDE.md and CONTRIBUTING.md: ${rules.length} rules, ${bundle.shards.length} of them in shards`,
  );
  say(
    `that the retriever hands out by task; constitution ${bundle.constitution.hash}. Those with a watcher:\n`,
  );
  table(
    rules
      .filter((rule) => rule.verifier)
      .map((rule) => ({ rule: rule.id, risk: rule.riskClass, 'watched by': rule.verifier, text: rule.text })),
  );
}

/** Runs all hook processes at once and returns the event ids that they reported. */
async function runHooks() {
  const work = jobs();
  heading(`2. ${work.length} hook processes record their runs at once`);
  say(
    'Each compiles the rules, fires the pre-task hook, passes its commands, edits and tools through the gates,',
  );
  say('fires the post-task hook (which calls finalizeEvent on our ledger), and ends as the table says.');
  say(`All share one folder: ${folder}\n`);

  const hooks = work.map(startHook);
  await Promise.all(hooks.map((hook) => hook.ready));
  const started = performance.now();
  for (const hook of hooks) hook.go();
  const results = await Promise.all(hooks.map((hook) => hook.done));
  const milliseconds = Math.round(performance.now() - started);

  table(
    results.map(({ job, pid, runs, ended }) => ({
      hook: job.agent,
      pid,
      'ends by': job.ending,
      ended,
      runs: runs.length,
      violations: runs.reduce((sum, run) => sum + run.violations, 0),
    })),
  );
  const reported = results.flatMap(({ runs }) => runs.map((run) => run.eventId));
  say(`\n${reported.length} runs accepted in ${milliseconds} ms.`);
  for (const { job, runs, ended, complaints } of results) {
    const right = runs.length === job.tasks.length && endings(job.ending).includes(ended);
    if (!right)
      check(
        `${job.agent} records ${job.tasks.length} runs and ends by ${job.ending}`,
        false,
        `${ended}\n${complaints}`,
      );
  }
  return reported;
}

/** Starts a hook process; it waits with its work until `go()`, so that all of them write at the same time. */
function startHook(job) {
  const child = spawn(process.execPath, [script('hook.mjs'), folder]);
  const runs = [];
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  // A process that died early is told by its outcome, not by the broken pipe.
  child.stdin.on('error', () => {});
  const done = outcome(child).then((ended) => ({ job, pid: child.pid, runs, ended, complaints }));
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      if (message.ready) resolve();
      else runs.push(message);
    });
    done.then(resolve);
  });
  return { ready, done, go: () => child.stdin.end(JSON.stringify(job)) };
}

/** Resolves with how a process ended, once its output is read to the end. */
function outcome(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
}

/** The outcomes that an ending may have; Windows knows no signals. */
function endings(ending) {
  if (ending === 'throw') return ['code 1'];
  if (ending === 'kill -9') return process.platform === 'win32' ? ['SIGKILL', 'code 1'] : ['SIGKILL'];
  return ['code 0'];
}
