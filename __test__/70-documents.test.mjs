/**
 * What the documents say is so: their examples run, their links lead somewhere, and they leave nothing out.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TOOL } from './support/cli.mjs';
import { describeOurs } from './support/implementations.mjs';
import {
  allDocuments,
  anchorsOf,
  blocksOf,
  headingsOf,
  linksOf,
  ROOT,
  sectionOf,
  userDocuments,
} from './support/markdown.mjs';

const JAVASCRIPT = ['js', 'javascript', 'mjs', 'cjs'];
const TYPESCRIPT = ['ts', 'typescript', 'mts'];
const SHELL = ['sh', 'bash', 'shell', 'console'];
const PROSE = ['text', 'txt', 'diff', 'mermaid', 'ndjson', 'csv', 'toml', 'yaml', 'rust', 'html', 'python'];

const blocks = userDocuments().flatMap(blocksOf);
const ofLanguage = (...languages) =>
  blocks.filter(({ language, skipped }) => languages.includes(language) && skipped === null);
const api = userDocuments().find(({ name }) => name === 'docs/api.md');

let workspace;
beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'guidance-ledger-documents-'));
  const modules = join(workspace, 'node_modules');
  mkdirSync(modules);
  // What a user has who installed the package: it, the published module, and Node's types.
  symlinkSync(ROOT, join(modules, 'guidance-ledger'), 'junction');
  for (const name of ['@claude-flow', '@types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'junction');
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

/** Runs a program and answers its exit code and output. */
async function run(args, cwd) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
  });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const code = await new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  return { code, out, errors };
}

const fileName = ({ at }) => at.replace(/\W+/g, '-');

describe('code blocks', () => {
  test('each says what language it is in', () => {
    const known = [...JAVASCRIPT, ...TYPESCRIPT, ...SHELL, ...PROSE, 'json', 'jsonc'];
    expect(blocks.filter(({ language }) => !known.includes(language)).map(({ at }) => at)).toEqual([]);
    expect(blocks.length).toBeGreaterThan(60);
  });

  test('JSON is JSON', () => {
    for (const { at, code } of ofLanguage('json')) expect(() => JSON.parse(code), at).not.toThrow();
    for (const { at, code } of ofLanguage('ndjson'))
      for (const line of code.trim().split('\n')) expect(() => JSON.parse(line), at).not.toThrow();
  });

  const scripts = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts);
  const subcommands = spawnSync(TOOL, ['--help'], { encoding: 'utf8' })
    .stdout.split('Commands:')[1]
    .split('Options:')[0]
    .match(/^ {2}[a-z]+/gm)
    .map((name) => name.trim());
  const PROGRAMS = [
    ...['npm', 'npx', 'node', 'cargo', 'bash', 'git', 'cd', 'export', 'guidance-ledger', 'deno'],
    ...[
      'cat',
      'cp',
      'cut',
      'echo',
      'grep',
      'gzip',
      'psql',
      'head',
      'jq',
      'ls',
      'mkdir',
      'mv',
      'rm',
      'sort',
      'tail',
      'uniq',
      'wc',
    ],
  ];

  /** The commands of a shell block, as words. */
  const commandsOf = ({ code, language }) =>
    code
      .replace(/\\\n/g, ' ')
      .split('\n')
      .filter((line) => language !== 'console' || line.startsWith('$ '))
      .map((line) => line.replace(/^\$ /, '').replace(/(^|\s)#.*$/, ''))
      .flatMap((line) => line.split(/\s(?:&&|\|\|?|;)\s/))
      .map((command) => command.trim().split(/\s+/))
      .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))))
      .filter(([word]) => word);

  test.each(ofLanguage(...SHELL))('$at: the commands are known', (block) => {
    for (const [program, ...rest] of commandsOf(block)) {
      expect(PROGRAMS, block.at).toContain(program);
      if (program === 'npm' && rest[0] === 'run') expect(scripts, block.at).toContain(rest[1]);
      if (program === 'npm' && rest[0] === 'test') expect(scripts, block.at).toContain('test');
      const tool = program === 'npx' ? rest : [program, ...rest];
      if (tool[0] === 'guidance-ledger' && !tool[1]?.startsWith('-') && tool[1] !== 'help')
        expect(subcommands, block.at).toContain(tool[1]);
    }
  });
});

