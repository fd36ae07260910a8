// A thousand ledgers, one after the other, in a process that may open 200 files.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const COUNT = 1000;
const PROGRAM = `
  const { createPersistentLedger } = require(${JSON.stringify(PACKAGE)});
  const { closing, folder } = JSON.parse(process.argv[1]);
  (async () => {
    const begun = performance.now();
    for (let i = 0; i < ${COUNT}; i++) {
      const ledger = createPersistentLedger({ storagePath: folder + '/' + i, compactIntervalMs: 0 });
      await ledger.init();
      ledger.logEvent({ taskId: 't', timestamp: i });
      await ledger[closing]();
    }
    console.log((performance.now() - begun) / ${COUNT});
  })();`;

function ledgers(folder, closing) {
  const program = ['sh', '-c', 'ulimit -n 200; exec "$0" "$@"', process.execPath, '-e', PROGRAM];
  const [shell, ...words] = program;
  const { status, stdout, stderr } = spawnSync(shell, [...words, JSON.stringify({ folder, closing })], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ended with ${status}\n${stderr}`);
  return { ms: Number(stdout) };
}

export default {
  title: 'a thousand ledgers, one after the other, with `ulimit -n 200`',
  note: 'Each loads, logs one event and is given back, or is left to the engine, which closes what is idle.',
  unit: { ms: 'ms a ledger' },
  rounds: { full: 3, quick: 1 },
  contenders: {
    'closed each': ({ folder }) => ledgers(folder, 'close'),
    'flushed, never closed': ({ folder }) => ledgers(folder, 'flush'),
  },
};
