/**
 * Records events and writes the id of each to its standard output once it is accepted. Ends after `count` events, or when its
 * standard input does.
 *
 * how: `append` awaits each · `burst` awaits twenty at a time · `log` uses finalizeEvent, which writes in the call ·
 * `logEvent` the same with ids of its own making · `flush` awaits the ledger's flush after every ten
 */
import { writeSync } from 'node:fs';
import { runEvent } from '../events.mjs';

const {
  folder,
  name,
  how,
  count = Infinity,
  from = 0,
  implementation = 'ours',
  options = {},
  pause = 0,
} = JSON.parse(process.argv[2]);
const { createEventStore, createPersistentLedger } =
  implementation === 'ours'
    ? await import('guidance-ledger')
    : await import('@claude-flow/guidance/persistence');

let over = false;
process.stdin.on('end', () => {
  over = true;
});
process.stdin.resume();

const event = (i) => runEvent({ eventId: `${name}-${i}`, timestamp: 1_000_000 + i, taskId: name });
const accepted = (id) => writeSync(1, `${id}\n`);
const rest = () => new Promise((resolve) => (pause > 0 ? setTimeout(resolve, pause) : setImmediate(resolve)));

if (how === 'append') {
  const store = createEventStore(folder, options);
  for (let i = from; i < count && !over; i++) {
    await store.append(event(i));
    accepted(`${name}-${i}`);
    if (pause > 0) await rest();
  }
} else if (how === 'burst') {
  const store = createEventStore(folder, options);
  for (let i = from; i < count && !over; i += 20) {
    const numbers = Array.from({ length: Math.min(20, count - i) }, (_, k) => i + k);
    await Promise.all(numbers.map((k) => store.append(event(k))));
    for (const k of numbers) accepted(`${name}-${k}`);
  }
} else {
  const ledger = createPersistentLedger({ storagePath: folder, ...options });
  const ids = [];
  for (let i = from; i < count && !over; i++) {
    ids.push((how === 'logEvent' ? ledger.logEvent(event(i)) : ledger.finalizeEvent(event(i))).eventId);
    if (how === 'flush' && ids.length === 10) await ledger.flush();
    if (how !== 'flush' || ids.length === 10) for (const id of ids.splice(0)) accepted(id);
    if (i % 10 === 9) await rest();
  }
  await ledger.flush?.();
  for (const id of ids) accepted(id);
}
process.exit(0);