describeOurs('examples', () => {
  /** What is run: the block, after the document's common beginning if it imports nothing itself. */
  function programOf({ at, code, begins }) {
    const own = at.split(':')[0];
    const beginning = blocks.find((block) => block.begins && block.at.split(':')[0] === own);
    if (begins || beginning === undefined || /^import |require\(/m.test(code)) return code;
    return `${beginning.code}\n{\n${code}\n}\n`;
  }

  /** `console.log(…); // → what it prints`, line by line. */
  const expectedOf = (code) => [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text);

  // Those of a fleet want a server: __test__/62-fleet-store.test.mjs runs them.
  const local = ofLanguage(...JAVASCRIPT).filter(({ code }) => !code.includes('guidance-ledger/fleet'));

  test.concurrent.each(local)('$at runs, and prints what it says', async (block) => {
    const folder = join(workspace, fileName(block));
    mkdirSync(folder);
    const name = block.language === 'cjs' ? 'example.cjs' : 'example.mjs';
    writeFileSync(join(folder, name), programOf(block));
    const { code, out, errors } = await run([name], folder);
    expect(code, `${block.at}\n${errors}`).toBe(0);
    const expected = expectedOf(block.code);
    if (expected.length > 0) expect(out.trimEnd().split('\n'), block.at).toEqual(expected);
  });

  test('TypeScript compiles, as strictly as TypeScript can', async () => {
    const folder = join(workspace, 'typescript');
    mkdirSync(folder);
    const typescript = ofLanguage(...TYPESCRIPT);
    expect(typescript.length).toBeGreaterThan(3);
    // Each is a module, so that their names do not meet.
    for (const block of typescript)
      writeFileSync(join(folder, `${fileName(block)}.mts`), `${block.code}\nexport {};\n`);
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022'],
      module: 'nodenext',
      moduleResolution: 'nodenext',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }));
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { out } = await run([compiler, '-p', folder], folder);
    expect(out).toBe('');
  });
});

