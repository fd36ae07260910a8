// A process that appends without pause, or now and then, and tells how long each append took.
//
// node writer.mjs <folder> <"ours" | "original"> <milliseconds> <pause>
// Prints "ready", begins at a line on stdin, and ends with a line of JSON: milliseconds of each append.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { original, ours } from './contenders.mjs';
import { event } from './event.mjs';

const [folder, whose, duration, pause] = process.argv.slice(2);
const { createEventStore } = whose === 'ours' ? ours() : await original();
const store = createEventStore(folder);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const times = [];
const end = performance.now() + Number(duration);
while (performance.now() < end) {
  const begun = performance.now();
  await store.append({ ...event(times.length, 100), eventId: `${process.pid}-${times.length}` });
  times.push(performance.now() - begun);
  if (Number(pause) > 0) await sleep(Number(pause));
}
process.stdout.write(`${JSON.stringify(times)}\n`, () => process.exit(0));
