'use strict';

// The words of a call: which command, which options, and what is wrong with them.
//
// `parseArgs` takes the words apart; judging them is done here, so that each mistake is answered by the
// nearest right call.

const { parseArgs } = require('node:util');
const { nearest } = require('../shared/nearest.js');
const { UsageError } = require('./usage-error.js');

/**
 * @typedef {object} Option
 * @property {'string' | 'boolean'} type
 * @property {string} [short]
 * @property {string} [value] what the value is called in the help
 * @property {string} help
 * @property {(text: string, flag: string) => unknown} [read] checks and converts the value
 */
/** @typedef {Record<string, Option>} Options */

/**
 * @typedef {object} Context what a command works with
 * @property {string} call the tool and the command
 * @property {Record<string, any>} options
 * @property {string[]} words what stands in the call beside options
 * @property {import('./folder.js').StoreFolder} folder
 * @property {import('./output.js').Output} out
 * @property {(text: string) => void} note tells something on stderr
 * @property {import('./terminal.js').Colours} colours for stdout
 */

/**
 * @typedef {object} Command
 * @property {string} name
 * @property {string} summary one line
 * @property {string} [details] what else there is to know
 * @property {string} [words] what may stand beside options, as the help shows it
 * @property {number} [maxWords] none by default
 * @property {string} [wordOption] the option that somebody who writes a word too many probably means
 * @property {Options} options
 * @property {[call: string, meaning: string][]} examples
 * @property {(context: Context) => Promise<number>} run gives the exit code
 */

const TOOL = 'guidance-ledger';

/** @type {Options} */
const COMMON = {
  dir: {
    type: 'string',
    value: 'DIR',
    help: 'the folder (default: $GUIDANCE_LEDGER_DIR or .claude-flow/guidance)',
    read: nonEmpty,
  },
  json: { type: 'boolean', help: 'JSON instead of text' },
  'no-color': { type: 'boolean', help: 'no colours, as NO_COLOR=1' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
  version: { type: 'boolean', help: 'the version' },
};

/**
 * @param {string} text
 * @param {string} flag
 */
function nonEmpty(text, flag) {
  if (text === '' || text.includes('\0')) throw new UsageError(`${flag} needs a value`);
  return text;
}

/**
 * A reader of whole numbers.
 * @param {number} least
 * @returns {(text: string, flag: string) => number}
 */
function countOption(least) {
  return (text, flag) => {
    const count = Number(text.replace(/(?<=\d)[_,](?=\d{3})/g, ''));
    if (/^\d/.test(text) && Number.isSafeInteger(count) && count >= least) return count;
    throw new UsageError(`${flag} takes a whole number from ${least}; got '${text}'`, `${flag} 20`);
  };
}

/**
 * A reader of one of a few words.
 * @param {readonly string[]} words
 * @returns {(text: string, flag: string) => string}
 */
function choiceOption(words) {
  return (text, flag) => {
    if (words.includes(text)) return text;
    const hint = `${flag} ${nearest(text, words) ?? words[0]}`;
    throw new UsageError(`${flag} takes one of ${words.join(', ')}; got '${text}'`, hint);
  };
}

/**
 * @param {string[]} args
 * @param {Options} known
 */
function tokensOf(args, known) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type, short }]) => [name, short ? { type, short } : { type }]),
  );
  return parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/**
 * The command's name, and the words without it.
 * @param {string[]} args
 * @returns {{ name: string | undefined, rest: string[] }}
 */
function splitCommand(args) {
  const first = tokensOf(args, COMMON).find((token) => token.kind === 'positional');
  if (first === undefined) return { name: undefined, rest: args };
  return { name: args[first.index], rest: args.filter((_, i) => i !== first.index) };
}

/**
 * @param {string} flag as it was written
 * @param {Options} known
 * @param {string} call
 * @param {string[]} args
 * @returns {UsageError}
 */
function unknownOption(flag, known, call, args) {
  const number = args.find((word) => /^-\d+$/.test(word) && word.startsWith(flag));
  if (number !== undefined && known.lines)
    return new UsageError(`unknown option ${number}`, `${call} -n ${number.slice(1)}`);
  const near = nearest(flag.replace(/^-+/, ''), Object.keys(known));
  const example =
    near === undefined ? '--help' : `--${near}${known[near].value ? ` ${known[near].value}` : ''}`;
  return new UsageError(`unknown option ${flag}`, `${call} ${example}`);
}

/**
 * The options and words of a call.
 * @param {string[]} args without the command's name
 * @param {Options} known
 * @param {{ call: string, maxWords: number, wordOption?: string }} command
 * @returns {{ options: Record<string, any>, words: string[] }}
 */
function readOptions(args, known, { call, maxWords, wordOption }) {
  /** @type {Record<string, any>} */
  const options = {};
  /** @type {string[]} */
  const words = [];
  for (const token of tokensOf(args, known)) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    const flag = token.rawName;
    if (option === undefined) throw unknownOption(flag, known, call, args);
    if (option.type === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`${flag} takes no value`, `${call} ${flag}`);
      options[token.name] = true;
      continue;
    }
    // '--dir --json' is a forgotten value; '--dir=--json' is meant.
    if (token.value === undefined || (!token.inlineValue && /^--?[a-z]/i.test(token.value))) {
      throw new UsageError(`${flag} needs a value`, `${call} ${flag} ${option.value}`);
    }
    options[token.name] = readValue(option, token.value, flag, call);
  }
  if (words.length > maxWords) {
    const word = words[maxWords];
    const meant =
      wordOption !== undefined && options[wordOption] === undefined && isValue(known[wordOption], word);
    const hint = meant ? `--${wordOption} ${quoted(word)}` : '--help';
    throw new UsageError(`'${word}' is one word too many`, `${call} ${hint}`);
  }
  return { options, words };
}

/**
 * @param {Option} option
 * @param {string} text
 */
function isValue(option, text) {
  try {
    readValue(option, text, '', '');
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {Option} option
 * @param {string} text
 * @param {string} flag
 * @param {string} call
 */
function readValue(option, text, flag, call) {
  if (option.read === undefined) return text;
  try {
    return option.read(text, flag);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message, `${call} ${error.hint ?? `${flag} ${option.value}`}`);
  }
}

/**
 * The call that was made, on the same folder, with other options.
 * @param {Context} context
 * @param {...string} words
 */
function callWith({ call, options }, ...words) {
  const between = options.dir?.startsWith('-') ? '=' : ' ';
  const dir = options.dir === undefined ? [] : [`--dir${between}${quoted(options.dir)}`];
  return [call, ...dir, ...words].join(' ');
}

/**
 * A word as a shell takes it.
 * @param {string} word
 */
function quoted(word) {
  if (process.platform === 'win32') return /[\s&|<>^]/.test(word) ? `"${word}"` : word;
  return /^[\w./:@%+,=~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

module.exports = { COMMON, TOOL, callWith, choiceOption, countOption, nonEmpty, readOptions, splitCommand };
