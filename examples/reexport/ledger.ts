// Replaces src/ledger.ts of the guidance module.
export * from 'guidance-ledger';
