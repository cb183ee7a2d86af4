import { defineConfig } from 'vitest/config';

const shared = { allowOnly: false, passWithNoTests: false };

/**
 * `unit` needs no network and no emulator. `cdk` synthesises, so its files are slow to start. `e2e` and
 * `contract` run against the local AWS; each starts what it needs.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/*.test.ts', 'test/unit/**/*.test.ts', 'test/state-machines/**/*.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'cdk',
          // Loading CDK takes longer than most of these tests: one worker loads it once.
          isolate: false,
          fileParallelism: false,
          include: ['test/constructs/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/_helpers/local-aws.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: 'dynamodb-local',
          include: ['test/dynamodb-local/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
