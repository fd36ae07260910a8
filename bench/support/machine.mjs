// What the run ran on.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type } from 'node:os';

const require = createRequire(import.meta.url);

function versionOf(name, from = require) {
  try {
    // Some packages do not export their package.json.
    const path = from.resolve.paths(name)?.map((folder) => `${folder}/${name}/package.json`);
    for (const file of path ?? []) {
      try {
        return JSON.parse(readFileSync(file, 'utf8')).version;
      } catch {}
    }
  } catch {}
  return 'not installed';
}

export function machine() {
  return {
    processor: `${cpus().length} × ${cpus()[0].model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    node: process.version,
    versions: Object.fromEntries(
      ['@claude-flow/guidance', 'better-sqlite3', 'lmdb', 'sonic-boom'].map((name) => [
        name,
        versionOf(name),
      ]),
    ),
    date: new Date().toISOString().slice(0, 10),
  };
}
