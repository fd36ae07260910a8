/**
 * What the demo prints: headings, aligned tables, and checks that are counted.
 */

let failures = 0;

export const failed = () => failures > 0;

export function say(text = '') {
  console.log(text);
}

export function heading(text) {
  say(`\n${text}\n${'-'.repeat(text.length)}`);
}

/** Prints whether a claim holds; a claim that does not makes the demo fail. */
export function check(claim, holds, detail = '') {
  if (!holds) failures += 1;
  say(`  ${holds ? 'ok  ' : 'FAIL'}  ${claim}${detail && !holds ? `: ${detail}` : ''}`);
}

/** Prints rows of objects as a table; numbers stand to the right. */
export function table(rows) {
  if (rows.length === 0) {
    say('  (none)');
    return;
  }
  const columns = Object.keys(rows[0]);
  const width = (column) => Math.max(column.length, ...rows.map((row) => String(row[column]).length));
  const widths = new Map(columns.map((column) => [column, width(column)]));
  const line = (cell) => say(`  ${columns.map(cell).join('  ').trimEnd()}`);
  line((column) => pad(column, widths.get(column), typeof rows[0][column] === 'number'));
  line((column) => '-'.repeat(widths.get(column)));
  for (const row of rows) {
    line((column) => pad(row[column], widths.get(column), typeof row[column] === 'number'));
  }
}

function pad(value, width, right) {
  return right ? String(value).padStart(width) : String(value).padEnd(width);
}
