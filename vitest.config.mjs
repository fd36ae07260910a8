import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.{js,cjs,mjs,ts}'],
    // Each file in a process of its own: the engine registers folders once per process.
    pool: 'forks',
    // Many tests wait for processes and locks: two files at a time take little more than half as long.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
