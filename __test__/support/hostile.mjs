/**
 * Values, events and lines as unkind callers and other programs make them. Everything comes from a `Random`:
 * the same seed builds equal values again, so that each implementation is handed a copy of its own.
 * Functions, symbols and classes are shared constants, for equality by identity.
 */

const SHARED_SYMBOL = Symbol('shared');
const sharedFunction = () => 'called';
const vanishes = () => undefined;

class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }

  get sum() {
    return this.x + this.y;
  }
}

class Serialised {
  constructor(as) {
    this.as = as;
  }

  toJSON(key) {
    return { as: this.as, key };
  }
}

export const NUMBERS = [
  0,
  -0,
  1,
  -1,
  2,
  7,
  0.1,
  0.2,
  0.3,
  -0.5,
  1e21,
  1e-7,
  123456789.125,
  5e-324,
  1.7976931348623157e308,
  -1.7976931348623157e308,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  NaN,
  Infinity,
  -Infinity,
];

export const STRINGS = [
  '',
  ' ',
  'a',
  'task',
  '\n',
  '\r\n',
  '\r',
  '\t',
  '\u0000',
  '\u001f',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ufeffbom',
  '"',
  '\\',
  '\\"',
  '\\u0041',
  '/',
  '</script>',
  'ä',
  'é',
  'e\u0301',
  '日本語',
  '😀',
  '👩‍👩‍👧',
  '\ud800',
  '\udfff',
  'a\ud83d',
  '\ude00b',
  '\udc00\ud800',
  '\uffff',
  '\u{10ffff}',
  '{"a":1}',
  '[]',
  'null',
  '0',
  '-0',
  'NaN',
  '__proto__',
  'constructor',
  'x'.repeat(300),
];

export const KEYS = [
  'note',
  'metadata',
  '',
  ' ',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '0',
  '1',
  '-1',
  '01',
  '4294967294',
  '4294967295',
  '9007199254740993',
  '1.5',
  'ключ',
  '\ud800',
  'time stamp',
  'timestamp ',
  'TaskId',
  'a"b',
  'a\\b',
  'a\nb',
];

const TASKS = [
  'task-1',
  'task-2',
  'task-3',
  'task-1 ',
  'Task-1',
  'tâche',
  '任务',
  '😀',
  '\ud83d',
  '',
  '__proto__',
  '0',
  'a"b\\c\n',
  'toString',
];
const RULES = ['R1', 'R2', 'R3', 'R1 ', '', '__proto__', 'règle', '\ud800', 'constructor'];

export function text(random) {
  if (random.chance(0.6)) return random.pick(STRINGS);
  let out = '';
  for (let n = random.int(12); n > 0; n--) {
    out += random.weighted([
      [4, () => String.fromCharCode(32 + random.int(95))],
      [1, () => String.fromCharCode(random.int(32))],
      [2, () => String.fromCharCode(random.int(65536))],
      [1, () => String.fromCodePoint(0x10000 + random.int(0x100000))],
      [1, () => String.fromCharCode(0xd800 + random.int(2048))],
    ])();
  }
  return out;
}

export function number(random) {
  if (random.chance(0.7)) return random.pick(NUMBERS);
  return random.chance(0.5) ? random.int(1e6) : (random.next() - 0.5) * 10 ** (random.int(40) - 20);
}

function container(random, depth) {
  const size = random.int(4);
  switch (random.int(8)) {
    case 0:
    case 1: {
      const list = [];
      for (let i = 0; i < size; i++) list.push(value(random, depth - 1));
      return list;
    }
    case 2: {
      const sparse = [];
      sparse[random.int(5)] = value(random, depth - 1);
      sparse.length += random.int(3);
      return sparse;
    }
    case 3: {
      const bare = Object.create(null);
      for (let i = 0; i < size; i++) bare[random.pick(KEYS)] = value(random, depth - 1);
      return bare;
    }
    case 4: {
      // JSON.parse, unlike a literal, makes `__proto__` an own key.
      const parsed = JSON.parse(`{"b":1,"__proto__":{"polluted":${random.int(9)}},"2":0,"1":0}`);
      return parsed;
    }
    default: {
      const object = {};
      for (let i = 0; i < size; i++) define(object, random.pick(KEYS), value(random, depth - 1));
      return object;
    }
  }
}

function define(object, key, member) {
  Object.defineProperty(object, key, { value: member, enumerable: true, writable: true, configurable: true });
}

function nested(random) {
  let inner = random.int(10);
  for (let depth = random.chance(0.1) ? 400 : 2 + random.int(140); depth > 0; depth--)
    inner = random.chance(0.5) ? [inner] : { a: inner };
  return inner;
}

