/** A short-lived process, as a hook is one: records `count` events and ends at once, in the way that `end` says. */
import { writeSync } from 'node:fs';
import { createEventStore, createPersistentLedger } from 'guidance-ledger';
import { runEvent } from '../events.mjs';

const { folder, how = 'logEvent', count, end, options = {}, waits = false } = JSON.parse(process.argv[2]);
const ledger = createPersistentLedger({ storagePath: folder, ...options });
const event = (i) => runEvent({ eventId: `event-${i}`, taskId: 'quick', timestamp: i });

/** The caller may want to do something first, and writes a line when it is done. */
if (waits) {
  ledger.finalizeEvent(runEvent({ eventId: 'first', timestamp: 0 }));
  writeSync(1, 'ready\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
}

const ids = [];
if (how === 'importEvents') ledger.importEvents(Array.from({ length: count }, (_, i) => event(i)));
else if (how === 'append') {
  // Called and not awaited: accepted are those whose write happened within the call, which is all of them.
  const store = createEventStore(folder, options);
  for (let i = 0; i < count; i++) store.append(event(i)).catch(() => {});
} else for (let i = 0; i < count; i++) ids.push(ledger[how](event(i)).eventId);
const recorded = how === 'logEvent' ? ids : Array.from({ length: count }, (_, i) => `event-${i}`);

const report = () => writeSync(1, `${recorded.join('\n')}\n`);
if (end === 'exit') {
  report();
  process.exit(0);
} else if (end === 'exit in a listener') {
  process.on('exit', report);
  process.exit(0);
} else if (end === 'throw') {
  report();
  throw new Error('uncaught');
} else if (end === 'reject') {
  report();
  Promise.reject(new Error('unhandled'));
} else if (end === 'return') {
  report();
} else if (end === 'abort') {
  report();
  process.abort();
} else {
  report();
  process.kill(process.pid, end);
  // A signal that is delivered a moment later must not find more done.
  for (;;);
}
