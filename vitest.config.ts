import { defineConfig } from 'vitest/config';

const shared = { allowOnly: false, passWithNoTests: false };

/**
 * `unit` needs no network and no emulator. `chaos` neither: it runs executions through seeded faults. `cdk` synthesises, so its files are slow to start. `sandbox` is
 * the battery of the sandbox in processes of this machine, `docker` the same in containers: it needs a Docker engine.
 * `e2e` and `faults` (real processes are killed, answers lost) run against the local AWS, `dynamodb-local` against AWS's own engine; each
 * starts what it needs.
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
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          testTimeout: 120_000,
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
          setupFiles: ['test/_helpers/recorded-calls/check.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          // Apart from `e2e`: it restarts the local AWS, which forgets what it has recorded of the calls before.
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/_helpers/local-aws.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: 'sandbox',
          include: ['test/sandbox/process.test.ts', 'test/sandbox/security-document.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxConcurrency: 4,
        },
      },
      {
        test: {
          ...shared,
          name: 'docker',
          include: ['test/sandbox/docker*.test.ts'],
          // One builds the images at a time.
          fileParallelism: false,
          testTimeout: 120_000,
          // The images are built first.
          hookTimeout: 600_000,
          maxConcurrency: 4,
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
