'use strict';

// The texts of --help.

const { DEFAULT_DIR, DIR_VARIABLE } = require('./folder.js');
const { COMMON, TOOL } = require('./options.js');
const { pad, width, wrap } = require('./table.js');
const { columnsOf } = require('./terminal.js');

/** @typedef {import('./options.js').Command} Command */
/** @typedef {import('./options.js').Options} Options */

const EXIT_CODES = [
  ['0', 'done; verify: nothing found'],
  ['1', 'verify, doctor, import: something was found that is not in order; or you said no'],
  ['2', 'the call is wrong'],
  ['3', 'another process holds the lock'],
  ['4', 'the disk or the system refused'],
];

/** @param {string[]} lines */
const indent = (lines) => lines.map((line) => `  ${line}`.trimEnd()).join('\n');

/** Lines longer than this are hard to read, and a terminal breaks lines within words. */
const LONGEST = 100;

const columns = () => Math.min(LONGEST, columnsOf(process.stdout));

/** @param {string} text paragraphs with an empty line between them */
function paragraphs(text) {
  return text
    .trim()
    .split('\n\n')
    .map((paragraph) => wrap(paragraph, columns()).join('\n'))
    .join('\n\n');
}

/**
 * Names and what they mean, in two columns.
 * @param {string[][]} rows
 */
function meanings(rows) {
  const left = Math.max(...rows.map(([name]) => width(name)));
  return indent(
    rows.flatMap(([name, meaning]) =>
      wrap(meaning, Math.max(24, columns() - left - 4)).map(
        (line, i) => `${pad(i === 0 ? name : '', left)}  ${line}`,
      ),
    ),
  );
}

/** @param {Options} options */
function optionLines(options) {
  const rows = Object.entries(options).map(([name, { short, value, help }]) => {
    const flags = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
    return [flags, help];
  });
  return meanings(rows);
}

/** @param {[string, string][]} examples */
function exampleLines(examples) {
  return indent(examples.flatMap(([call, meaning]) => [`# ${meaning}`, `${TOOL} ${call}`]));
}

/** @param {readonly Command[]} commands */
function toolHelp(commands) {
  return `${paragraphs(`${TOOL}: looks into a folder of recorded events, and keeps it in order.`)}

Usage
  ${TOOL} COMMAND [options]

Commands
${meanings(commands.map(({ name, summary }) => [name, summary]))}

Options of every command
${optionLines(COMMON)}

Examples
${exampleLines([
  ['stats', 'what is in the folder'],
  ['tail -f', 'watch events arrive'],
  ['query --since 2h --intent bug-fix', 'the bug fixes of the last two hours'],
  ['metrics --html metrics.html', 'charts for the browser'],
  ['export --format csv --out events.csv', 'a table for a spreadsheet'],
])}

${paragraphs(`The folder is --dir, else $${DIR_VARIABLE}, else ${DEFAULT_DIR}. Data goes to stdout, all else to stderr.
Reading creates nothing and waits for nobody.`)}

Exit codes
${meanings(EXIT_CODES)}

'${TOOL} COMMAND --help' tells more about a command.
`;
}

/** @param {Command} command */
function commandHelp({ name, summary, details, words, options, examples }) {
  const own = Object.keys(options).length > 0 ? `Options\n${optionLines(options)}\n\n` : '';
  return `${paragraphs(`${TOOL} ${name}: ${summary}`)}

Usage
  ${TOOL} ${name}${words ? ` ${words}` : ''} [options]

${details ? `${paragraphs(details)}\n\n` : ''}${own}Options of every command
${optionLines(COMMON)}

Examples
${exampleLines(examples)}
`;
}

module.exports = { commandHelp, toolHelp };
