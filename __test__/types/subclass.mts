// Subclasses as they are written against the original; compiled against both packages.

import {
  type EvaluatorResult,
  EventStore,
  PersistentLedger,
  type RunEvent,
  RunLedger,
  TestsPassEvaluator,
} from 'guidance-ledger';

export class LoudLedger extends RunLedger {
  readonly logged: string[] = [];

  constructor() {
    super(50);
  }

  override logEvent(event: RunEvent | Omit<RunEvent, 'eventId'>): RunEvent {
    const logged = super.logEvent(event);
    this.logged.push(logged.eventId);
    return logged;
  }

  override get eventCount(): number {
    return super.eventCount;
  }
}

export class TeamLedger extends PersistentLedger {
  constructor(readonly team: string) {
    super({ storagePath: `teams/${team}`, maxEvents: 1000 });
  }

  override async load(): Promise<void> {
    await super.load();
  }

  override async save(): Promise<void> {
    await super.save();
  }

  override finalizeEvent(event: RunEvent): RunEvent {
    return super.finalizeEvent({ ...event, sessionId: this.team });
  }

  override exportEvents(): RunEvent[] {
    return super.exportEvents().filter((event) => event.sessionId === this.team);
  }

  override clear(): void {
    super.clear();
  }
}

export class CountingStore extends EventStore {
  appended = 0;

  override async append(event: RunEvent): Promise<void> {
    await super.append(event);
    this.appended++;
  }

  override async compact(maxEvents: number): Promise<number> {
    return super.compact(maxEvents);
  }
}

export class StrictTests extends TestsPassEvaluator {
  override async evaluate(event: RunEvent): Promise<EvaluatorResult> {
    const result = await super.evaluate(event);
    return { ...result, passed: result.passed && event.testResults.skipped === 0 };
  }
}

export const ledgers: RunLedger[] = [new LoudLedger(), new TeamLedger('a')];
