/** The package in a realm of its own, as test runners load it: its files are compiled in a `node:vm` context. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { ROOT } from './markdown.mjs';

const outer = createRequire(import.meta.url);

/**
 * A context in which `require` loads the package, as new. Addons and Node's own modules are those of the main realm.
 * @param {object} globals what the context has beside the language
 */
export function realm(globals = { process, Buffer, console, setImmediate, setInterval, clearInterval }) {
  const context = createContext({ ...globals });
  const modules = new Map();
  const load = (path) => {
    if (path.endsWith('.node')) return outer(path);
    if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8'));
    if (modules.has(path)) return modules.get(path).exports;
    const module = { exports: {} };
    modules.set(path, module);
    const source = `(function (module, exports, require, __filename, __dirname) { ${readFileSync(path, 'utf8')}\n})`;
    const run = runInContext(source, context, { filename: path });
    run(module, module.exports, requireFrom(path), path, dirname(path));
    return module.exports;
  };
  const requireFrom = (from) => (name) =>
    name.startsWith('.') ? load(resolve(dirname(from), name)) : outer(name);
  context.ledger = load(resolve(ROOT, 'index.js'));
  return { evaluate: (code) => runInContext(code, context), context };
}
