// The ESM entry for a Node that has `process.getBuiltinModule`. The published package has the bundled face here, which
// scripts/bundle-face.mjs writes; here it is what index.node.mjs is.

export * from './index.node.mjs';
