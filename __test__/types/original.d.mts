// All that guidance-ledger replaces, under the names that it has in the original package.

export type {
  EvaluatorResult,
  OptimizationMetrics,
  RiskClass,
  RunEvent,
  TaskIntent,
  Violation,
  ViolationRanking,
} from '@claude-flow/guidance';
export * from '@claude-flow/guidance/ledger';
export * from '@claude-flow/guidance/persistence';
