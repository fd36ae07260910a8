// Processes that append beside the measured one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WRITER = fileURLToPath(new URL('./writer.mjs', import.meta.url));

/** A process that is ready to append; `go()` begins, `times` are milliseconds of each append, in order. */
export async function writer(folder, { whose = 'ours', ms, pause = 0 }) {
  const child = spawn(process.execPath, [WRITER, folder, whose, String(ms), String(pause)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  return {
    go: () => child.stdin.end('go\n'),
    times: ended.then(([code]) => {
      if (code !== 0) throw new Error(`a writer ended with ${code}`);
      return JSON.parse(text.trimEnd().split('\n').at(-1));
    }),
  };
}

/** The value below which so large a part of the numbers lies. */
export function quantile(numbers, part) {
  const sorted = numbers.slice().sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