/** Any value that JSON.stringify takes without throwing. */
export function value(random, depth = 3) {
  if (depth > 0 && random.chance(0.35)) return container(random, depth);
  return random.weighted([
    [6, () => text(random)],
    [5, () => number(random)],
    [2, () => random.chance(0.5)],
    [2, () => null],
    [2, () => undefined],
    [1, () => sharedFunction],
    [1, () => SHARED_SYMBOL],
    [1, () => new Date(random.chance(0.2) ? NaN : random.int(2e9) * 1000)],
    [1, () => new Point(random.int(9), number(random))],
    [1, () => new Serialised(text(random))],
    [0.5, () => ({ toJSON: vanishes })],
    [0.5, () => new Map([['k', 1]])],
    [0.5, () => new Uint8Array([1, 2])],
    [0.5, () => Object(random.pick(['boxed', 5, true]))],
    [0.5, () => /pattern/g],
    [0.3, () => nested(random)],
    [0.2, () => 'long '.repeat(random.int(3000))],
  ])();
}

/** A value that JSON.stringify throws on. */
export function unserialisable(random) {
  const cyclic = { name: 'cyclic' };
  cyclic.self = [cyclic];
  return random.pick([cyclic, 10n, { deep: { big: 2n ** 70n } }]);
}

/** What is no event at all. */
export function notAnEvent(random) {
  return random.pick([
    undefined,
    null,
    0,
    5,
    NaN,
    true,
    '',
    'text',
    '{"a":1}',
    [],
    [{}],
    SHARED_SYMBOL,
    sharedFunction,
    7n,
    new Date(0),
    Object('boxed'),
    Object(5),
  ]);
}

function violation(random, wild) {
  if (wild && random.chance(0.25)) return value(random, 1);
  const made = {
    ruleId: random.pick(RULES),
    description: text(random),
    severity: random.pick(['low', 'medium', 'high', 'critical']),
    autoCorrected: random.chance(0.4),
  };
  if (wild && random.chance(0.2))
    define(made, random.pick(['ruleId', 'autoCorrected', 'description']), value(random, 1));
  if (wild && random.chance(0.1)) delete made[random.pick(['ruleId', 'autoCorrected'])];
  return made;
}

/**
 * A run event. Tame: task and timestamp are what they should be, everything added is hostile all the same.
 * Wild: any field may be anything or missing.
 */
export function event(random, wild) {
  const made = {
    eventId: `id-${random.int(1e9)}`,
    taskId: random.pick(TASKS),
    guidanceHash: text(random),
    retrievedRuleIds: random.chance(0.5) ? [] : [random.pick(RULES)],
    toolsUsed: random.chance(0.5)
      ? []
      : [random.pick(['Edit', 'Bash', 'rm -rf /', 'eval (x)', text(random)])],
    filesTouched: random.chance(0.6) ? [] : [random.pick(['src/a.ts', 'package.json', text(random)])],
    diffSummary: { linesAdded: random.int(100), linesRemoved: random.int(50), filesChanged: random.int(5) },
    testResults: {
      ran: random.chance(0.7),
      passed: random.int(20),
      failed: random.int(3),
      skipped: random.int(2),
    },
    violations: Array.from({ length: random.chance(0.4) ? random.int(4) : 0 }, () => violation(random, wild)),
    outcomeAccepted: random.pick([true, false, null]),
    reworkLines: random.chance(0.8) ? random.int(30) : random.pick([0.1, 0.7, 2.5, -0, -3, 2 ** 53, 1e300]),
    intent: random.pick(['bug-fix', 'feature', 'refactor', 'security', 'general']),
    timestamp: random.weighted([
      [6, 1000 + random.int(50)],
      [2, 1_750_000_000_000 + random.int(1000)],
      [0.5, random.pick([0, -0, -5, 0.5, 1e21, 1e-7, 5e-324, 2 ** 53])],
    ]),
    durationMs: random.int(5000),
  };
  if (random.chance(0.4)) define(made, random.pick(KEYS), value(random));
  if (random.chance(0.2)) define(made, random.pick(KEYS), value(random));
  if (random.chance(0.05)) made[SHARED_SYMBOL] = text(random);
  if (random.chance(0.05)) Object.defineProperty(made, 'hidden', { value: 1, enumerable: false });
  if (wild) {
    for (let n = random.int(3); n > 0; n--) {
      const field = random.pick([
        'timestamp',
        'taskId',
        'eventId',
        'violations',
        'reworkLines',
        'toolsUsed',
        'testResults',
        'diffSummary',
        'filesTouched',
      ]);
      if (random.chance(0.25)) delete made[field];
      else define(made, field, random.chance(0.4) ? number(random) : value(random, 2));
    }
  }
  return made;
}

