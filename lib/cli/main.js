'use strict';

// From the words of a call to an exit code.
//
// Data goes to stdout and everything else to stderr. The exit code is set, not forced, so that what was
// written reaches its reader; only a reader who has gone away ends the process at once.

const { version } = require('../../package.json');
const { EXIT } = require('./exit-codes.js');
const { chosenFolder } = require('./folder.js');
const { commandHelp, toolHelp } = require('./help.js');
const { nearest } = require('../shared/nearest.js');
const { COMMON, TOOL, readOptions, splitCommand } = require('./options.js');
const { Output } = require('./output.js');
const { safe } = require('./safe-text.js');
const { colours, wantsColour } = require('./terminal.js');
const { UsageError } = require('./usage-error.js');

/** @typedef {import('./options.js').Command} Command */

/** @type {readonly Command[]} */
const COMMANDS = [
  require('./command-stats.js'),
  require('./command-tail.js'),
  require('./command-query.js'),
  require('./command-metrics.js'),
  require('./command-verify.js'),
  require('./command-compact.js'),
  require('./command-export.js'),
  require('./command-import.js'),
  require('./command-doctor.js'),
];

/** @param {string} text */
function note(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * @param {string} name
 * @param {string[]} rest the call without the name
 * @param {string[]} args the call
 * @returns {Command}
 */
function commandOf(name, rest, args) {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  if (name === 'version') throw new UsageError(`unknown command '${name}'`, `${TOOL} --version`);
  const names = COMMANDS.map((candidate) => candidate.name);
  const near = nearest(name, names);
  const later = args.findIndex((word) => names.includes(word));
  if (near === undefined && later !== -1) {
    const others = args.filter((_, i) => i !== later);
    throw new UsageError(
      `'${name}' is no command; the options of a command stand behind its name`,
      [TOOL, args[later], ...others].join(' '),
    );
  }
  throw new UsageError(
    `unknown command '${name}'`,
    [TOOL, near ?? '--help', ...(near ? rest : [])].join(' '),
  );
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function run(args) {
  const out = new Output(process.stdout);
  let { name, rest } = splitCommand(args);
  if (name === 'help') {
    ({ name, rest } = splitCommand(rest));
    rest = [...rest, '--help'];
  }
  if (name === undefined) {
    const { options } = readOptions(rest, COMMON, { call: TOOL, maxWords: 0 });
    if (!options.version && !options.help) throw new UsageError('which command?', `${TOOL} --help`);
    await out.write(options.version ? `${version}\n` : toolHelp(COMMANDS));
    await out.flush();
    return EXIT.done;
  }
  const command = commandOf(name, rest, args);
  const known = { ...command.options, ...COMMON };
  const call = `${TOOL} ${command.name}`;
  // Whoever asks for help gets it, whatever else is wrong with the call.
  if (rest.includes('--help') || rest.includes('-h')) {
    await out.write(commandHelp(command));
    await out.flush();
    return EXIT.done;
  }
  const { options, words } = readOptions(rest, known, {
    call,
    maxWords: command.maxWords ?? 0,
    wordOption: command.wordOption,
  });
  if (options.version) {
    await out.line(version);
    await out.flush();
    return EXIT.done;
  }
  const folder = chosenFolder(options.dir);
  if (folder.isFile && command.name !== 'doctor') {
    throw new UsageError(`${folder.path} is a file; events lie in a folder`, `${call} --dir DIR`);
  }
  const code = await command.run({
    call,
    options,
    words,
    folder,
    out,
    note,
    colours: colours(wantsColour(process.stdout, options['no-color'] === true)),
  });
  await out.flush();
  return code;
}

/**
 * Tells an error.
 * @param {unknown} error
 * @returns {number} the exit code
 */
function report(error) {
  if (error instanceof UsageError) {
    note(`${TOOL}: ${safe(error.message)}${error.hint ? `\nTry: ${safe(error.hint)}` : ''}`);
    return EXIT.usage;
  }
  const { code, message, path, stack } = /** @type {NodeJS.ErrnoException} */ (error);
  // A coded error is about the disk, a lock or the addon, and says what to do; any other is a fault of ours.
  const lines = (code === undefined ? (stack ?? String(error)) : message).split('\n');
  note(`${TOOL}: ${lines.map((line) => safe(line)).join('\n')}`);
  if (code !== 'ELOCKED') return EXIT.failed;
  if (path?.endsWith('.lock'))
    note('It is free as soon as its holder gives it back or ends. --lock-timeout 1m waits longer.');
  return EXIT.locked;
}

/** @param {string[]} args */
async function main(args) {
  process.stdout.on('error', (error) => {
    // 'head' has seen enough.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EPIPE') process.exit(EXIT.done);
    process.exit(report(error));
  });
  process.stderr.on('error', () => {}); // nobody is left to be told
  try {
    process.exitCode = await run(args);
  } catch (error) {
    process.exitCode = report(error);
  }
}

module.exports = { main };
