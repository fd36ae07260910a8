/**
 * Bundles the face as the published package carries it: `node scripts/bundle-face.mjs FOLDER`.
 *
 * A hook pays for each file that it loads and for each function that V8 looks over. So FOLDER gets files without
 * comments: `index.js` with all that an append takes; `lib/ledger.js` with the classes of the ledger,
 * `lib/workings.js` with what is inside one, and `lib/rare.js` with the rest: reading, and errors. `fleet.js` has what
 * an append takes and what shared stores take, so that a hook loads one file there too.
 *
 * `index.bundle.mjs` has the first two once more, for `import`, which asks for every class at once, and `fleet.bundle.mjs`
 * has what is in `fleet.js` and those: so an ES module that appends does without `require`, which Node would have to make
 * for it, and which takes as long as the addon.
 * A module may stand in several files. All share a table of modules, so that each module is run once, when it is first
 * asked for, and each class is there once.
 *
 * The bundles are made for each release, and are never committed.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'index.js';
const FLEET = 'fleet.js';
/** What an append loads. */
const STORE = 'lib/store/event-store.js';
/** What the first ledger loads. */
const WORKINGS = 'lib/ledger/workings.js';
const REQUIRE = /require\(['"](\.[^'"]+\.js)['"]\)/g;
/** At the beginning of a line: run as soon as the module is. */
const REQUIRED_AT_ONCE = /^(?:const [^=]+ =| {2}\.\.\.)\s*require\('(\.[^']+\.js)'\)/gm;

/**
 * @typedef {object} Part
 * @property {string} text without comments
 * @property {string[]} atOnce the modules that it requires when it is run
 * @property {string[]} later those that it requires in a function
 */
/** The files that are loaded later. */
const LATER = ['ledger', 'workings', 'rare'];

/** @typedef {'' | 'ledger' | 'workings' | 'rare' | 'fleet'} Group which file; an empty name is `index.js` */

/**
 * A module without comments, in ASCII: V8 reads other text more slowly.
 * @param {string} name
 * @param {string} source
 */