/** JSON of an event as another program may write it: spaces, escapes, doubled keys, odd numbers. */
function foreignJson(random) {
  const base = JSON.stringify(event(random, random.chance(0.2)));
  return random.weighted([
    [4, () => base],
    [1, () => base.replaceAll('":', '" : ').replaceAll(',"', ' ,\t"')],
    [1, () => base.replace('"timestamp"', '"time\\u0073tamp"').replace('"taskId"', '"\\u0074askId"')],
    [1, () => `{"timestamp":9,"taskId":"doubled",${base.slice(1)}`],
    [1, () => `${base.slice(0, -1)},"timestamp":${random.int(2000)},"taskId":"last wins"}`],
    [1, () => `{"nested":{"timestamp":1,"taskId":"inner","eventId":"inner"},${base.slice(1)}`],
    [
      1,
      () =>
        base.replace(
          /"timestamp":[^,}]*/,
          () =>
            `"timestamp":${random.pick(['1e3', '1E+3', '10.50', '-0', '-0.0', '1e999', '-1E400', '1e-400', '123456789012345678901234567890', '0.1e1'])}`,
        ),
    ],
    [
      1,
      () =>
        base.replace(
          /"taskId":"[^"]*"/,
          () =>
            `"taskId":${random.pick(['"\\u0041"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\/"', '"\\b\\f"'])}`,
        ),
    ],
    [1, () => `{"__proto__":{"timestamp":3},${base.slice(1)}`],
    [0.5, () => '{}'],
    [0.5, () => `{"deep":${'['.repeat(300)}${']'.repeat(300)},${base.slice(1)}`],
    [0.5, () => base.replace('"durationMs":', '"durationMs":1e999,"d2":')],
  ])();
}

const NON_OBJECTS = ['null', '5', '-0', 'true', '"text"', '[]', '[{"a":1}]', '"{}"', '1e999'];
const MALFORMED = [
  '{',
  '}',
  '{"a":1',
  '{"a":1}}',
  '{"a":1}{"b":2}',
  "{'a':1}",
  '{a:1}',
  '{"a":1,}',
  '{"a":01}',
  '{"a":+1}',
  '{"a":.5}',
  '{"a":1.}',
  '{"a":0x1}',
  '{"a":NaN}',
  '{"a":undefined}',
  '{"a":"\\x41"}',
  '{"a":"\\u12"}',
  '{"a":"\t"}',
  '{"a":"\u0000"}',
  'undefined',
  'nul',
  '// comment',
  '{"a":1} // comment',
  '[1,]',
  '"open',
  '\u0000',
  '{"a":\u00a01}',
  '{"a":\ufeff1}',
  '\u180e{}',
  '\u200b{}',
];
const BLANK = ['', ' ', '\t', '\r', '\u00a0', '\ufeff', ' \ufeff\u2003 ', '\u2028', '\u000b\u000c'];
const BEFORE = ['', '', '', ' ', '\ufeff', '\t', '\u00a0', '\u2003'];
const AFTER = ['', '', '', '\r', ' ', '\u00a0\r', '\u2029', '\ufeff'];

/** One line of a log, without its newline, as bytes. `kind` says how wild it may be. */
export function line(random, kind) {
  const json = () => Buffer.from(foreignJson(random));
  if (kind === 'canonical') return Buffer.from(JSON.stringify(event(random, false)));
  return random.weighted([
    [6, json],
    [3, () => Buffer.from(random.pick(BEFORE) + foreignJson(random) + random.pick(AFTER))],
    [2, () => Buffer.from(random.pick(BLANK))],
    [2, () => Buffer.from(random.pick(MALFORMED))],
    [1.5, () => Buffer.from(random.pick(NON_OBJECTS))],
    [1, () => withBadUtf8(random, json())],
    [1, () => json().subarray(0, random.int(200))],
  ])();
}

function withBadUtf8(random, bytes) {
  const bad = random.pick([
    [0xff],
    [0xc3],
    [0xe2, 0x82],
    [0xf0, 0x9f, 0x98],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0x80],
  ]);
  const at = random.chance(0.7) ? bytes.indexOf('"guidanceHash":"') + 16 : random.int(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(bad), bytes.subarray(at)]).filter(
    (byte) => byte !== 0x0a,
  );
}

/** Bytes to add to a log behind everybody's back; sometimes without the last newline, as a crash leaves them. */
export function scribble(random, kind) {
  const parts = [];
  for (let n = 1 + random.int(3); n > 0; n--) parts.push(line(random, kind), Buffer.from('\n'));
  if (kind !== 'canonical' && random.chance(0.25)) parts.pop();
  return Buffer.concat(parts);
}

/** Bounds of a range, most of them sensible. */
export function bound(random) {
  return random.weighted([
    [8, () => 1000 + random.int(55) - 2],
    [1, () => number(random)],
    [1, () => random.pick([undefined, null, '1010', 'x', 1010n, new Date(1010), true, {}])],
  ])();
}

export function task(random) {
  return random.weighted([
    [8, () => random.pick(TASKS)],
    [2, () => random.pick([undefined, null, 5, NaN, -0, true, {}, 'none'])],
  ])();
}
