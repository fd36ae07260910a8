import { defineConfig } from 'vitest/config';

/** Tests that say to the millisecond how long something may take: nothing runs beside them. */
const TIMED = ['36', '37-waits', '38-waits-end', '39', '43'].map((name) => `__test__/${name}*.test.mjs`);

const common = {
  // Each file in a process of its own: the engine registers folders once per process.
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'together',
          include: ['__test__/**/*.test.{js,cjs,mjs,ts}'],
          exclude: TIMED,
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { ...common, name: 'timed', include: TIMED, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
