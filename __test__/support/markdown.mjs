/** The documents as tests see them: code blocks, headings, links, tables. No full Markdown; what ours use. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

const read = (name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') });

/** README.md and docs/*.md: what a user reads and copies from. */
export function userDocuments() {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.sort().map((name) => `docs/${name}`)].map(read);
}

/** Those and the others at the root. */
export function allDocuments() {
  const others = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'].filter((name) =>
    existsSync(join(ROOT, name)),
  );
  return [...userDocuments(), ...others.map(read)];
}

/**
 * The fenced blocks of a document. `skipped` is the reason of a `<!-- not run: reason -->` just before the block. A block after
 * `<!-- examples begin with the next block -->` is the beginning of all later JavaScript blocks that import nothing themselves.
 */
export function blocksOf({ name, text }) {
  const blocks = [];
  let comment = '';
  let open = null;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(\S*)/.exec(line);
    if (open !== null) {
      if (fence?.[2].startsWith(open.fence) && fence[3] === '') {
        blocks.push(open.block);
        open = null;
      } else {
        open.block.code += `${line.slice(open.indent)}\n`;
      }
    } else if (fence) {
      const skipped = /^<!-- not run: (.+) -->$/.exec(comment)?.[1] ?? null;
      const begins = comment === '<!-- examples begin with the next block -->';
      const block = { at: `${name}:${index + 1}`, language: fence[3], code: '', skipped, begins };
      open = { fence: fence[2], indent: fence[1].length, block };
      comment = '';
    } else if (line.trim() !== '') {
      comment = line.trim();
    }
  }
  if (open !== null) throw new Error(`${open.block.at}: this block is not closed`);
  return blocks;
}

const withoutBlocks = (text) => text.replace(/^(\s*)(`{3,})[\s\S]*?^\s*\2\s*$/gm, '');

/** The headings, without their marks. */
export const headingsOf = ({ text }) =>
  [...withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading.replaceAll('\\', ''));

/** What a link to a part of the document may name. */
export function anchorsOf(document) {
  const anchors = new Set([...document.text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id));
  for (const heading of headingsOf(document)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let unique = slug;
    for (let n = 1; anchors.has(unique); n++) unique = `${slug}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}

/** The targets of links and images. */
export function linksOf({ text }) {
  const prose = withoutBlocks(text).replace(/`[^`\n]*`/g, '`');
  const inline = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map(([, target]) => target);
  const html = [...prose.matchAll(/(?:href|src(?:set)?)="([^"\s]+)"/g)].map(([, target]) => target);
  return [...inline, ...html];
}

/** The text of a section, from its heading to the next of the same or a higher level. */
export function sectionOf({ text }, heading) {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
  if (start === -1) throw new Error(`there is no section "${heading}"`);
  const level = /^#+/.exec(lines[start])[0].length;
  const length = lines.slice(start + 1).findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return lines.slice(start, length === -1 ? undefined : start + 1 + length).join('\n');
}
