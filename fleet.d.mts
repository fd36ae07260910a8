// The ESM entry has the names of the CommonJS entry, and no default export.
export * from './fleet.js';
