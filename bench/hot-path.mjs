// One of the two hot paths and little else, to be looked at by a profiler. See profile.md.
//
// node bench/hot-path.mjs log-event|init

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ours } from './support/contenders.mjs';
import { events } from './support/event.mjs';
import { fixture } from './support/fixture.mjs';

const root = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), '.run-'));
const { createPersistentLedger } = ours();

const paths = {
  async 'log-event'() {
    const ledger = createPersistentLedger({ storagePath: root, compactIntervalMs: 0, maxEvents: 1e9 });
    const made = events(10_000, 1000);
    for (let turn = 0; turn < 30; turn++) for (const each of made) ledger.logEvent(each);
    await ledger.flush();
    ledger.clear();
  },
  async init() {
    const storagePath = fixture(root, 100_000, 1000);
    for (let turn = 0; turn < 20; turn++) {
      const ledger = createPersistentLedger({ storagePath, compactIntervalMs: 0 });
      await ledger.init();
      ledger.computeMetrics();
      await ledger.destroy();
    }
  },
};

const path = paths[process.argv[2]];
if (path === undefined) throw new Error(`Say which: ${Object.keys(paths).join(' or ')}`);
try {
  await path();
} finally {
  rmSync(root, { recursive: true, force: true });
}
