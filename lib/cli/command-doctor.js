'use strict';

// doctor: does it work here, and how fast?
//
// The tests write into a temporary folder within the store's own, or beside where that would be, and remove
// it. The store's files are not touched. A test that fails does not keep the next from running.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} = require('node:fs');
const { dirname, join } = require('node:path');
const { addon } = require('./addon.js');
const { EXIT } = require('./exit-codes.js');
const { isFolder } = require('./folder.js');
const { fileSystemOf, othersMayWrite } = require('./file-system.js');
const { safe } = require('./safe-text.js');
const { pad, showBytes } = require('./table.js');
const { showSpan } = require('./times.js');

/** @typedef {'ok' | 'warning' | 'failed'} Verdict */
/** @typedef {{ name: string, verdict: Verdict, text: string, [detail: string]: unknown }} Finding */

/** How often the disk is asked. */
const ROUNDS = 25;
/** A disk that takes longer is told of: each event with durability 'disk' waits that long. */
const SLOW_FSYNC_MS = 50;
/** How long another process has to take the lock, and the lock to become free. */
const PATIENCE_MS = 10_000;

/** @returns {string} the C library; empty where there is but one */
function libc() {
  if (process.platform !== 'linux') return '';
  // The full report resolves host names, which can take minutes.
  const report = Object.assign(process.report, { excludeNetwork: true }).getReport();
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (report);
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
}

/** @returns {Finding} */
function platform() {
  const about = {
    system: process.platform,
    architecture: process.arch,
    libc: libc(),
    node: process.version,
    nodeApi: Number(process.versions.napi),
  };
  const system = [about.system, about.architecture, about.libc].filter(Boolean).join(', ');
  return {
    name: 'platform',
    verdict: 'ok',
    text: `${system}; Node ${about.node}, Node-API ${about.nodeApi}`,
    ...about,
  };
}

/** @returns {Finding} */
function binary() {
  void addon().createEventStore; // loads it
  const path = Object.keys(require.cache).find((key) => key.endsWith('.node')) ?? null;
  return { name: 'binary', verdict: 'ok', text: path === null ? 'loaded' : safe(path), path };
}

/**
 * @param {string} ground
 * @returns {Finding}
 */
function fileSystem(ground) {
  const { name: type, ...about } = fileSystemOf(ground);
  const warning = about.remote ? '; locks and renames may not reach other machines' : '';
  const text = `${type}, ${showBytes(about.freeBytes)} free${warning}`;
  return { name: 'file system', verdict: about.remote ? 'warning' : 'ok', text, type, ...about };
}

/**
 * @param {import('./folder.js').StoreFolder} folder
 * @returns {Finding}
 */
function folderMode(folder) {
  if (!folder.exists)
    return { name: 'folder', verdict: 'ok', text: `${safe(folder.path)} is not there yet`, exists: false };
  if (!statSync(folder.path).isDirectory()) throw new Error(`${folder.path} is no folder`);
  const who = othersMayWrite(folder.path);
  const text =
    who === '' ? safe(folder.path) : `${who} may write into it and could replace its files; try: chmod go-w`;
  return { name: 'folder', verdict: who === '' ? 'ok' : 'warning', text, exists: true };
}

/**
 * Another process takes the lock; we must be kept out, and let in as soon as it is killed.
 * @param {string} place
 * @returns {Promise<Finding>}
 */
