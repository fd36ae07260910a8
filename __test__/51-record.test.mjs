/** record: events from options and from stdin, whatever language the program is in that starts it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cli, folderOf, lockHolder, parsed, start, TOOL } from './support/cli.mjs';
import { logged, paths, readIndex, readLog, until } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { ours } from './support/implementations.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const record = (path, args, input) => cli(['record', '--dir', path, ...args], { input });

describe('record, from options', () => {
  test('makes a complete event, as the library makes one', async () => {
    const path = fresh();
    const before = Date.now();
    const { code, out, err } = await record(path, ['--task', 'T-17']);
    expect({ code, out, err }).toEqual({ code: 0, out: '', err: '' });
    const [event] = logged(path);
    const made = ours.createLedger().createEvent('T-17', 'general', 'none');
    expect({ ...event, eventId: '', timestamp: 0 }).toEqual({ ...made, eventId: '', timestamp: 0 });
    expect(Object.keys(event)).toEqual(Object.keys(made));
    expect(event.eventId).toMatch(UUID);
    expect(event.timestamp).toBeGreaterThanOrEqual(before);
    expect(event.timestamp).toBeLessThanOrEqual(Date.now());
  });

  test('every option sets its field', async () => {
    const path = fresh();
    const { code, out } = await record(path, [
      ...['--task', 'T', '--session', 'S', '--agent', 'A', '--intent', 'bug-fix', '--guidance', 'h1'],
      ...['--tool', 'Edit', '--tool', 'Bash', '--file', 'src/a.rs', '--rule', 'R-1', '--rework', '3'],
      ...[
        '--added',
        '7',
        '--removed',
        '2',
        '--duration',
        '90s',
        '--accepted',
        '--tests',
        'passed=12,failed=0',
      ],
      ...[
        '--violation',
        'rule=R-7,severity=high,location=a.rs:3,text=too long,auto',
        '--violation',
        'rule=R-8',
      ],
      ...[
        '--set',
        'costUsd=0.12',
        '--set',
        'big=738529527931269425',
        '--set',
        'o={"a":[1e999]}',
        '--set',
        'x=y z',
      ],
      ...['--durability', 'disk', '--json'],
    ]);
    expect(code).toBe(0);
    const [event] = logged(path);
    expect(JSON.parse(out)).toEqual({ eventId: event.eventId });
    expect(event).toMatchObject({
      taskId: 'T',
      sessionId: 'S',
      agentId: 'A',
      intent: 'bug-fix',
      guidanceHash: 'h1',
      toolsUsed: ['Edit', 'Bash'],
      filesTouched: ['src/a.rs'],
      retrievedRuleIds: ['R-1'],
      reworkLines: 3,
      diffSummary: { linesAdded: 7, linesRemoved: 2, filesChanged: 1 },
      durationMs: 90_000,
      outcomeAccepted: true,
      testResults: { ran: true, passed: 12, failed: 0, skipped: 0 },
      violations: [
        { ruleId: 'R-7', description: 'too long', severity: 'high', location: 'a.rs:3', autoCorrected: true },
        { ruleId: 'R-8', description: '', severity: 'medium', autoCorrected: false },
      ],
      costUsd: 0.12,
      x: 'y z',
    });
    expect(readLog(path).toString()).toContain('"big":738529527931269425,"o":{"a":[1e999]},');
    await record(path, ['--task', 'T', '--rejected', '--set', 'taskId="other"']);
    expect(logged(path)[1]).toMatchObject({ taskId: 'other', outcomeAccepted: false });
  });

  test('is in the store as an append of the library is', async () => {
    const path = fresh();
    await record(path, ['--task', 'a']);
    expect(readIndex(path)).toMatchObject({ eventCount: 1, taskIds: ['a'] });
    await ours.createEventStore(path).append(runEvent());
    await record(path, ['--task', 'b']);
    expect(await ours.createEventStore(path).getStats()).toMatchObject({ eventCount: 3 });
    expect((await ours.createEventStore(path).verify()).malformedCount).toBe(0);
  });
});

describe('record, from stdin', () => {
  test('stores each line with its own bytes, and completes what lacks an id or a time', async () => {
    const path = fresh();
    const whole = '{"eventId":"e","timestamp":738529527931269425,"n":1e999,"s":"\\u0041\\ud800","b":1,"b":2}';
    const { code, out } = await record(path, ['--json'], `${whole}\n\n{"taskId":"t","x":-0}\n`);
    expect(code).toBe(0);
    const lines = readLog(path).toString().trimEnd().split('\n');
    expect(lines[0]).toBe(whole);
    expect(lines[1]).toMatch(/^\{"eventId":"[-0-9a-f]{36}","timestamp":\d{13},"taskId":"t","x":-0\}$/);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).eventId),
    ).toEqual(['e', JSON.parse(lines[1]).eventId]);
  });

  test('takes one object over several lines', async () => {
    const path = fresh();
    const event = runEvent({ note: 'a\nb', n: { deep: [1, 2] } });
    expect((await record(path, [], JSON.stringify(event, null, 2))).code).toBe(0);
    expect(logged(path)).toEqual([event]);
    expect(readLog(path).toString().split('\n')).toHaveLength(2);
  });

  test('refuses what is not an event with its line, and stores the rest', async () => {
    const path = fresh();
    const long = `{"x":"${'x'.repeat(65 << 20)}"}`;
    const { code, err } = await record(path, [], `{"taskId":"a"}\n[1]\nno\u001b[2J\n${long}\n{"taskId":"b"}`);
    expect(code).toBe(1);
    expect(err).toContain('line 2 is refused: not a JSON object: [1]\n');
    expect(err).toContain('line 3 is refused: not JSON: no\\u001b[2J\n');
    expect(err).toContain('line 4 is refused: ');
    expect(logged(path).map(({ taskId }) => taskId)).toEqual(['a', 'b']);
    const many = await record(path, [], 'x\n'.repeat(100));
    expect(many.err.split('\n')).toHaveLength(12);
    expect(many.err).toContain('… and 90 more refused.');
  });

  test('--stream accepts each line as it comes, and prints its id then', async () => {
    const path = fresh();
    const tool = start(['record', '--stream', '--dir', path]);
    for (const name of ['one', 'two', 'three']) {
      tool.child.stdin.write(`{"eventId":"${name}"}\n`);
      await until(() => tool.lines().at(-1) === name, name);
      expect(logged(path).at(-1).eventId).toBe(name);
    }
    tool.child.stdin.end();
    expect(await once(tool.child, 'exit')).toEqual([0, null]);
  });

  test('a reader that goes away loses no event', async () => {
    const path = fresh();
    const tool = start(['record', '--stream', '--dir', path]);
    tool.child.stdin.write('{"eventId":"first"}\n');
    await once(tool.child.stdout, 'data');
    tool.child.stdout.destroy();
    tool.child.stdin.end('{"eventId":"a"}\n{"eventId":"b"}\n{"eventId":"c"}\n');
    expect(await once(tool.child, 'exit')).toEqual([0, null]);
    expect(logged(path).map(({ eventId }) => eventId)).toEqual(['first', 'a', 'b', 'c']);
  });

  test('many lines are each stored once', async () => {
    const events = Array.from({ length: 30_000 }, () => runEvent());
    const path = fresh();
    const input = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    expect((await record(path, [], input)).code).toBe(0);
    expect(logged(path)).toEqual(events);
  });
});

describe('record, beside others', () => {
  test('many at once lose nothing', async () => {
    const path = fresh();
    const names = Array.from({ length: 60 }, (_, i) => `task-${i}`);
    const results = await Promise.all(names.map((name) => record(path, ['--task', name])));
    expect(results.every(({ code }) => code === 0)).toBe(true);
    expect(
      logged(path)
        .map(({ taskId }) => taskId)
        .sort(),
    ).toEqual([...names].sort());
  });

  test('does not wait for a holder of .lock', async () => {
    const path = folderOf([]);
    await lockHolder(path);
    expect((await record(path, ['--task', 't'])).code).toBe(0);
    expect(logged(path)).toHaveLength(1);
  });

  test.skipIf(process.platform !== 'linux')(
    'starts no thread, and reads no more of the log than its end',
    async () => {
      const path = folderOf(Array.from({ length: 20_000 }, () => runEvent()));
      await record(path, ['--task', 'warm']); // a checkpoint is there from now on
      if (spawnSync('strace', ['--version']).status !== 0) return;
      const trace = `${path}.trace`;
      const args = ['-f', '-e', 'trace=clone,clone3,read,pread64', '-o', trace];
      expect(spawnSync('strace', [...args, TOOL, 'record', '--dir', path, '--task', 't']).status).toBe(0);
      const text = readFileSync(trace, 'utf8');
      expect(text).not.toMatch(/clone/);
      const read = [...text.matchAll(/read(?:64)?\(.*\) = (\d+)$/gm)].reduce(
        (sum, [, size]) => sum + Number(size),
        0,
      );
      expect(read).toBeLessThan(64 << 10);
    },
  );

  test('of a log that does not end in a newline begins a new line', async () => {
    const path = folderOf([runEvent()], '{"half":');
    expect((await record(path, ['--task', 't'])).code).toBe(0);
    const lines = readLog(path).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2]).taskId).toBe('t');
  });

  test.skipIf(process.platform === 'win32')('a log that cannot be written ends with code 4', async () => {
    const path = folderOf([]);
    writeFileSync(`${path}/file`, '');
    const { code, err } = await record(`${path}/file/below`, ['--task', 't']);
    expect(code).toBe(4);
    expect(err).toContain('ENOTDIR');
    expect(existsSync(paths(path).lock)).toBe(false);
  });

  test('parsed events are those of query', async () => {
    const path = fresh();
    await record(path, ['--task', 't', '--tool', 'Edit']);
    expect(parsed(await cli(['query', path, '--tool', 'Edit', '--json']))).toEqual(logged(path));
  });
});
