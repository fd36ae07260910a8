// What must not compile. A line that would compile is an error here.

import {
  createEventStore,
  createLedger,
  createPersistentLedger,
  EventStore,
  PersistentLedger,
  type RunEvent,
  type Violation,
} from 'guidance-ledger';

declare const store: EventStore;
declare const ledger: PersistentLedger;
declare const event: RunEvent;

// @ts-expect-error a path is needed
new EventStore();
// @ts-expect-error a path, not an object
createEventStore({ dataDir: 'folder' });
// @ts-expect-error a configuration, not a path
createPersistentLedger('folder');
// @ts-expect-error a configuration, not a store
createPersistentLedger(store);
// @ts-expect-error unknown option
createPersistentLedger({ dataDir: 'folder' });
// @ts-expect-error unknown level
new EventStore('folder', { durability: 'memory' });
// @ts-expect-error milliseconds are a number
new EventStore('folder', { lockTimeoutMs: '1s' });
// @ts-expect-error not a function
new PersistentLedger({ onError: 'ignore' });
// @ts-expect-error a number
createLedger('100');
// @ts-expect-error an event is needed
store.append();
// @ts-expect-error JSON text is no event
store.append(JSON.stringify(event));
// @ts-expect-error events, not one event
store.appendAll(event);
// @ts-expect-error an incomplete event among them
store.appendAll([event, {}]);
// @ts-expect-error a number of events
store.compact('100');
// @ts-expect-error a synchronous iteration
[...store.stream()];
// @ts-expect-error a timestamp, not a Date
store.stream({ from: new Date() });
// @ts-expect-error unknown condition
store.stream({ since: 0 });
// @ts-expect-error promises are awaited
store.readAll().length;
// @ts-expect-error an incomplete event
ledger.logEvent({ taskId: 'task' });
// @ts-expect-error an id is needed here
ledger.finalizeEvent({ ...event, eventId: undefined });
// @ts-expect-error nothing of an event
ledger.logEvent({});
// @ts-expect-error a property that RunEvent does not name
ledger.getEvents()[0]?.costUsd;
// @ts-expect-error intent and hash are needed
ledger.createEvent('task');
// @ts-expect-error the same in an object
ledger.createEvent({ taskId: 'task' });
declare const signed: PersistentLedger<RunEvent & { signature: string }>;
// @ts-expect-error the signature is missing
signed.createEvent('task', 'docs', 'hash');
// @ts-expect-error unknown intent
ledger.createEvent('task', 'fun', 'hash');
// @ts-expect-error read only
ledger.eventCount = 1;
// @ts-expect-error no evaluator
ledger.addEvaluator({ name: 'x', type: 'objective' });
// @ts-expect-error unknown severity
export const violation: Violation = { ruleId: 'r', description: '', severity: 'fatal', autoCorrected: false };

// @ts-expect-error no default export
export { default } from 'guidance-ledger';
