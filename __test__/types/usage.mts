// Code as it is written against the original. It compiles against both packages (see tsconfig.original.json).

import {
  createEventStore,
  createLedger,
  createPersistentLedger,
  DiffQualityEvaluator,
  type EvaluatorResult,
  EventStore,
  ForbiddenCommandEvaluator,
  ForbiddenDependencyEvaluator,
  type IEvaluator,
  type OptimizationMetrics,
  type PersistenceConfig,
  PersistentLedger,
  type RiskClass,
  type RunEvent,
  type RunLedger,
  type StorageStats,
  type TaskIntent,
  TestsPassEvaluator,
  type Violation,
  type ViolationRanking,
  ViolationRateEvaluator,
} from 'guidance-ledger';

const severity: RiskClass = 'high';
const intent: TaskIntent = 'bug-fix';
const violation: Violation = { ruleId: 'R001', description: 'd', severity, autoCorrected: true };

export async function store(path: string, event: RunEvent): Promise<StorageStats> {
  const store: EventStore = createEventStore(path);
  const same: EventStore = new EventStore(path);
  await store.append(event);
  const all: RunEvent[] = await same.readAll();
  const some: RunEvent[] = await store.readRange(0, Date.now());
  await store.writeAll([...all, ...some]);
  const evicted: number = await store.compact(100);
  await store.acquireLock();
  await store.releaseLock();
  const stats: StorageStats = await store.getStats();
  const oldest: number | null = stats.oldestEvent;
  if (oldest === null || evicted > stats.eventCount) await store.destroy();
  return stats;
}

export function memory(): ViolationRanking[] {
  const ledger: RunLedger = createLedger(100);
  const event: RunEvent = ledger.createEvent('task', intent, 'hash');
  event.violations = [violation];
  event.sessionId = 'session';
  const { eventId: _, ...withoutId } = event;
  const logged: RunEvent = ledger.logEvent(withoutId);
  const finalized: RunEvent = ledger.finalizeEvent(event);
  const events: RunEvent[][] = [
    ledger.getEvents(),
    ledger.getEventsByTask('task'),
    ledger.getEventsInRange(0, 1),
    ledger.getRecentEvents(10),
    ledger.exportEvents(),
    [logged, finalized],
  ];
  const metrics: OptimizationMetrics = ledger.computeMetrics(events.flat());
  const count: number = ledger.eventCount + metrics.taskCount;
  ledger.importEvents(events[count] ?? []);
  ledger.clear();
  return ledger.rankViolations();
}

export async function judge(ledger: RunLedger, event: RunEvent): Promise<EvaluatorResult[]> {
  const custom: IEvaluator = {
    name: 'custom',
    type: 'subjective',
    evaluate: async ({ outcomeAccepted }) => ({
      name: 'custom',
      passed: outcomeAccepted === true,
      details: '',
    }),
  };
  const evaluators: IEvaluator[] = [
    custom,
    new TestsPassEvaluator(),
    new ForbiddenCommandEvaluator([/x/]),
    new ForbiddenDependencyEvaluator(['left-pad']),
    new ViolationRateEvaluator(1),
    new DiffQualityEvaluator(0.5),
  ];
  for (const evaluator of evaluators) ledger.addEvaluator(evaluator);
  ledger.removeEvaluator('custom');
  const objective: 'objective' = new TestsPassEvaluator().type;
  return [...(await ledger.evaluate(event)), { name: objective, passed: true, details: '', score: 1 }];
}

export async function persistent(): Promise<number> {
  const config: PersistenceConfig = {
    storagePath: 'folder',
    maxEvents: 10,
    compactIntervalMs: 0,
    enableWAL: false,
  };
  const ledger: PersistentLedger = createPersistentLedger(config);
  const partial: PersistentLedger = createPersistentLedger({ storagePath: 'folder' });
  const defaults: PersistentLedger = new PersistentLedger();
  const base: RunLedger = ledger;
  await ledger.init();
  await ledger.load();
  await ledger.save();
  await partial.destroy();
  const stats: StorageStats = await ledger.getStorageStats();
  const store: EventStore = defaults.getEventStore();
  return stats.eventCount + (await ledger.compact()) + base.eventCount + (await store.readAll()).length;
}
