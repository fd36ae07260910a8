/**
 * Every command of the tool and every condition, once: what a test says of all of them runs over these lists.
 * `__test__/50-cli-calls.test.mjs` compares them with what the tool's own help names.
 */
import { join } from 'node:path';
import { folder } from './folder.mjs';

/** In a sample call: the id of an event of the folder, and a file that is not there yet. */
export const ID = 'ID';
const FILE = 'FILE';

/**
 * The conditions: a `value`, how a page `names` the condition, and fields of an event that it chooses. It chooses no
 * event as `runEvent` makes them at noon of 2026-01-15.
 */
export const FILTERS = {
  since: { value: '2h', names: 'since 2h', chosen: { timestamp: Date.now() } },
  until: { value: '2020-01-01', names: 'until 2020-01-01', chosen: { timestamp: 1000 } },
  task: { value: 'odd-task', names: 'task odd-task', chosen: { taskId: 'odd-task' } },
  session: { value: 'odd-session', names: 'session odd-session', chosen: { sessionId: 'odd-session' } },
  intent: { value: 'odd-work', names: 'kind of work odd-work', chosen: { intent: 'odd-work' } },
  tool: { value: 'OddTool', names: 'tool OddTool', chosen: { toolsUsed: ['Read', 'OddTool'] } },
  file: { value: '*.odd', names: 'file *.odd', chosen: { filesTouched: ['src/a.odd'] } },
  rule: { value: 'odd-rule', names: 'rule odd-rule', chosen: { violations: [{ ruleId: 'odd-rule' }] } },
  outcome: { value: 'rejected', names: 'outcome rejected', chosen: { outcomeAccepted: false } },
  agent: { value: 'odd-agent', names: 'agent odd-agent', chosen: { agentId: 'odd-agent' } },
  guidance: { value: 'odd-hash', names: 'guidance odd-hash', chosen: { guidanceHash: 'odd-hash' } },
  where: { value: 'odd.key=7', names: 'odd.key = 7', chosen: { odd: { key: 7 } } },
};

/** The options of every command. */
export const COMMON = ['dir', 'json', 'utc', 'no-color', 'help', 'version'];

const GROUPS = ['day', 'guidance', 'session', 'agent', 'tool', 'intent', 'rule'];

/**
 * The commands, as the help orders them:
 *
 * - `options`: its own, beside those that follow from the rest
 * - `folder`: whether it takes the folder as a word, too
 * - `filters`: whether it takes the conditions
 * - `archive`: whether it reads the archive before the log where `--archive` asks for it
 * - `calls`: calls that work on an ordinary folder
 * - `reads`: whether these calls read the log and leave no trace; if not, why
 * - `json`: why `--json` does not make its output JSON of one line; absent if it does
 */
export const COMMANDS = {
  record: {
    options: [
      ...['task', 'session', 'agent', 'intent', 'guidance', 'tool', 'file', 'rule', 'rework', 'added'],
      ...['removed', 'duration', 'accepted', 'rejected', 'tests', 'violation', 'set', 'stream', 'durability'],
    ],
    calls: [['record', '--task', 't']],
    reads: 'it writes',
  },
  hook: { calls: [['hook']], reads: 'it writes', json: 'it prints nothing: the agent would read it' },
  init: {
    options: ['agent', 'user', 'project', 'local', 'print', 'yes'],
    calls: [['init', '--print']],
    reads: "it is about an agent's settings, not about a log",
    json: 'it prints settings as their file holds them',
  },
  which: { calls: [['which']], reads: 'it is about the executable, not about a log' },
  stats: { folder: true, calls: [['stats']], reads: true },
  tail: {
    options: ['lines', 'follow'],
    ...{ folder: true, filters: true },
    calls: [['tail'], ['tail', '-n', '1000']],
    reads: true,
  },
  query: {
    options: ['limit', 'oldest'],
    ...{ folder: true, filters: true, archive: true },
    calls: [['query']],
    reads: true,
  },
  show: { archive: true, calls: [['show', ID]], reads: true },
  metrics: {
    options: ['by', 'html'],
    ...{ folder: true, filters: true, archive: true },
    calls: [['metrics'], ...GROUPS.map((group) => ['metrics', '--by', group])],
    reads: true,
  },
  compare: {
    options: ['before', 'after'],
    filters: true,
    calls: [['compare', '--before', '7d']],
    reads: true,
  },
  verify: { options: ['repair', 'lock-timeout', 'yes'], folder: true, calls: [['verify']], reads: true },
  compact: {
    // Its --archive writes one.
    options: ['max-events', 'older-than', 'max-bytes', 'archive', 'dry-run', 'lock-timeout', 'yes'],
    folder: true,
    calls: [['compact', '--dry-run', '--max-events', '1']],
    reads: true,
  },
  archive: {
    options: ['from', 'all', 'read', 'limit'],
    ...{ folder: true, filters: true },
    calls: [['archive'], ['archive', '--all']],
    reads: 'it reads archives, and never the log',
  },
  backup: { options: ['out'], folder: true, calls: [['backup', '--out', FILE]], reads: true },
  restore: {
    options: ['lock-timeout'],
    calls: [],
    reads: 'it writes; and it wants a backup and a new folder',
  },
  export: {
    options: ['format', 'out', 'limit', 'oldest'],
    ...{ folder: true, filters: true, archive: true },
    calls: [['export'], ['export', '--format', 'json'], ['export', '--format', 'csv']],
    reads: true,
  },
  import: {
    options: ['dry-run', 'lock-timeout'],
    calls: [['import', '--dry-run']],
    reads: 'it writes; a call that only counts asks for no folder',
  },
  fleet: {
    options: [
      ...['url', 'ledger', 'schema', 'label', 'sql', 'once', 'linger', 'timeout', 'remote', 'from'],
      ...['max-events', 'dry-run', 'yes'],
    ],
    filters: true,
    calls: [['fleet', 'status']],
    reads: 'it reads what is noted beside the log',
  },
  doctor: { folder: true, calls: [['doctor']], reads: 'it tries the disk, and reads no event' },
  completions: { calls: [['completions', 'bash']], reads: 'it prints a text', json: 'a shell reads it' },
  man: { calls: [['man']], reads: 'it prints a text', json: 'man reads it' },
};

/** What `fleet` does, each with whether it takes the conditions: all, `--since` alone, or none. */
export const FLEET = {
  init: 'none',
  ship: 'none',
  status: 'none',
  doctor: 'none',
  query: 'all',
  follow: 'all',
  compact: 'none',
  reship: 'since',
  lanes: 'none',
  migrate: 'none',
};

export const NAMES = Object.keys(COMMANDS);

/** All options of a command, those of every command left out. */
export const optionsOf = (name) => {
  const { options = [], archive, filters } = COMMANDS[name];
  return [...options, ...(archive ? ['archive'] : []), ...(filters ? Object.keys(FILTERS) : [])];
};

/** The sample calls of those commands of which this is true. */
export const callsOf = (wanted) => Object.values(COMMANDS).flatMap((it) => (wanted(it) ? it.calls : []));

/** The calls that read the log of a folder and leave no trace. */
export const READERS = callsOf(({ reads }) => reads === true);

/** A sample call as it is made: with an id, and with a file. */
export const made = (args, id = ID) =>
  args.map((word) => (word === ID ? id : word === FILE ? join(folder(), 'file') : word));

/** A condition as words of a call. */
export const condition = (name) => [`--${name}`, FILTERS[name].value];
