// A process that appends without pause, or now and then, and reports how long each append took.
//
// node writer.mjs <folder> <"ours" | "original" | "bare"> <milliseconds> <pause>
// "bare" writes to a file of its own, and shares nothing but the processors with the others.
// Prints "ready", begins at a line on stdin, and ends with a line of JSON: milliseconds of each append.

import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { original, ours } from './contenders.mjs';
import { event } from './event.mjs';

const [folder, whose, duration, pause] = process.argv.slice(2);
const store = await storeOf(whose);
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

async function storeOf(whose) {
  if (whose === 'original') return (await original()).createEventStore(folder);
  if (whose === 'ours') return ours().createEventStore(folder);
  const file = openSync(`${folder}.${process.pid}.ndjson`, 'a');
  return { append: async (each) => writeSync(file, `${JSON.stringify(each)}\n`) };
}
