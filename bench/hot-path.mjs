// One of the two hot paths and little else, to be looked at by a profiler. See profile.md.
//
// node bench/hot-path.mjs log-event|init FOLDER
//
// Run `init` twice: the first run makes the log.

import { ours } from './support/contenders.mjs';
import { events } from './support/event.mjs';
import { fixture } from './support/fixture.mjs';

const [, , name, folder] = process.argv;
const { createPersistentLedger } = ours();

const paths = {
  async 'log-event'() {
    const ledger = createPersistentLedger({ storagePath: folder, compactIntervalMs: 0 });
    const made = events(10_000, 1000);
    for (let turn = 0; turn < 30; turn++) for (const each of made) ledger.logEvent(each);
    await ledger.flush();
  },
  async init() {
    const storagePath = fixture(folder, 1_000_000, 1000);
    const ledger = createPersistentLedger({ storagePath, compactIntervalMs: 0 });
    await ledger.init();
    ledger.computeMetrics();
  },
};

const path = paths[name];
if (path === undefined || folder === undefined) throw new Error(`Say which and where: ${Object.keys(paths)}`);
await path();