async function lock(place) {
  const path = join(place, 'lock');
  const holder = spawn(process.execPath, [join(__dirname, 'doctor-holder.js'), path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(holder, 'exit');
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const held = once(holder.stdout, 'data', { signal });
    held.catch(() => {});
    const ended = gone.then(([code]) =>
      Promise.reject(new Error(`another process could not take it (exit code ${code})`)),
    );
    ended.catch(() => {});
    await Promise.race([held, ended]);
    const refused = await addon()
      .createEventStore(path)
      .acquireLock()
      .then(
        () => false,
        (error) => error.code === 'ELOCKED',
      );
    if (!refused) throw new Error('two processes hold it at once');
    holder.kill('SIGKILL');
    await gone;
    const store = addon().createEventStore(path, { lockTimeoutMs: PATIENCE_MS });
    const start = performance.now();
    await store.acquireLock();
    const freeAfterMs = performance.now() - start;
    await store.releaseLock();
    return {
      name: 'lock',
      verdict: 'ok',
      text: `keeps others out; free ${showSpan(freeAfterMs)} after its holder died`,
      freeAfterMs,
    };
  } finally {
    holder.kill('SIGKILL');
    await gone;
  }
}

/** @param {number[]} times */
function median(times) {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

/**
 * @param {string} place
 * @returns {Finding}
 */
function fsync(place) {
  const fd = openSync(join(place, 'fsync'), 'wx', 0o600);
  const page = Buffer.alloc(512, 'x');
  try {
    const times = Array.from({ length: ROUNDS }, () => {
      writeSync(fd, page);
      const start = performance.now();
      fdatasyncSync(fd);
      return performance.now() - start;
    });
    const [medianMs, longestMs] = [median(times), Math.max(...times)];
    const slow = medianMs > SLOW_FSYNC_MS;
    const text = `${showSpan(medianMs)}, at most ${showSpan(longestMs)}${slow ? "; durability 'disk' is slow here" : ''}`;
    return { name: 'fsync', verdict: slow ? 'warning' : 'ok', text, medianMs, longestMs };
  } finally {
    closeSync(fd);
  }
}

/**
 * @param {string} place
 * @returns {Promise<Finding>}
 */
async function append(place) {
  const event = addon().createLedger().createEvent('doctor', 'general', 'none');
  const measure = async (/** @type {import('../../index.d.ts').Durability} */ durability) => {
    const store = addon().createEventStore(join(place, durability), { durability });
    const times = [];
    for (let i = 0; i < ROUNDS; i++) {
      const start = performance.now();
      await store.append(event);
      times.push(performance.now() - start);
    }
    const { eventCount } = await store.getStats();
    if (eventCount !== ROUNDS) throw new Error(`${ROUNDS} events were appended, and ${eventCount} are there`);
    return median(times);
  };
  const [processMs, diskMs] = [await measure('process'), await measure('disk')];
  const text = `${showSpan(processMs)}; ${showSpan(diskMs)} with durability 'disk'`;
  return { name: 'append', verdict: 'ok', text, processMs, diskMs };
}

/**
 * The nearest folder that is there.
 * @param {string} path
 * @returns {string}
 */
function groundOf(path) {
  return isFolder(path) ? realpathSync(path) : groundOf(dirname(path));
}

/**
 * @param {string} name
 * @param {() => Finding | Promise<Finding>} test
 * @returns {Promise<Finding>}
 */
async function attempt(name, test) {
  try {
    return await test();
  } catch (error) {
    const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
    return {
      name,
      verdict: 'failed',
      text: message
        .split('\n')
        .map((line) => safe(line))
        .join('\n'),
      code,
    };
  }
}

/**
 * @param {import('./folder.js').StoreFolder} folder
 * @returns {AsyncGenerator<Finding, void, void>}
 */
async function* examine(folder) {
  yield await attempt('platform', platform);
  const loaded = await attempt('binary', binary);
  yield loaded;
  const ground = groundOf(folder.path);
  yield await attempt('folder', () => folderMode(folder));
  yield await attempt('file system', () => fileSystem(ground));
  let place = '';
  const made = await attempt('writing', () => {
    place = mkdtempSync(join(ground, '.doctor-'));
    return { name: 'writing', verdict: 'ok', text: 'a file can be made here' };
  });
  yield made;
  if (made.verdict === 'failed') return;
  const tidy = () => rmSync(place, { recursive: true, force: true });
  const interrupted = () => process.exit(130);
  process.on('exit', tidy).on('SIGINT', interrupted);
  try {
    yield await attempt('fsync', () => fsync(place));
    if (loaded.verdict === 'failed') return;
    yield await attempt('lock', () => lock(place));
    yield await attempt('append', () => append(place));
  } finally {
    tidy();
    process.off('exit', tidy).off('SIGINT', interrupted);
  }
}

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'doctor',
  summary: 'does it work here, and how fast?',
  wordOption: 'dir',
  details: `Looks at the platform, the binary, the folder and its file system, and tests the lock, fsync and
appending in a temporary folder, which is removed afterwards. Exit code 1 if anything failed; warnings do not
count.`,
  options: {},
  examples: [
    ['doctor', 'the default folder'],
    ['doctor --dir /mnt/share/guidance', 'is this share good enough?'],
    ['doctor --json', 'for a bug report'],
  ],
  async run({ options, folder, out, colours }) {
    const marks = { ok: colours.green('✓'), warning: colours.yellow('!'), failed: colours.red('✗') };
    let failed = false;
    /** @type {Finding[]} */
    const findings = [];
    for await (const finding of examine(folder)) {
      findings.push(finding);
      failed ||= finding.verdict === 'failed';
      if (options.json) continue;
      const text = finding.text.replaceAll('\n', `\n${' '.repeat(16)}`);
      await out.line(`${marks[finding.verdict]} ${pad(finding.name, 12)}  ${text}`);
      await out.flush();
    }
    if (options.json) await out.json({ folder: folder.path, ok: !failed, findings });
    return failed ? EXIT.findings : EXIT.done;
  },
};
