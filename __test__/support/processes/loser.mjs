/**
 * A process that records events which cannot be written, and ends as `end` says. `known`: how its program learns of the
 * failure, if it does. With `inWorker` all of this happens in a worker thread, and then the process ends.
 */
import { createRequire } from 'node:module';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { runEvent } from '../events.mjs';

const all = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const {
  folders,
  how,
  count = 1,
  end,
  known,
  copies = 1,
  options = {},
  inWorker = false,
  waits = false,
} = all;
const require = createRequire(import.meta.url);
const event = (i) => runEvent({ eventId: `event-${i}`, timestamp: i });

async function record(folder) {
  for (const path of Object.keys(require.cache)) delete require.cache[path];
  const { createEventStore, createPersistentLedger } = require('guidance-ledger');
  if (how === 'append') {
    const store = createEventStore(folder, options);
    for (let i = 0; i < count; i++) {
      const appended = store.append(event(i));
      if (known === 'catch') await appended.catch(() => {});
    }
    return;
  }
  const onError = known === 'onError' ? () => {} : undefined;
  const ledger = createPersistentLedger({ storagePath: folder, onError, ...options });
  const events = Array.from({ length: count }, (_, i) => event(i));
  if (how === 'importEvents') ledger.importEvents(events);
  else for (const each of events) ledger[how](each);
  if (known === 'flush') await ledger.flush().catch(() => {});
  if (known === 'destroy') await ledger.destroy().catch(() => {});
  if (known === 'onError') await new Promise((resolve) => setTimeout(resolve, 300));
}

if (inWorker && isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: all });
  worker.on('error', () => {});
} else {
  if (waits) {
    console.log('ready');
    await new Promise((resolve) => process.stdin.once('data', resolve));
  }
  for (const folder of folders) for (let i = 0; i < copies; i++) await record(folder);
  if (end === 'exit') process.exit(0);
  if (end === 'throw') throw new Error('uncaught');
}
