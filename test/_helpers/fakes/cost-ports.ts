import type { Hold } from '../../../lib/budget/ledger.ts';
import { type NanoUsd, usd } from '../../../lib/budget/money.ts';
import type { CostSignals } from '../../../lib/execution/close-compute.ts';
import type { ComputePrices } from '../../../lib/execution/compute-hold.ts';
import type { Announcements, Budgets, Clock, ExecutionStore, Ledger } from '../../../lib/ports.ts';
import { type MemoryLedger, memoryLedger } from './memory-ledger.ts';

/** A vCPU for a cent and a GiB for half a cent a second: a task of 0.25 vCPU and 512 MiB costs half a cent a second. */
export const TEST_PRICES: ComputePrices = {
  rates: {
    X86_64: { vcpuHour: usd(36), gibHour: usd(18) },
    ARM64: { vcpuHour: usd(36), gibHour: usd(18) },
  },
  priceBook: 'b'.repeat(64),
  architecture: 'X86_64',
};

export interface CostPorts {
  readonly ledger: MemoryLedger & Ledger;
  readonly budgets: Budgets;
  readonly announcements: Announcements;
  readonly costSignals: CostSignals & { readonly violations: { readonly hold: Hold; readonly cost: NanoUsd }[] };
  readonly prices: ComputePrices;
}

/** What the handlers of the graph need of money, in memory. */
export function costPorts({
  clock,
  leases,
}: {
  readonly clock: Clock;
  /** Without it every lease is claimed. */
  readonly leases?: Pick<ExecutionStore, 'getLease'>;
}): CostPorts {
  const ledger = memoryLedger({ clock, ...(leases === undefined ? {} : { leases }) });
  const violations: { hold: Hold; cost: NanoUsd }[] = [];
  const boundViolated = (hold: Hold, cost: NanoUsd) => void violations.push({ hold, cost });
  return {
    ledger,
    budgets: ledger,
    announcements: ledger,
    costSignals: { violations, boundViolated },
    prices: TEST_PRICES,
  };
}
