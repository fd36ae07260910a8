/**
 * The work of the demo's agents: what each is asked, what it tries, and how its process ends.
 *
 * Nothing here is random, so each run of the demo shows the same violations.
 */

/** How a hook process ends once its last run is recorded; each is a way to lose what was only queued. */
export const ENDINGS = ['return', 'process.exit', 'throw', 'kill -9'];

const HOOK_PROCESSES = 12;

const WORK = [
  {
    description: 'Fix the crash when the configuration file is empty',
    steps: [{ command: 'npm test' }, { edit: 'src/config.js', diffLines: 24 }],
  },
  {
    description: 'Add a new export feature to the dashboard page',
    steps: [{ edit: 'src/export.js', diffLines: 412 }, { tool: 'Write' }],
  },
  {
    description: 'Refactor the parser and extract the tokenizer',
    steps: [
      { tool: 'Edit' },
      { edit: 'src/parser.js', diffLines: 655 },
      { command: 'git reset --hard HEAD~1' },
    ],
  },
  {
    description: 'Release the next version and publish it from the pipeline',
    steps: [{ command: 'rm -rf dist' }, { command: 'git push origin main --force' }],
  },
  {
    description: 'Write unit tests for the retry policy',
    steps: [{ tool: 'Write' }, { edit: 'test/retry.test.js', diffLines: 88 }],
  },
  {
    description: 'Rotate the access token of the mail service',
    steps: [
      { edit: 'src/mail.js', diffLines: 6, content: 'const password = "not-a-real-password";' },
      { tool: 'WebFetch' },
    ],
  },
  {
    description: 'Document the storage folder in the readme',
    steps: [{ edit: 'README.md', diffLines: 31 }],
  },
  {
    description: 'Optimize the slow start, profile it first',
    steps: [{ tool: 'Profiler' }, { edit: 'src/start.js', diffLines: 57 }],
  },
];

/** The tools that an agent may use. */
export const ALLOWED_TOOLS = ['Bash', 'Edit', 'Read', 'Write'];

/** Returns one job per hook process: `{ agent, ending, tasks }`. */
export function jobs() {
  return Array.from({ length: HOOK_PROCESSES }, (_, number) => {
    const agent = `agent-${String(number + 1).padStart(2, '0')}`;
    return {
      agent,
      ending: ENDINGS[number % ENDINGS.length],
      tasks: WORK.map((work, index) => task(agent, number, work, index)),
    };
  });
}

function task(agent, number, work, index) {
  const linesAdded = work.steps.reduce((sum, step) => sum + (step.diffLines ?? 0), 0);
  const failed = (number + index) % 6 === 0 ? 2 : 0;
  return {
    ...work,
    id: `${agent}/task-${index + 1}`,
    linesAdded,
    // Every fourth run throws two fifths of its diff away; the others a tenth.
    reworkLines: Math.round(linesAdded * ((number + index) % 4 === 0 ? 0.4 : 0.1)),
    testResults: { ran: true, passed: 40 + index, failed, skipped: 0 },
  };
}
