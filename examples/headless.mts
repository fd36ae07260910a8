/**
 * The headless runner of the published guidance module, its runs kept in a ledger, in TypeScript.
 *
 * The executor below plays the agent. Leave it out (`undefined`) and the runner starts `claude -p`.
 */

import { createHeadlessRunner } from '@claude-flow/guidance';
import type { ICommandExecutor, TestTask } from '@claude-flow/guidance/headless';
import { createPersistentLedger } from 'guidance-ledger/guidance';

const agent: ICommandExecutor = {
  execute: async () => ({
    stdout: JSON.stringify({ result: 'The tests pass', toolsUsed: ['Edit'], filesModified: ['login.ts'] }),
    stderr: '',
    exitCode: 0,
  }),
};

const tasks: TestTask[] = [
  {
    id: 'login',
    prompt: 'Fix the login bug',
    expectedIntent: 'bug-fix',
    assertions: [{ type: 'output-contains', expected: 'pass', description: 'says that the tests pass' }],
    maxViolations: 0,
    timeoutMs: 60_000,
    tags: [],
  },
];

const ledger = createPersistentLedger({ storagePath: process.argv[2] ?? '.claude-flow/guidance' });
await ledger.init();

const runner = createHeadlessRunner(agent, ledger, 'guidance-hash');
const { tasksPassed, totalTasks } = await runner.runSuite(tasks);

const { eventCount } = await ledger.getStorageStats();
console.log(`${tasksPassed} of ${totalTasks} tasks passed, ${eventCount} runs recorded`);
await ledger.destroy();
