import type { Check, CheckOutcome } from './check.ts';
import { frozenLeases } from './checks/frozen-leases.ts';
import { openExecutions } from './checks/open-executions.ts';
import { orphanedTasks } from './checks/orphaned-tasks.ts';
import { overdueApprovals } from './checks/overdue-approvals.ts';
import { silentLeases } from './checks/silent-leases.ts';
import { unpublishedEvents } from './checks/unpublished-events.ts';
import type { ReconcilePorts } from './ports.ts';

export const CHECKS: readonly Check[] = [
  unpublishedEvents,
  frozenLeases,
  silentLeases,
  overdueApprovals,
  openExecutions,
  orphanedTasks,
];

export interface CheckResult extends CheckOutcome {
  readonly check: string;
}

/** Runs every check, whatever becomes of the others. */
export async function reconcile(
  ports: ReconcilePorts,
  checks: readonly Check[] = CHECKS,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    try {
      results.push({ check: check.name, ...(await check.run(ports)) });
    } catch (error) {
      results.push({ check: check.name, repaired: 0, failures: [error] });
    }
  }
  return results;
}

export function failuresOf(results: readonly CheckResult[]): readonly unknown[] {
  return results.flatMap(({ failures }) => failures);
}
