/** docs/run-event.schema.json describes the event that writers make, in this package and in docs/other-languages.md. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { cli } from './support/cli.mjs';
import { logged, paths } from './support/disk.mjs';
import { runEvent, violation } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { blocksOf, ROOT } from './support/markdown.mjs';

const schema = JSON.parse(readFileSync(join(ROOT, 'docs', 'run-event.schema.json'), 'utf8'));
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);
const faults = (event) =>
  validate(event) ? [] : validate.errors.map((it) => `${it.instancePath} ${it.message}`);

describe('the schema', () => {
  test('takes a whole event, with further properties', () => {
    expect(faults({ ...runEvent({ violations: [violation('R')] }), model: { name: 'm' } })).toEqual([]);
  });

  test.each(schema.required)('refuses an event without %s', (name) => {
    const { [name]: _, ...rest } = runEvent();
    expect(faults(rest)).toHaveLength(1);
  });

  test.each(Object.keys(schema.properties))('refuses a %s of another type', (name) => {
    expect(faults({ ...runEvent(), [name]: { wrong: true } })).not.toEqual([]);
  });

  test('has the properties of RunEvent in index.d.ts, and requires those that it requires', () => {
    const path = join(ROOT, 'index.d.ts');
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    const { members } = source.statements.find((it) => it.name?.text === 'RunEvent');
    const names = members.map((member) => member.name.text);
    expect(Object.keys(schema.properties)).toEqual(names);
    const required = members.filter((member) => !member.questionToken).map((member) => member.name.text);
    expect(schema.required).toEqual(required);
  });
});

describeOurs('what this package writes follows it', () => {
  test('createEvent()', () => {
    const event = ours.createLedger().createEvent('task', 'feature', 'hash');
    expect(faults(event)).toEqual([]);
  });

  test('record and hook', async () => {
    const path = fresh();
    expect((await cli(['record', '--dir', path, '--task', 'T-1'])).code).toBe(0);
    const input = JSON.stringify({ hook_event_name: 'PostToolUse', session_id: 's', tool_name: 'Edit' });
    expect((await cli(['hook', '--dir', path], { input })).code).toBe(0);
    expect(logged(path).map(faults)).toEqual([[], []]);
  });
});

const hasPython = process.platform !== 'win32' && spawnSync('python3', ['--version']).status === 0;

test.skipIf(!hasPython)(
  'the Python of docs/other-languages.md writes such events, behind a torn line too',
  async () => {
    const page = {
      name: 'docs/other-languages.md',
      text: readFileSync(join(ROOT, 'docs', 'other-languages.md'), 'utf8'),
    };
    const [{ code }] = blocksOf(page).filter(({ language }) => language === 'python');
    const path = fresh();
    const record = (taskId) => {
      const program = `${code}\nimport sys\nprint(record(sys.argv[1], taskId=sys.argv[2]))`;
      const ran = spawnSync('python3', ['-c', program, path, taskId], { encoding: 'utf8' });
      expect(ran.stderr).toBe('');
      return ran.stdout.trim();
    };
    const first = record('é\u2028');
    appendFileSync(paths(path).log, '{"eventId":"half');
    const second = record('T-2');
    const events = logged(path, { torn: true });
    expect(events.map(({ eventId }) => eventId)).toEqual([first, second]);
    expect(events.map(faults)).toEqual([[], []]);
    expect(events[0].taskId).toBe('é\u2028');
  },
);
