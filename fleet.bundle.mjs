// The ESM entry of fleets for a Node that has `process.getBuiltinModule`. The published package has the bundled face here,
// which scripts/bundle-face.mjs writes; here it is what fleet.mjs is.

export * from './fleet.mjs';
