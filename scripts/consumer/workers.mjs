// Worker threads: `node workers.mjs FOLDER`. Three threads and the main one record 50 runs each.
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createEventStore, createPersistentLedger } from 'guidance-ledger';

const storagePath = isMainThread ? process.argv[2] : workerData;
const work = () => {
  const ledger = createPersistentLedger({ storagePath, compactIntervalMs: 0 });
  for (let n = 0; n < 50; n++) ledger.finalizeEvent(ledger.createEvent('worker', 'feature', 'hash'));
  return ledger.destroy();
};

if (isMainThread) {
  const ended = [1, 2, 3].map(
    () =>
      new Promise((resolve, reject) => {
        new Worker(new URL(import.meta.url), { workerData: storagePath })
          .on('error', reject)
          .on('exit', resolve);
      }),
  );
  await Promise.all([work(), ...ended]);
  const { events, malformedCount } = await createEventStore(storagePath).verify();
  console.log(events, malformedCount);
} else {
  await work();
}
