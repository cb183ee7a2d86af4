import type { Hold, LedgerEntry } from '../budget/ledger.ts';
import { entryOf, holdOf } from '../budget/ledger-rules.ts';
import { ZERO_USD } from '../budget/money.ts';
import type { FargateRates } from '../budget/price-book.ts';
import type { CloseComputePorts } from '../execution/close-compute.ts';
import type { ComputePrices } from '../execution/compute-hold.ts';
import type { Announcements, Budgets, Clock, Ledger } from '../ports.ts';

const FREE: FargateRates = { vcpuHour: ZERO_USD, gibHour: ZERO_USD };

interface FreeLedger {
  readonly ledger: Pick<Ledger, 'reserve' | 'listHolds'> & CloseComputePorts['ledger'];
  readonly budgets: Pick<Budgets, 'openExecution' | 'listEntries'>;
  readonly announcements: Announcements;
  readonly prices: ComputePrices;
}

/**
 * Money in a test of one execution: the sandboxes of stubs cost nothing, and no model is called, so every budget
 * suffices. A step whose budget does not is stubbed as one that fails with `budget_exceeded`.
 */
export function freeLedger(clock: Clock): FreeLedger {
  const holds = new Map<string, Hold>();
  const entries: LedgerEntry[] = [];
  const closed = (holdId: string, state: Hold['state']): Hold | undefined => {
    const hold = holds.get(holdId);
    if (hold?.state !== 'open') return undefined;
    holds.set(holdId, { ...hold, state });
    return hold;
  };
  return {
    ledger: {
      async reserve(request) {
        const hold = holds.get(request.holdId) ?? holdOf(request, clock.now(), false);
        holds.set(hold.holdId, hold);
        return { kind: 'held', hold };
      },
      listHolds: async () => [...holds.values()].filter(({ state }) => state === 'open' || state === 'unsettled'),
      getHold: async (_executionId, holdId) => holds.get(holdId),
      async settle(settlement) {
        const hold = closed(settlement.holdId, 'settled');
        if (hold === undefined) return { kind: 'unknown' };
        const entry = entryOf(hold, settlement, clock.now());
        entries.push(entry);
        return { kind: 'settled', entry };
      },
      release: async (_executionId, holdId) => closed(holdId, 'released') !== undefined,
      unsettle: async (_executionId, holdId) => closed(holdId, 'unsettled') !== undefined,
    },
    budgets: { openExecution: async () => {}, listEntries: async () => ({ items: entries }) },
    announcements: { announceOnce: async () => true },
    prices: { rates: { X86_64: FREE, ARM64: FREE }, priceBook: 'free', architecture: 'X86_64' },
  };
}
