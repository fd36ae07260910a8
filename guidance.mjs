// `guidance-ledger/guidance`: the very exports of the main entry. Only the types differ; see guidance.d.ts.

export * from './index.mjs';
