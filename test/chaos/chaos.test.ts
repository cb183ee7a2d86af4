import { expect, it } from 'vitest';
import { FAULTS, runSeed, type SeedRun } from './run-seed.ts';

const SEEDS =
  process.env.WFLO_SEED === undefined
    ? Array.from({ length: Number(process.env.WFLO_SEEDS ?? 19) }, (_, index) => 20_261_126 + index)
    : [Number(process.env.WFLO_SEED)];
/** Longer would hide what is to be read. */
const TRACED = 2;

it.each(SEEDS)(`comes to true ends through ${FAULTS} faults, seed %i`, async (seed) => {
  const run = await runSeed(seed);
  console.log(`seed ${seed}: ${run.faultCount} faults, ends ${JSON.stringify(run.statuses)}`);
  expect(run.violations.length, report(seed, run)).toBe(0);
  expect(run.faultCount).toBe(FAULTS);
});

function report(seed: number, run: SeedRun): string {
  const told = run.violations.map(({ executionId, message }) => `${executionId}: ${message}`);
  const traced = [...new Set(run.violations.map(({ executionId }) => executionId))].slice(0, TRACED);
  return [
    `reproduce with: WFLO_SEED=${seed} npm run test:chaos`,
    ...told,
    ...traced.map((executionId) => `\n${executionId}\n${run.trace(executionId)}`),
  ].join('\n');
}

it('runs the same seed the same way', async () => {
  const [first, second] = [await runSeed(7, 60), await runSeed(7, 60)];
  expect(second.trace('')).toBe(first.trace(''));
  expect(first.trace('').length).toBeGreaterThan(1000);
});
