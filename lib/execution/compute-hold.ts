import { computeCostOf } from '../budget/cost.ts';
import { computeHoldId, type HoldRequest } from '../budget/ledger.ts';
import type { FargatePrices } from '../budget/prices/fargate.ts';
import { cpuUnits } from '../sandbox/sizes.ts';
import type { SandboxStepConfig } from './machine.ts';
import type { Architecture, AttemptRecord, ComputeTerms, ExecutionRecord } from './records.ts';

/** Beside its time limit, a sandbox has to start and to deliver its outcome (seconds). */
export const COMPUTE_EXTRA_SECONDS = 600;

/** What sandboxes cost, and on what they run. */
export interface ComputePrices extends FargatePrices {
  readonly architecture: Architecture;
}

export function computeTerms({ rates, priceBook, architecture }: ComputePrices, step: SandboxStepConfig): ComputeTerms {
  return {
    priceBook,
    architecture,
    cpuUnits: cpuUnits(step.cpu),
    memoryMib: step.memoryMib,
    rates: rates[architecture],
    seconds: step.timeoutSeconds + COMPUTE_EXTRA_SECONDS,
    agent: step.agent ?? step.path,
  };
}

/** The most that the sandbox of an attempt can cost. */
export function computeHold(
  { executionId, tenant, workflow }: ExecutionRecord,
  { path, attempt }: Pick<AttemptRecord, 'path' | 'attempt'>,
  terms: ComputeTerms,
): HoldRequest {
  const { architecture, memoryMib, agent } = terms;
  return {
    holdId: computeHoldId({ path, attempt }),
    kind: 'compute',
    payer: { tenant, workflow, executionId, path, attempt, agent },
    purpose: {
      provider: 'fargate',
      model: `${architecture} ${terms.cpuUnits / 1024} vCPU ${memoryMib} MiB`,
      priceBook: terms.priceBook,
    },
    amount: computeCostOf(terms.rates, terms, terms.seconds),
  };
}
