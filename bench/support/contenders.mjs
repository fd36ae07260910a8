// The contenders' modules, loaded only where they are needed.

import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** This package. */
export const ours = () => require('../../index.js');

/** The JavaScript module that it replaces. */
export const original = () => import('@claude-flow/guidance/persistence');

/** better-sqlite3: one row an event, indexes on time and task, in WAL mode. */
export function sqlite(folder, synchronous) {
  const Database = require('better-sqlite3');
  const db = new Database(join(folder, 'events.db'));
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${synchronous}`);
  db.exec(`
    CREATE TABLE IF NOT EXISTS events (id TEXT, task TEXT, time INTEGER, json TEXT);
    CREATE INDEX IF NOT EXISTS by_time ON events (time);
    CREATE INDEX IF NOT EXISTS by_task ON events (task);
  `);
  const statement = db.prepare('INSERT INTO events VALUES (?, ?, ?, ?)');
  const insert = (event) =>
    statement.run(event.eventId, event.taskId, event.timestamp, JSON.stringify(event));
  return { db, insert };
}

/** lmdb, with values as its own encoding writes them and without fsync: the promise is the same as ours. */
export const lmdb = (folder) => require('lmdb').open({ path: join(folder, 'lmdb'), noSync: true });

/** sonic-boom, writing each line at once. */
export function sonicBoom(folder) {
  const { SonicBoom } = require('sonic-boom');
  return new SonicBoom({ dest: join(folder, 'events.ndjson'), sync: true });
}
