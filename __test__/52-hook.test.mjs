/** hook: what a coding agent gives its hooks, each documented shape; and that the hook never fails its host. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, folderOf, parsed, TOOL } from './support/cli.mjs';
import { logged, paths, until } from './support/disk.mjs';
import { folder } from './support/folder.mjs';

/** A project: a repository with instruction files. */
function project() {
  const root = folder();
  mkdirSync(join(root, '.git'));
  writeFileSync(join(root, 'CLAUDE.md'), 'Be careful.\n');
  return root;
}

const hooks = (root) => join(root, '.guidance-ledger', 'hooks');
const SECRET = 'S3CRET';

/** What every hook gets. */
const common = (root, name) => ({
  session_id: '00893aaf-19fa-41d2-8238-13269b9b3ca0',
  transcript_path: `/home/user/.claude/projects/x/${SECRET}.jsonl`,
  cwd: root,
  permission_mode: 'default',
  hook_event_name: name,
});

async function hook(input, { args = [], ...options } = {}) {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  const result = await cli(['hook', ...args], { input: text, ...options });
  expect({ code: result.code, out: result.out }).toEqual({ code: 0, out: '' });
  return result;
}

const EDIT = (root) => ({
  ...common(root, 'PostToolUse'),
  tool_name: 'Edit',
  tool_input: { file_path: join(root, 'src', 'a.rs'), old_string: SECRET, new_string: `${SECRET}2` },
  tool_response: {
    filePath: join(root, 'src', 'a.rs'),
    oldString: SECRET,
    originalFile: SECRET,
    structuredPatch: [
      { oldStart: 1, oldLines: 2, newStart: 1, newLines: 3, lines: [' a', `-${SECRET}`, '+b', '+c'] },
    ],
  },
  tool_use_id: 'toolu_01',
});

