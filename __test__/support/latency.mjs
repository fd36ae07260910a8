/** How long calls, the event loop and the thread pool of this process keep a program waiting. All in milliseconds. */
import { readdirSync, readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How long a call holds the thread. */
export function held(call) {
  const begun = performance.now();
  call();
  return performance.now() - begun;
}

/** The value below which so large a part of the numbers lies. */
export function quantile(numbers, part) {
  const sorted = numbers.slice().sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** How long `promise` takes. */
export async function taken(promise) {
  const begun = performance.now();
  await promise;
  return performance.now() - begun;
}

/** The times of one `fs.stat` after the other, at least ten, while `milliseconds` pass. */
export async function stats(path, milliseconds) {
  const times = [];
  const end = performance.now() + milliseconds;
  while (times.length < 10 || performance.now() < end) {
    times.push(await taken(stat(path)));
    await new Promise(setImmediate);
  }
  return times;
}

/** What this process has open below a folder; a log that was removed is named `… (deleted)`. */
export function openFiles(folder) {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // the one of the listing itself
      }
    })
    .filter((path) => path.startsWith(`${folder}/`));
}
