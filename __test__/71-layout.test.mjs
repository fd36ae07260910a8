/** The layout holds: files, clocks, threads and locks stay in their rooms, and dependencies run downward. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The files below a folder, relative to the repository. */
const filesIn = (folder, ending) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .filter((name) => name.endsWith(ending));

const read = (name) => readFileSync(join(ROOT, name), 'utf8');

/** Rust without comments, strings and the tests at the end of a file. */
const code = (name) =>
  read(name)
    .replace(/^#\[cfg\(test\)\]\nmod tests \{[\s\S]*/m, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/"(?:[^"\\]|\\.)*"/g, '""');

/** What may stay outside its room, and why. */
const EXCEPTIONS = new Set([
  // A lock for a few instructions, in a crate from which no disk and no wait can be reached.
  'crates/columns/src/sealed.rs',
]);

const ENGINE = ['crates/event/src', 'crates/columns/src', 'crates/store/src'].flatMap((folder) =>
  filesIn(folder, '.rs'),
);

describe('rooms of the engine', () => {
  const ROOMS = [
    ['files', 'crates/store/src/disk/', /\bstd::fs\b|\bFile::open\b|\bOpenOptions\b/],
    [
      'clocks, threads and locks',
      'crates/store/src/wait/',
      /\bstd::thread\b|\bthread::|\bInstant\b|\bSystemTime::now\b|\bMutex\b|\bRwLock\b|\bCondvar\b|\bmpsc\b/,
    ],
    ['unsafe code', 'crates/store/src/disk/sys.rs', /\bunsafe\b/],
    ['Node', 'src/', /\bnapi\b/],
  ];

  test.each(ROOMS)('%s: only in %s', (_, room, words) => {
    const inside = filesIn(room.startsWith('src') ? 'src' : 'crates/store/src', '.rs').filter((name) =>
      name.startsWith(room),
    );
    expect(
      inside.some((name) => words.test(code(name))),
      'the words are those of the room',
    ).toBe(true);
    const outside = ENGINE.filter(
      (name) => !name.startsWith(room) && !EXCEPTIONS.has(name) && words.test(code(name)),
    );
    expect(outside).toEqual([]);
  });

  test('no lint of a room is silenced outside it', () => {
    const silenced = ENGINE.filter(
      (name) => !EXCEPTIONS.has(name) && /clippy::disallowed_(methods|types)/.test(read(name)),
    );
    expect(silenced.filter((name) => !/\/(disk|wait)\//.test(name))).toEqual([]);
  });
});

describe('directions', () => {
  /** What each file of `lib/` and `index.js` requires. */
  const graph = new Map(
    ['fleet.js', 'index.js', ...filesIn('lib', '.js')].map((name) => {
      const named = [...read(name).matchAll(/require\('(\.[^']+)'\)/g)].map(([, path]) => path);
      const files = named.map((path) =>
        relative(ROOT, resolve(ROOT, dirname(name), path)).replaceAll('\\', '/'),
      );
      return [name, files];
    }),
  );

  test('of the face: the entries, fleet, ledger, store, shared', () => {
    const ORDER = ['fleet.js', 'index.js', 'lib/fleet/', 'lib/ledger/', 'lib/store/', 'lib/shared/'];
    const floor = (name) => ORDER.findIndex((each) => name.startsWith(each));
    const upward = [...graph].flatMap(([name, files]) =>
      files
        .filter((file) => floor(file) !== -1 && floor(file) < floor(name))
        .map((file) => `${name} → ${file}`),
    );
    expect(graph.size).toBeGreaterThan(20);
    expect(upward).toEqual([]);
    for (const file of [...graph.values()].flat()) expect(existsSync(join(ROOT, file)), file).toBe(true);
  });

  test('of the face: no circle', () => {
    const circles = [];
    const done = new Set();
    const walk = (name, path) => {
      if (path.includes(name)) circles.push([...path.slice(path.indexOf(name)), name].join(' → '));
      if (path.includes(name) || done.has(name)) return;
      for (const file of graph.get(name) ?? []) walk(file, [...path, name]);
      done.add(name);
    };
    for (const name of graph.keys()) walk(name, []);
    expect(circles).toEqual([]);
  });

  test('of the crates: the compiler keeps them, as long as the manifests say this', () => {
    const crates = ['event', 'columns', 'store'];
    const uses = (crate) =>
      crates.filter((each) => read(`crates/${crate}/Cargo.toml`).includes(`\n${each}.workspace`));
    expect(uses('event')).toEqual([]);
    expect(uses('columns')).toEqual(['event']);
    expect(uses('store')).toEqual(['event', 'columns']);
  });

  test('the shared store knows events alone, and no addon knows both a folder and a shared store', () => {
    const manifest = read('crates/fleet/Cargo.toml');
    for (const crate of ['store', 'columns', 'napi'])
      expect(manifest).not.toMatch(new RegExp(`^${crate}\\b`, 'm'));
    const edges = ['--edges', 'normal,build', '--prefix', 'none', '--locked', '--target', 'all'];
    const tree = execFileSync('cargo', ['tree', '--package', 'guidance-ledger', ...edges], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(tree).toMatch(/^store v/m);
    expect(tree.match(/^(fleet|tokio|mio|rustls|ring|socket2|tokio-postgres)\b.*$/gm)).toBeNull();
    for (const crate of ['store', 'columns'])
      expect(read('crates/fleet-addon/Cargo.toml')).not.toMatch(new RegExp(`^${crate}\\b`, 'm'));
  });

  test('the tool calls the engine in one folder', () => {
    const callers = filesIn('crates/tool/src', '.rs').filter((name) => /\bstore::/.test(code(name)));
    expect(callers.filter((name) => !name.startsWith('crates/tool/src/engine/'))).toEqual([]);
    expect(callers).toContain('crates/tool/src/engine/mod.rs');
  });
});
