/**
 * Compiles the rules that the demo works under, with the published guidance compiler.
 */

import { readFileSync } from 'node:fs';
import { createCompiler } from '@claude-flow/guidance/compiler';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Returns the policy bundle of this folder's CLAUDE.md and the repository's CONTRIBUTING.md. */
export function compilePolicy() {
  return createCompiler().compile(read('CLAUDE.md'), read('../../CONTRIBUTING.md'));
}

/** Returns all rules of a bundle, constitution first. */
export function rulesOf(bundle) {
  return [...bundle.constitution.rules, ...bundle.shards.map((shard) => shard.rule)];
}
