// Logs to measure on, as the original leaves them: events.ndjson and index.json. Each is written once per run.

import {
  closeSync,
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { event, taskOf } from './event.mjs';

const CHUNK = 2000;

/** The folder of a log of so many events and tasks. */
export function fixture(data, count, tasks) {
  const folder = join(data, `log-${count}-${tasks}`);
  if (existsSync(folder)) return folder;
  const draft = `${folder}.tmp`;
  mkdirSync(draft, { recursive: true });
  const log = openSync(join(draft, 'events.ndjson'), 'w');
  for (let start = 0; start < count; start += CHUNK) {
    const length = Math.min(CHUNK, count - start);
    const lines = Array.from({ length }, (_, i) => `${JSON.stringify(event(start + i, tasks))}\n`);
    writeSync(log, lines.join(''));
  }
  closeSync(log);
  const index = {
    eventCount: count,
    oldestTimestamp: count > 0 ? event(0, tasks).timestamp : null,
    newestTimestamp: count > 0 ? event(count - 1, tasks).timestamp : null,
    taskIds: Array.from({ length: Math.min(count, tasks) }, (_, number) => taskOf(number, tasks)),
  };
  writeFileSync(join(draft, 'index.json'), JSON.stringify(index, null, 2));
  renameSync(draft, folder);
  return folder;
}

/** The same, copied to where it may be changed. */
export function copyOf(source, folder) {
  cpSync(source, folder, { recursive: true });
  return folder;
}

/** Reads a file once, so that all contenders find it in the page cache. */
export async function warm(path) {
  for await (const _ of createReadStream(path, { highWaterMark: 1 << 20 }));
}
