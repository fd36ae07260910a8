/** examples/tool: the tool from a shell, from Python, from a workflow, from an agent's settings. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli, parsed, TOOL } from './support/cli.mjs';
import { logged } from './support/disk.mjs';
import { folder, fresh } from './support/folder.mjs';

const EXAMPLES = join(import.meta.dirname, '..', 'examples', 'tool');
const env = { ...process.env, GUIDANCE_LEDGER: TOOL };
const has = (program) => spawnSync(program, ['--version']).status === 0;

test.skipIf(process.platform === 'win32')(
  'a shell script records how a command went, and ends as it ended',
  () => {
    const path = fresh();
    const run = (...command) =>
      spawnSync(join(EXAMPLES, 'record.sh'), ['T-1', ...command], {
        env: { ...env, GUIDANCE_LEDGER_DIR: path },
      }).status;
    expect([run('true'), run('sh', '-c', 'exit 7')]).toEqual([0, 7]);
    expect(logged(path)).toMatchObject([
      { taskId: 'T-1', toolsUsed: ['true'], outcomeAccepted: true, exitCode: 0 },
      { taskId: 'T-1', toolsUsed: ['sh'], outcomeAccepted: false, exitCode: 7 },
    ]);
  },
);

test.skipIf(!has('python3'))('Python records through one process', () => {
  const path = fresh();
  const ran = spawnSync('python3', [join(EXAMPLES, 'record.py'), path], { env, encoding: 'utf8' });
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
  expect(ran.stdout.trim().split('\n')).toEqual(logged(path).map(({ eventId }) => eventId));
  expect(logged(path).map(({ taskId }) => taskId)).toEqual(['task-0', 'task-1', 'task-2']);
});

test('the settings are those that init writes, but for the path', async () => {
  const written = JSON.parse((await cli(['init', '--print'], { cwd: folder() })).out);
  const text = readFileSync(join(EXAMPLES, 'claude-code-settings.json'), 'utf8');
  const [said] = parsed(await cli(['which', '--json']));
  expect(JSON.parse(text.replaceAll('/path/to/guidance-ledger', said.executable))).toEqual(written);
  expect(readFileSync(join(import.meta.dirname, '..', 'docs', 'hooks.md'), 'utf8')).toContain(text.trim());
});

test('the commands of the workflow are calls that the tool takes', async () => {
  const text = readFileSync(join(EXAMPLES, 'github-actions.yml'), 'utf8').replace(/\n {10}(?=\S)/g, ' ');
  const calls = [...text.matchAll(/npx guidance-ledger (.*)/g)].map(([, call]) => call);
  expect(calls).toHaveLength(2);
  const [cwd, path] = [folder(), fresh()];
  for (const call of calls) {
    const line = call.replace(/\$\{\{ steps.*?\}\}/, '--accepted').replace(/\$\{\{.*?\}\}/g, '42');
    const ran = spawnSync('sh', ['-c', `'${TOOL}' ${line}`], {
      cwd,
      env: { ...env, GUIDANCE_LEDGER_DIR: path },
      encoding: 'utf8',
    });
    expect(ran.status, ran.stderr).toBe(0);
  }
  expect(logged(path)).toMatchObject([
    { taskId: 'PR-42', sessionId: '42', commit: 42, outcomeAccepted: true },
  ]);
});
