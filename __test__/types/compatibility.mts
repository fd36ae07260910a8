// Our types and the original's stand for each other, as far as TypeScript lets them.

import type * as original from '@claude-flow/guidance';
import type {
  IEvaluator as OriginalEvaluator,
  RunLedger as OriginalLedger,
} from '@claude-flow/guidance/ledger';
import type {
  PersistenceConfig as OriginalConfig,
  PersistentLedger as OriginalPersistentLedger,
  StorageStats as OriginalStats,
  EventStore as OriginalStore,
} from '@claude-flow/guidance/persistence';
import type * as ours from 'guidance-ledger';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<_ extends true>(): void {}
function assignable<A, _B extends A>(): void {}

// Data: the very same types.
same<Equal<ours.RunEvent, original.RunEvent>>();
same<Equal<ours.Violation, original.Violation>>();
same<Equal<ours.RiskClass, original.RiskClass>>();
same<Equal<ours.TaskIntent, original.TaskIntent>>();
same<Equal<ours.EvaluatorResult, original.EvaluatorResult>>();
same<Equal<ours.OptimizationMetrics, original.OptimizationMetrics>>();
same<Equal<ours.ViolationRanking, original.ViolationRanking>>();
same<Equal<ours.StorageStats, OriginalStats>>();
// @ts-expect-error the comparison can tell types apart
same<Equal<ours.RunEvent, original.Violation>>();

// Evaluators go into either ledger; each configuration is one for the other.
assignable<ours.IEvaluator, OriginalEvaluator>();
assignable<OriginalEvaluator, ours.IEvaluator>();
assignable<ours.PersistenceConfig, OriginalConfig>();
assignable<OriginalConfig, ours.PersistenceConfig>();

// Classes: the original's private members make its ledger a type that only its own instances have.
assignable<ours.RunLedger, OriginalLedger>();
// @ts-expect-error private members
assignable<OriginalLedger, ours.RunLedger>();
// @ts-expect-error private members
assignable<OriginalStore, ours.EventStore>();
// So a ledger of ours goes into the original's hooks by a cast, which the compiler accepts in one step.
declare function createGuidanceHooks(ledger: OriginalLedger): void;
declare const ledger: ours.PersistentLedger;
createGuidanceHooks(ledger as unknown as OriginalPersistentLedger);
