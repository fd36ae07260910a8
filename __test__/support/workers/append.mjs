/** A worker thread that appends, logs, or reads, as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { createEventStore, createPersistentLedger } from 'guidance-ledger';
import { runEvent } from '../events.mjs';

const { folder, name, count, how } = workerData;
const event = (i) => runEvent({ eventId: `${name}-${i}`, timestamp: i, taskId: name });

if (how === 'append') {
  const store = createEventStore(folder);
  for (let i = 0; i < count; i++) await store.append(event(i));
} else if (how === 'burst') {
  const store = createEventStore(folder);
  await Promise.all(Array.from({ length: count }, (_, i) => store.append(event(i))));
} else if (how === 'finalize') {
  const ledger = createPersistentLedger({ storagePath: folder });
  for (let i = 0; i < count; i++) ledger.finalizeEvent(event(i));
  await ledger.flush();
} else if (how === 'endless') {
  const ledger = createPersistentLedger({ storagePath: folder });
  for (let i = 0; ; i++) {
    ledger.finalizeEvent(event(i));
    parentPort.postMessage(i);
    if (i % 50 === 0) await new Promise(setImmediate);
  }
} else if (how === 'lock') {
  await createEventStore(folder).acquireLock();
  parentPort.postMessage('held');
  setInterval(() => {}, 1000);
} else if (how === 'lock and unlock') {
  const store = createEventStore(folder);
  for (;;) {
    await store.acquireLock();
    parentPort.postMessage('held');
    await store.releaseLock();
  }
} else if (how === 'exit') {
  const ledger = createPersistentLedger({ storagePath: folder });
  for (let i = 0; i < count; i++) ledger.finalizeEvent(event(i));
  process.exit(0);
} else if (how === 'compact') {
  const store = createEventStore(folder);
  for (let i = 0; i < count; i++) await store.compact(1_000_000);
  for (let i = 0; i < count; i++) await store.compact(100);
}
