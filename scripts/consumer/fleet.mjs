import { createRequire } from 'node:module';
import { PersistentLedger } from 'guidance-ledger';
import { createFleetLedger, createFleetStore, FleetStore } from 'guidance-ledger/fleet';

const required = createRequire(import.meta.url)('guidance-ledger/fleet');
const [, , storagePath] = process.argv;
// Nothing listens there.
const place = { url: 'postgres://agent@127.0.0.1:1/agents', storagePath };
const store = createFleetStore(place);
await store.append({ eventId: 'e', taskId: 't', timestamp: 1 });
const down = await store.readAll().catch((error) => error.code);
const ledger = createFleetLedger(place);
console.log(
  required.FleetStore === FleetStore,
  ledger instanceof PersistentLedger,
  down,
  (await store.verify()).events,
);
await Promise.all([store.close(), ledger.close()]);
