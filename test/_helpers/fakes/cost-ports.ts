import { usd } from '../../../lib/budget/money.ts';
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
  return {
    ledger,
    budgets: ledger,
    announcements: ledger,
    prices: TEST_PRICES,
  };
}