describe('docs/api.md', () => {
  const headings = headingsOf(api);
  const source = ts.createSourceFile(
    'index.d.ts',
    readFileSync(join(ROOT, 'index.d.ts'), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const printer = ts.createPrinter({ removeComments: true });
  const print = (node) =>
    printer.printNode(ts.EmitHint.Unspecified, node, source).replace(/\s+/g, ' ').replace(/;$/, '');

  /** How the document calls an instance of each class. */
  const INSTANCES = { EventStore: 'store', PersistentLedger: 'ledger', RunLedger: 'runLedger' };

  const classes = source.statements.filter(ts.isClassDeclaration);
  const functions = source.statements.filter(ts.isFunctionDeclaration);

  /** `[what, beginning of its heading, signature]` of everything that can be called. */
  const callables = [
    ...functions.map((it) => [
      it.name.text,
      `${it.name.text}(`,
      print(it).replace(/^export declare function /, ''),
    ]),
    ...classes.flatMap((it) => {
      const className = it.name.text;
      const instance = INSTANCES[className] ?? 'evaluator';
      const members = it.members.filter((member) => !ts.isPropertyDeclaration(member));
      return [
        [className, `new ${className}(`, ''],
        ...members.map((member) => {
          const signature = print(member).replace(/^constructor/, `new ${className}`);
          const name = member.name?.getText(source) ?? 'constructor';
          const access = name.startsWith('[') ? name : `.${name}`;
          const heading = ts.isConstructorDeclaration(member)
            ? `new ${className}(`
            : `${instance}${access}${ts.isGetAccessor(member) ? '' : '('}`;
          return [`${className} ${name}`, heading, signature];
        }),
      ];
    }),
  ];

  test.each(callables)('%s has its heading and its signature', (_, beginning, signature) => {
    const heading = headings.find((it) => it === beginning || it.startsWith(beginning));
    expect(heading, `a heading that begins with ${beginning}`).toBeDefined();
    const section = sectionOf({ text: api.text.replaceAll('\\', '') }, heading);
    if (signature !== '') expect(section).toContain(`\`${signature}\``);
  });

  test('each exported type is named', () => {
    const types = source.statements.filter(
      (it) => ts.isInterfaceDeclaration(it) || ts.isTypeAliasDeclaration(it),
    );
    const section = sectionOf(api, 'Types');
    for (const { name } of types) expect(section).toContain(`\`${name.text}\``);
  });

  test('each heading of a method is one of a method that exists', () => {
    const methods = headings.filter((heading) =>
      /^(store|ledger|runLedger|evaluator)[.[]|^new /.test(heading),
    );
    const unknown = methods.filter(
      (heading) => !callables.some(([, beginning]) => heading === beginning || heading.startsWith(beginning)),
    );
    expect(unknown).toEqual([]);
    expect(methods.length).toBeGreaterThan(40);
  });

  test('each option of store and ledger has its row', () => {
    for (const [type, beginning] of [
      ['StoreOptions', 'new EventStore('],
      ['PersistenceConfig', 'new PersistentLedger('],
      ['StreamOptions', 'store.stream('],
    ]) {
      const section = sectionOf(
        api,
        headings.find((it) => it.startsWith(beginning)),
      );
      const declaration = source.statements.find((it) => it.name?.text === type);
      for (const member of declaration.members)
        expect(section).toMatch(new RegExp(`\\| \`${member.name.text}\`\\s*\\|`));
    }
  });

  test('each code of an error has its heading, with what happened and what to do', () => {
    const rust = ['error.rs', 'errno.rs']
      .map((name) => readFileSync(join(ROOT, 'crates/store/src', name), 'utf8').split('#[cfg(test)]')[0])
      .join('');
    const face = ['fleet', 'ledger', 'store', 'shared']
      .flatMap((folder) =>
        readdirSync(join(ROOT, 'lib', folder)).map((name) => join(ROOT, 'lib', folder, name)),
      )
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    const codes = new Set([
      ...[...rust.matchAll(/"(E[A-Z]{2,})"/g)].map(([, code]) => code),
      ...[...face.matchAll(/\bcode: '(\w+)'/g)].map(([, code]) => code),
    ]);
    expect(codes.size).toBeGreaterThan(30);
    const section = sectionOf(api, 'Error codes');
    const listed = [...section.matchAll(/^#### (\w+)$/gm)].map(([, code]) => code);
    expect([...listed].sort()).toEqual([...codes].sort());
    for (const code of listed) {
      const paragraphs = sectionOf(api, code).trim().split('\n\n');
      expect(paragraphs.length, code).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('references', () => {
  const documents = allDocuments();

  test.each(documents)('$name: relative links lead somewhere', (document) => {
    const broken = linksOf(document)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path, anchor] = target.split('#');
        const file = path === '' ? document.name : join(dirname(document.name), path);
        if (!existsSync(join(ROOT, file))) return true;
        if (anchor === undefined) return false;
        return !anchorsOf({ text: readFileSync(join(ROOT, file), 'utf8') }).has(anchor);
      });
    expect(broken).toEqual([]);
  });

  test('they lead somewhere in the package alone', () => {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const options = { cwd: ROOT, encoding: 'utf8', shell: process.platform === 'win32' };
    const { stdout } = spawnSync(npm, ['pack', '--dry-run', '--ignore-scripts', '--json'], options);
    const [packed] = Object.values(JSON.parse(stdout));
    const files = packed.files.map(({ path }) => path);
    const broken = documents
      .filter(({ name }) => files.includes(name))
      .flatMap((document) =>
        linksOf(document)
          .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
          .map((target) => join(dirname(document.name), target.split('#')[0]).replaceAll('\\', '/')),
      )
      .filter((path) => !files.some((file) => file === path || file.startsWith(`${path}/`)));
    // A contributor has the repository.
    expect(broken.filter((path) => path !== 'CONTRIBUTING.md')).toEqual([]);
  });

  // `file` “title”, “title”: a reference to tests.
  test.each(documents)('$name: the tests that are named exist', ({ text }) => {
    const missing = [];
    for (const [, file, titles] of text.matchAll(
      /`((?:__test__|crates\/\w+\/tests)\/[^`\s]+)`((?:,? “[^”]+”)*)/g,
    )) {
      if (/[*{]/.test(file)) continue;
      if (!existsSync(join(ROOT, file))) missing.push(file);
      else {
        const source = readFileSync(join(ROOT, file), 'utf8');
        for (const [, title] of titles.matchAll(/“([^”]+)”/g))
          if (!source.includes(title)) missing.push(`${file} ${title}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test('docs/durability.md names tests at all', () => {
    const { text } = documents.find(({ name }) => name === 'docs/durability.md');
    expect([...text.matchAll(/“[^”]+”/g)].length).toBeGreaterThan(20);
  });
});
