// guidance-ledger/fleet as a user meets it.
import { createPersistentLedger, EventStore, type PersistentLedger, type RunEvent } from 'guidance-ledger';
import {
  createFleetLedger,
  createFleetStore,
  type FleetEvent,
  FleetLedger,
  FleetStore,
  type FleetStoreOptions,
  type ShipReport,
} from 'guidance-ledger/fleet';

interface OurEvent extends RunEvent {
  branch: string;
}

const options: FleetStoreOptions = {
  url: 'postgres://h/d',
  storagePath: 'x',
  ship: 'auto',
  onError: console.error,
};
const fleet = createFleetStore<OurEvent>(options);

// What takes a store takes a fleet's.
function count(store: Pick<EventStore<OurEvent>, 'readAll' | 'stream' | 'follow' | 'append' | 'getStats'>) {
  return store.readAll();
}
void count(fleet);
const whole: EventStore<OurEvent> = fleet;
void whole;

export async function use() {
  const read: OurEvent[] = await fleet.readRange(0, 1);
  for await (const event of fleet.stream({ taskId: 't' })) console.log(event.branch);
  for await (const found of fleet.follow({ from: 'now' })) {
    const { event, cursor, source, receivedAt }: FleetEvent<OurEvent> = found;
    console.log(event.branch, cursor.length, source, receivedAt.toFixed(0));
  }
  const shipped: ShipReport | null = await fleet.ship({ once: true, timeoutMs: 5 });
  const stayed: boolean = await fleet.ship();
  const { local, remote } = await fleet.status({ remote: true });
  console.log(read, shipped?.stored, stayed, local?.pendingBytes, remote?.sources[0]?.host);
  await fleet.flush({ timeoutMs: 5 });
  await using disposed = createFleetStore();
  console.log(disposed instanceof FleetStore);
}

const ledger: PersistentLedger<OurEvent> = createFleetLedger<OurEvent>({ maxEvents: 5, pending: 'exclude' });
const under: FleetStore<OurEvent> = new FleetLedger<OurEvent>().getEventStore();
void [ledger, under];

// @ts-expect-error a fleet's store has no folder as its first argument
createFleetStore('folder');
// @ts-expect-error an option that is not known
createFleetStore({ legder: 'x' });
// @ts-expect-error one of three words
createFleetStore({ ship: 'always' });
// @ts-expect-error a limit of time goes with once
fleet.ship({ timeoutMs: 5 });
// @ts-expect-error a ledger's own store is not an option here
createFleetLedger({ store: fleet });
createPersistentLedger({ store: new EventStore('x') });