describe('hook', () => {
  test.each([
    [
      'Edit',
      EDIT,
      {
        toolsUsed: ['Edit'],
        filesTouched: ['src/a.rs'],
        diffSummary: { linesAdded: 2, linesRemoved: 1, filesChanged: 1 },
        toolFailed: false,
        hookEvent: 'PostToolUse',
      },
    ],
    [
      'Write of a new file',
      (root) => ({
        ...common(root, 'PostToolUse'),
        tool_name: 'Write',
        tool_input: { file_path: join(root, 'new.md'), content: `${SECRET}\ntwo\nthree` },
        tool_response: {
          type: 'create',
          filePath: join(root, 'new.md'),
          content: SECRET,
          structuredPatch: [],
        },
      }),
      {
        toolsUsed: ['Write'],
        filesTouched: ['new.md'],
        diffSummary: { linesAdded: 3, linesRemoved: 0, filesChanged: 1 },
      },
    ],
    [
      'Write, the short documented response',
      (root) => ({
        ...common(root, 'PostToolUse'),
        tool_name: 'Write',
        tool_input: { file_path: '/elsewhere/file.txt', content: SECRET },
        tool_response: { filePath: '/elsewhere/file.txt', success: true },
      }),
      {
        filesTouched: ['/elsewhere/file.txt'],
        diffSummary: { linesAdded: 0, linesRemoved: 0, filesChanged: 0 },
        toolFailed: false,
      },
    ],
    [
      'NotebookEdit',
      (root) => ({
        ...common(root, 'PostToolUse'),
        tool_name: 'NotebookEdit',
        tool_input: { notebook_path: join(root, 'n.ipynb'), new_source: SECRET },
        tool_response: { success: false },
      }),
      { toolsUsed: ['NotebookEdit'], filesTouched: ['n.ipynb'], toolFailed: true },
    ],
    [
      'Bash',
      (root) => ({
        ...common(root, 'PostToolUse'),
        tool_name: 'Bash',
        tool_input: { command: `echo ${SECRET}`, description: SECRET },
        tool_response: { stdout: SECRET, stderr: SECRET, interrupted: true, isImage: false },
        duration_ms: 1234,
      }),
      { toolsUsed: ['Bash'], filesTouched: [], toolFailed: true, durationMs: 1234 },
    ],
    [
      'a tool of an MCP server, whose response is a list',
      (root) => ({
        ...common(root, 'PostToolUse'),
        tool_name: 'mcp__memory__create',
        tool_input: { query: SECRET },
        tool_response: [{ type: 'text', text: SECRET }],
      }),
      { toolsUsed: ['mcp__memory__create'], toolFailed: false },
    ],
    [
      'a tool that failed',
      (root) => ({
        ...common(root, 'PostToolUseFailure'),
        tool_name: 'Bash',
        tool_input: { command: SECRET },
        tool_use_id: 'toolu_02',
        error: `Command exited with non-zero status code 1: ${SECRET}`,
        is_interrupt: false,
      }),
      { toolsUsed: ['Bash'], toolFailed: true, hookEvent: 'PostToolUseFailure' },
    ],
    [
      'a call of a subagent, with a prompt id',
      (root) => ({ ...EDIT(root), prompt_id: 'prompt-9', agent_id: 'agent-1', agent_type: 'Explore' }),
      {
        taskId: 'prompt-9',
        agentId: 'agent-1',
        agentType: 'Explore',
        sessionId: '00893aaf-19fa-41d2-8238-13269b9b3ca0',
      },
    ],
    [
      'Stop',
      (root) => ({ ...common(root, 'Stop'), stop_hook_active: true, last_assistant_message: SECRET }),
      { toolsUsed: [], filesTouched: [], hookEvent: 'Stop' },
    ],
    [
      'SubagentStop',
      (root) => ({
        ...common(root, 'SubagentStop'),
        stop_hook_active: false,
        agent_id: 'def456',
        agent_type: 'Explore',
        agent_transcript_path: `/home/${SECRET}`,
        last_assistant_message: SECRET,
      }),
      { hookEvent: 'SubagentStop', agentId: 'def456', agentType: 'Explore' },
    ],
  ])('%s is one event, without prompts, commands, contents or environment', async (_, input, expected) => {
    const root = project();
    const { err } = await hook(input(root), { cwd: root, env: { SOME_TOKEN: SECRET } });
    expect(err).toBe('');
    const [event, ...others] = logged(hooks(root));
    expect(others).toEqual([]);
    const whole = {
      taskId: '00893aaf-19fa-41d2-8238-13269b9b3ca0',
      sessionId: '00893aaf-19fa-41d2-8238-13269b9b3ca0',
    };
    expect(event).toMatchObject({
      ...whole,
      violations: [],
      outcomeAccepted: null,
      intent: 'general',
      ...expected,
    });
    expect(event.guidanceHash).toMatch(/^[0-9a-f]{16}$/);
    for (const name of readdirSync(hooks(root)))
      expect(readFileSync(join(hooks(root), name), 'utf8'), name).not.toContain(SECRET);
  });

  test.each([
    'PreToolUse',
    'UserPromptSubmit',
    'Notification',
    'SessionStart',
    'SessionEnd',
    'PreCompact',
    'SubagentStart',
    'StopFailure',
    'SomethingNew',
  ])('%s stores nothing, and is not an error', async (name) => {
    const root = project();
    const { err } = await hook(
      { ...common(root, name), prompt: SECRET, new_field: { deep: [1] } },
      { cwd: root },
    );
    expect(err).toBe('');
    expect(existsSync(join(root, '.guidance-ledger'))).toBe(false);
  });

  test('its folder is at the root of the project, however deep the agent works, and is not committed', async () => {
    const root = project();
    const deep = join(root, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    await hook({ ...EDIT(root), cwd: deep }, { cwd: deep });
    expect(logged(hooks(root))).toHaveLength(1);
    expect(readFileSync(join(root, '.guidance-ledger', '.gitignore'), 'utf8')).toBe('*\n');
    const other = folder();
    await hook(EDIT(root), { cwd: root, env: { CLAUDE_PROJECT_DIR: other } });
    expect(logged(hooks(other))).toHaveLength(1);
    const chosen = join(folder(), 'chosen');
    await hook(EDIT(root), { args: ['--dir', chosen], cwd: root });
    expect(logged(chosen)).toHaveLength(1);
    expect(logged(hooks(root))).toHaveLength(1);
  });

  test('the hash of the guidance changes with its files, and with nothing else', async () => {
    const root = project();
    const hash = async () => {
      await hook(EDIT(root), { cwd: root });
      return logged(hooks(root)).at(-1).guidanceHash;
    };
    const first = await hash();
    expect(await hash()).toBe(first);
    writeFileSync(join(root, 'README.md'), 'x');
    expect(await hash()).toBe(first);
    const seen = new Set([first]);
    for (const name of ['CLAUDE.md', 'CLAUDE.local.md', 'AGENTS.md']) {
      writeFileSync(join(root, name), `rules of ${name}`);
      seen.add(await hash());
    }
    expect(seen.size).toBe(4);
    const bare = folder();
    await hook({ ...EDIT(bare), cwd: bare }, { cwd: bare });
    expect(logged(hooks(bare))[0].guidanceHash).toBe('none');
  });

  test('metrics know what a hook can know', async () => {
    const root = project();
    for (let i = 0; i < 3; i++) await hook(EDIT(root), { cwd: root });
    await hook({ ...EDIT(root), hook_event_name: 'PostToolUseFailure', error: 'x' }, { cwd: root });
    await hook({ ...common(root, 'Stop') }, { cwd: root });
    const [found] = parsed(await cli(['metrics', '--json', hooks(root)]));
    expect(found.calls).toEqual({ calls: 4, failures: 1, edits: 3, editsAgain: 2, linesChanged: 9 });
    const [by] = parsed(await cli(['metrics', '--by', 'tool', '--json', hooks(root)]));
    expect(by.groups[0]).toMatchObject({ key: 'Edit', events: 4, failuresPer100Calls: 25 });
    expect((await cli(['metrics', hooks(root)])).out).toMatch(/Failures per 100 calls +25\.0/);
  });
});

describe('hook never fails its host', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', `{"prompt":"${SECRET}`],
    ['no object', '[1]'],
    ['a hook without a session', '{"hook_event_name":"Stop"}'],
    ['fields of other types', '{"hook_event_name":"PostToolUse","session_id":5,"tool_name":{},"cwd":[]}'],
    [
      'half surrogate pairs and numbers out of range',
      '{"hook_event_name":"Stop","session_id":"\\ud800","n":1e999}',
    ],
  ])('%s', async (_, input) => {
    const root = project();
    const { err } = await hook(input, { cwd: root });
    const log = join(hooks(root), 'hook-errors.log');
    if (err === '') return;
    expect(err).toMatch(/^guidance-ledger: /);
    expect(readFileSync(log, 'utf8')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ .*\n$/);
    expect(readFileSync(log, 'utf8') + err).not.toContain(SECRET);
  });

  test('wrong options, and options of a later version', async () => {
    const root = project();
    const { err } = await hook(EDIT(root), { args: ['--nonsense'], cwd: root });
    expect(err).toContain('--nonsense');
    expect(logged(hooks(root))).toHaveLength(1);
  });

  test('a folder that cannot be made', async () => {
    const root = project();
    writeFileSync(join(root, '.guidance-ledger'), 'a file');
    const { err } = await hook(EDIT(root), { cwd: root });
    expect(err).toContain('ENOTDIR');
  });

  test.skipIf(process.platform === 'win32')('a process that holds the folder and is stopped', async () => {
    const root = project();
    await hook(EDIT(root), { cwd: root });
    const holder = spawn('flock', [
      paths(hooks(root)).log.replace('events.ndjson', '.events.lk'),
      'sh',
      '-c',
      'echo held; sleep 60',
    ]);
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const start = performance.now();
    const { err } = await hook(EDIT(root), { cwd: root });
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(err).toContain('ELOCKED');
    expect(readFileSync(join(hooks(root), 'hook-errors.log'), 'utf8')).toContain('ELOCKED');
  });

  test('the log of failures holds 64 KiB at most, the newest', async () => {
    const path = folderOf([]);
    const log = join(path, 'hook-errors.log');
    writeFileSync(log, `${'2026-01-01T00:00:00Z old\n'.repeat(2620)}2026-01-02T00:00:00Z last\n`);
    await hook('x', { args: ['--dir', path] });
    await hook('x', { args: ['--dir', path] });
    const text = readFileSync(log, 'utf8');
    expect(statSync(log).size).toBeLessThanOrEqual(64 << 10);
    expect(text).toContain('2026-01-02T00:00:00Z last\n');
    expect(
      text
        .trimEnd()
        .split('\n')
        .slice(-2)
        .every((line) => line.endsWith('as hooks give one')),
    ).toBe(true);
    expect(text).toMatch(/^2026-01-01T00:00:00Z old\n/);
  });

  test('many at once are all stored', async () => {
    const root = project();
    const children = Array.from({ length: 40 }, () => {
      const child = spawn(TOOL, ['hook'], { cwd: root, stdio: ['pipe', 'ignore', 'inherit'] });
      child.stdin.end(JSON.stringify(EDIT(root)));
      return once(child, 'exit');
    });
    for (const [code] of await Promise.all(children)) expect(code).toBe(0);
    await until(() => logged(hooks(root)).length === 40, 'all events');
  });

  test.skipIf(spawnSync('jq', ['--version']).status !== 0)(
    'the command that init writes runs in a shell',
    async () => {
      const root = project();
      await cli(['init', '--yes'], { cwd: root });
      const settings = join(root, '.claude', 'settings.local.json');
      const [command] = JSON.parse(readFileSync(settings, 'utf8')).hooks.PostToolUse.map(
        (entry) => entry.hooks[0].command,
      );
      const ran = spawnSync('sh', ['-c', command], {
        cwd: root,
        input: JSON.stringify(EDIT(root)),
        encoding: 'utf8',
      });
      expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status: 0, stdout: '' });
      expect(logged(hooks(root))).toHaveLength(1);
    },
  );
});
