// Replaces src/persistence.ts of the guidance module.
export * from 'guidance-ledger';
