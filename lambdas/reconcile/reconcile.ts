import { type Check, type CheckOutcome, RESERVE_MS } from './check.ts';
import { expiredHolds } from './checks/expired-holds.ts';
import { frozenLeases } from './checks/frozen-leases.ts';
import { openExecutions } from './checks/open-executions.ts';
import { orphanedTasks } from './checks/orphaned-tasks.ts';
import { overdueApprovals } from './checks/overdue-approvals.ts';
import { silentLeases } from './checks/silent-leases.ts';
import { unpublishedEvents } from './checks/unpublished-events.ts';
import { unsettledHolds } from './checks/unsettled-holds.ts';
import type { ReconcilePorts } from './ports.ts';

/** The emergency stop first: it takes the right to act away. */
export const CHECKS: readonly Check[] = [
  frozenLeases,
  unpublishedEvents,
  silentLeases,
  overdueApprovals,
  openExecutions,
  orphanedTasks,
  expiredHolds,
  unsettledHolds,
];

export interface CheckResult extends CheckOutcome {
  readonly check: string;
}

/**
 * Runs every check, whatever becomes of the others, each in an equal share of the time that those before it left. What
 * is left after that goes to those that were cut off.
 */
export async function reconcile(
  ports: ReconcilePorts,
  checks: readonly Check[] = CHECKS,
): Promise<readonly CheckResult[]> {
  const results = new Map<string, CheckResult>();
  let round = checks;
  while (round.length > 0) {
    const cutOff: Check[] = [];
    for (const [index, check] of round.entries()) {
      const outcome = await runCheck(shareOf(ports, round.length - index), check);
      results.set(check.name, together(check.name, results.get(check.name), outcome));
      // One that fails has its next turn in a minute.
      if (outcome.cutOff === true && outcome.failures.length === 0) cutOff.push(check);
    }
    round = ports.remainingMs() > WORTH_A_ROUND_MS ? cutOff : [];
  }
  return [...results.values()];
}

/** With less time left, another round could hardly begin (milliseconds). */
const WORTH_A_ROUND_MS = RESERVE_MS + 2_000;

async function runCheck(ports: ReconcilePorts, check: Check): Promise<CheckOutcome> {
  try {
    return await check.run(ports);
  } catch (error) {
    return { repaired: 0, failures: [error] };
  }
}

/** The time of one of so many checks: it seems to be over when the others need the rest. */
function shareOf(ports: ReconcilePorts, checkCount: number): ReconcilePorts {
  const free = Math.max(0, ports.remainingMs() - RESERVE_MS);
  const ofOthers = free - free / checkCount;
  return { ...ports, remainingMs: () => ports.remainingMs() - ofOthers };
}

function together(
  check: string,
  before: CheckResult | undefined,
  { repaired, failures, ...rest }: CheckOutcome,
): CheckResult {
  return {
    check,
    ...rest,
    ...(before?.lateSeconds === undefined ? {} : { lateSeconds: before.lateSeconds }),
    repaired: repaired + (before?.repaired ?? 0),
    failures: [...(before?.failures ?? []), ...failures],
  };
}

export function failuresOf(results: readonly CheckResult[]): readonly unknown[] {
  return results.flatMap(({ failures }) => failures);
}
