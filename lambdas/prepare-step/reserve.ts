import { computeHoldId } from '../../lib/budget/ledger.ts';
import { refusalError } from '../../lib/budget/refusal-text.ts';
import type { ErrorData } from '../../lib/errors.ts';
import { WfloError } from '../../lib/errors.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import { announceRefusal } from '../../lib/execution/announce-refusal.ts';
import { computeHold } from '../../lib/execution/compute-hold.ts';
import type { AttemptRecord, ComputeTerms, ExecutionRecord } from '../../lib/execution/records.ts';
import type { Announcements, Clock, Ids, Ledger } from '../../lib/ports.ts';

export interface ReservePorts {
  readonly ledger: Pick<Ledger, 'reserve' | 'release'>;
  readonly announcements: Announcements;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** `closed`: the hold was made before, and is closed already, because the attempt or its execution has ended. */
export type Reserved =
  | { readonly kind: 'held' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'refused'; readonly error: ErrorData };

/**
 * Holds the most that the sandbox of an attempt can cost. The hold has the name of the attempt, so that a repeated call
 * finds it. What does not fit is told, and does not start.
 */
export async function reserveCompute(
  ports: ReservePorts,
  execution: ExecutionRecord,
  about: Pick<AttemptRecord, 'path' | 'attempt'>,
  terms: ComputeTerms,
): Promise<Reserved> {
  const { path: stepPath, attempt } = about;
  const result = await ports.ledger.reserve(computeHold(execution, about, terms));
  if (result.kind === 'held') return { kind: result.hold.state === 'open' ? 'held' : 'closed' };
  if (result.kind !== 'refused') {
    throw new WfloError('internal', `the ledger answered ${result.kind} to a hold that has no lease and no rate`);
  }
  const { refusal } = result;
  const onExceeded = execution.budget?.onExceeded ?? 'stop';
  await announceRefusal(ports, execution, { refusal, onExceeded, actor: GRAPH, stepPath, attempt });
  return { kind: 'refused', error: { ...refusalError(`the sandbox of step ${stepPath}`, refusal), stepPath } };
}

/** What was held for an attempt that will never be. */
export async function releaseCompute(
  ports: Pick<ReservePorts, 'ledger'>,
  executionId: string,
  about: Pick<AttemptRecord, 'path' | 'attempt'>,
): Promise<void> {
  await ports.ledger.release(executionId, computeHoldId(about));
}