function stripped(name, source) {
  const { outputText } = ts.transpileModule(source, {
    fileName: name,
    compilerOptions: { allowJs: true, removeComments: true, target: ts.ScriptTarget.ESNext },
  });
  return outputText
    .replace(/^['"]use strict['"];\n/, '')
    .replace(/[^\n -~]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * @param {string} entry
 * @returns {Map<string, Part>} all modules that it leads to
 */
function readParts(entry) {
  /** @type {Map<string, Part>} */
  const parts = new Map();
  /** @param {string} name */
  const read = (name) => {
    if (parts.has(name)) return;
    const source = readFileSync(join(ROOT, name), 'utf8');
    /** @param {RegExp} pattern */
    const named = (pattern) =>
      [...source.matchAll(pattern)].map(([, path]) => posix.join(posix.dirname(name), path));
    const atOnce = named(REQUIRED_AT_ONCE);
    const later = named(REQUIRE).filter((each) => !atOnce.includes(each));
    parts.set(name, { text: stripped(name, source), atOnce, later });
    for (const each of [...atOnce, ...later]) read(each);
  };
  read(entry);
  return parts;
}

/**
 * Which file each module goes to.
 * @param {Map<string, Part>} parts
 */
function groupsOf(parts) {
  /** @type {Map<string, Group>} */
  const groups = new Map([[ENTRY, '']]);
  /** @type {(name: string, group: Group) => void} */
  const place = (name, group) => {
    if (groups.has(name)) return;
    groups.set(name, group);
    for (const each of parts.get(name)?.atOnce ?? []) place(each, group);
  };
  place(STORE, '');
  for (const name of parts.get(ENTRY)?.later ?? []) place(name, 'ledger');
  place(WORKINGS, 'workings');
  for (const name of parts.keys()) place(name, 'rare');
  return groups;
}

/**
 * The modules of some groups, as the properties of an object. In parentheses, which make V8 compile a function at once:
 * what is run at once anyway is then read once, not twice.
 * @param {Group[]} among
 * @param {Map<string, Part>} parts
 * @param {Map<string, Group>} groups
 */
function members(among, parts, groups) {
  return [...parts]
    .filter(([name]) => among.includes(/** @type {Group} */ (groups.get(name))))
    .map(([name, { text }]) => {
      const group = /** @type {Group} */ (groups.get(name));
      const [open, close] = group === 'rare' ? ['', ''] : ['(', ')'];
      const linked = text.replace(REQUIRE, (_, path) => {
        const target = posix.join(posix.dirname(name), path);
        const file = groups.get(target);
        return file === '' || file === group ? `$load('${target}')` : `$load('${target}', '${file}')`;
      });
      return `'${name}': ${open}function (module) {\n${linked}}${close},\n`;
    })
    .join('');
}

/** @param {string} folder */
export function bundleFace(folder) {
  const parts = readParts(ENTRY);
  const groups = groupsOf(parts);
  for (const [name, part] of readParts(FLEET)) {
    if (parts.has(name)) continue;
    parts.set(name, part);
    groups.set(name, 'fleet');
  }
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const head = `// guidance-ledger ${version}: the files of lib/, put together by scripts/bundle-face.mjs.\n`;
  const loaders = LATER.map((group) => `${group}: () => require('./lib/${group}.js')`);
  /** Of a file that is an ES module: what a CommonJS file finds there. */
  const surroundings = `const __dirname = import.meta.dirname;
const __filename = import.meta.filename;
const builtin = process.getBuiltinModule;
let required;
function ownRequire() {
  required ??= builtin('node:module').createRequire(__filename);
  return required;
}
const require = (name) => (name.startsWith('node:') ? builtin(name) : ownRequire()(name));
require.resolve = (name) => ownRequire().resolve(name);
`;
  /** Where a bundler took the folder's name away, `index.js` hands its table over. */
  const handedOver = "Symbol.for('guidance-ledger.modules')";
  /**
   * @param {Group[]} among
   * @param {string} [otherwise] the table where there is no name of a folder
   */
  const loader = (among, otherwise = '{}') => `const files = { ${loaders.join(', ')} };
function shared() {
  if (typeof __dirname !== 'string') return ${otherwise};
  const key = Symbol.for(\`guidance-ledger ${version} \${__dirname}\`);
  const value = globalThis[key] ?? {};
  Reflect.defineProperty(globalThis, key, { value });
  return value;
}
const modules = shared();
function $load(name, file) {
  let module = modules[name];
  if (module === undefined) {
    if (parts[name] === undefined) Object.assign(parts, files[file]()($load));
    modules[name] = module = { exports: {} };
    try {
      parts[name](module);
    } catch (error) {
      delete modules[name];
      throw error;
    }
  }
  return module.exports;
}
const parts = {\n${members(among, parts, groups)}};
`;
  /** @param {Group} group */
  const file = (group) =>
    `'use strict';\n${head}module.exports = (function ($load) {\nreturn {\n${members([group], parts, groups)}};\n});\n`;
  /** @param {string} entry */
  const names = (entry) =>
    [...(parts.get(entry)?.text.matchAll(/get (\w+)\(\)/g) ?? [])].map(([, name]) => name).join(', ');
  /** @type {Record<string, string>} */
  const files = {
    'index.js': `'use strict';\n${head}${loader([''])}module.exports = $load('${ENTRY}');
Object.defineProperty(module.exports, ${handedOver}, { value: modules, configurable: true });\n`,
    [FLEET]: `'use strict';\n${head}${loader(['', 'fleet'], `require('./index.js')[${handedOver}]`)}module.exports = $load('${FLEET}');\n`,
    'index.bundle.mjs': `${head}${surroundings}${loader(['', 'ledger'])}const here = __filename.endsWith('index.bundle.mjs');
export const { ${names(ENTRY)} } = here ? $load('${ENTRY}') : require('guidance-ledger');\n`,
    'fleet.bundle.mjs': `${head}${surroundings}${loader(['', 'ledger', 'fleet'])}const here = __filename.endsWith('fleet.bundle.mjs');
export const { ${names(FLEET)} } = here ? $load('${FLEET}') : require('guidance-ledger/fleet');\n`,
    'lib/ledger.js': file('ledger'),
    'lib/workings.js': file('workings'),
    'lib/rare.js': file('rare'),
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) bundleFace(process.argv[2] ?? '.');
