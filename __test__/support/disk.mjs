/** What is in a storage folder, read without any of the implementations. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const paths = (folder) => ({
  log: join(folder, 'events.ndjson'),
  index: join(folder, 'index.json'),
  lock: join(folder, '.lock'),
  rejected: join(folder, 'events.rejected.ndjson'),
});

/** The bytes of a file, or null if there is none. */
export function bytes(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  }
}

export const readLog = (folder) => bytes(paths(folder).log);

/** The log as text; empty if there is none. */
export const logText = (folder) => readLog(folder)?.toString('utf8') ?? '';

/**
 * The events in the log, parsed line by line; throws on any line that does not parse, unless `torn` says that
 * there may be some. Blank lines are allowed: one arises when a writer without a lock is in the middle of its line
 * and the next one takes that for a torn tail.
 */
export function logged(folder, { torn = false } = {}) {
  const text = logText(folder);
  if (text === '') return [];
  if (!text.endsWith('\n')) throw new Error('the log does not end with a newline');
  return text
    .slice(0, -1)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch (error) {
        if (torn) return [];
        throw error;
      }
    });
}

/** The parsed index.json, or null if there is none. */
export function readIndex(folder) {
  const found = bytes(paths(folder).index);
  return found === null ? null : JSON.parse(found.toString('utf8'));
}

/**
 * index.json once it has followed the log: it counts the events that are there. Ours follows an append within 50
 * milliseconds, the original's is written within the call.
 */
export async function followedIndex(folder) {
  const isEvent = (line) => {
    try {
      const value = JSON.parse(line);
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    } catch {
      return false;
    }
  };
  const follows = () => {
    const index = bytes(paths(folder).index)?.toString('utf8') ?? '';
    const events = logText(folder).split('\n').filter(isEvent).length;
    return isEvent(index) && JSON.parse(index).eventCount === events;
  };
  await until(follows, 'index.json to follow the log', 10_000);
  return readIndex(folder);
}

export function readLock(folder) {
  const found = bytes(paths(folder).lock);
  return found === null ? null : JSON.parse(found.toString('utf8'));
}

/** Every file below a folder with its bytes; null if the folder does not exist. Two equal snapshots: nothing was written. */
export function snapshot(folder) {
  if (!existsSync(folder)) return null;
  const files = {};
  for (const name of readdirSync(folder, { recursive: true }).sort()) {
    const path = join(folder, name);
    files[name] = lstatSync(path).isDirectory() ? 'folder' : readFileSync(path).toString('latin1');
  }
  return files;
}

/** Waits until `condition` holds, looking every few milliseconds; throws after the deadline. */
export async function until(condition, what = 'the condition', deadline = 5000) {
  const end = performance.now() + deadline;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${deadline} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
