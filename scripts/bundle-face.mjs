/**
 * Bundles the face as the published package carries it: `node scripts/bundle-face.mjs FOLDER`.
 *
 * A hook pays for each file that it loads and for each function that V8 looks over. So FOLDER gets three files without
 * comments: `index.js` with all that an append takes, `lib/ledger.js` with the ledger, and `lib/rare.js` with the rest:
 * reading, and errors. A fourth, `fleet.js`, has what shared stores take beside that. Each module is in one of them, and
 * is run once, when it is first asked for.
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
const REQUIRE = /require\(['"](\.[^'"]+\.js)['"]\)/g;
/** At the beginning of a line: run as soon as the module is. */
const REQUIRED_AT_ONCE = /^const [^=]+ = require\('(\.[^']+\.js)'\)/gm;

/**
 * @typedef {object} Part
 * @property {string} text without comments
 * @property {string[]} atOnce the modules that it requires when it is run
 * @property {string[]} later those that it requires in a function
 */
/** @typedef {'' | 'ledger' | 'rare' | 'fleet'} Group which file; an empty name is `index.js` */

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
  for (const name of parts.keys()) place(name, 'rare');
  return groups;
}

/**
 * The modules of one file, as the properties of an object. In parentheses, which make V8 compile a function at once:
 * what is run at once anyway is then read once, not twice.
 * @param {Group} group
 * @param {Map<string, Part>} parts
 * @param {Map<string, Group>} groups
 */
function members(group, parts, groups) {
  const [open, close] = group === 'rare' ? ['', ''] : ['(', ')'];
  return [...parts]
    .filter(([name]) => groups.get(name) === group)
    .map(([name, { text }]) => {
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
  const head = `'use strict';\n// guidance-ledger ${version}: the files of lib/, put together by scripts/bundle-face.mjs.\n`;
  /** @type {Record<string, string>} */
  const files = {
    'index.js': `${head}const files = { ledger: () => require('./lib/ledger.js'), rare: () => require('./lib/rare.js') };
const modules = {};
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
const parts = {\n${members('', parts, groups)}};
module.exports = $load('${ENTRY}');
Object.defineProperty(module.exports, Symbol.for('guidance-ledger.modules'), { value: { $load, parts } });
`,
    [FLEET]: `${head}const { $load, parts } = require('./index.js')[Symbol.for('guidance-ledger.modules')];
Object.assign(parts, {\n${members('fleet', parts, groups)}});
module.exports = $load('${FLEET}');
`,
    'lib/ledger.js': `${head}module.exports = ($load) => ({\n${members('ledger', parts, groups)}});\n`,
    'lib/rare.js': `${head}module.exports = ($load) => ({\n${members('rare', parts, groups)}});\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) bundleFace(process.argv[2] ?? '.');
