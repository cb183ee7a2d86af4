import { WfloError } from '../errors.ts';
import type { BlobStore, Clock, ExecutionStore, Ids } from '../ports.ts';
import { OUTCOME_LIMIT_BYTES } from '../sandbox/protocol.ts';
import { outcomeKey } from '../sandbox/upload-key.ts';
import { verifyOutcome } from '../sandbox/verify-outcome.ts';
import { recordCompletion } from './record-completion.ts';
import type { ExecutionRecord, LeaseRecord } from './records.ts';

/** What an operator is told of an `outcome.json` that does not count. */
export interface OutcomeSignals {
  outcomeRefused(lease: LeaseRecord, why: string): void;
}

export interface SignedOutcomePorts {
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly signals: OutcomeSignals;
}

/**
 * Before a claimed lease is taken away, by whomever: looks for what its runner left in `outcome.json` because the control plane did not answer, and records it as
 * `complete` would have. `recorded`: the attempt has its outcome. `changed`: somebody was faster, read again. `none`:
 * there is nothing that counts.
 */
export async function recordSignedOutcome(
  ports: SignedOutcomePorts,
  found: { readonly execution: ExecutionRecord; readonly lease: LeaseRecord },
): Promise<'recorded' | 'changed' | 'none'> {
  const { lease } = found;
  if (lease.kind !== 'sandbox' || lease.status !== 'claimed' || lease.outcomeKey === undefined) return 'none';
  try {
    const text = await ports.blobs.readSmall(outcomeKey(lease, lease.leaseId), OUTCOME_LIMIT_BYTES);
    if (text === undefined) return 'none';
    const verified = verifyOutcome(text, lease);
    if (verified.ok) {
      const recorded = await recordCompletion({ ...ports, store: ports.executions }, found, verified.completion);
      return recorded ? 'recorded' : 'changed';
    }
    ports.signals.outcomeRefused(lease, verified.why);
  } catch (error) {
    // It is larger than any outcome, or names an upload that is not there.
    if (!WfloError.is(error) || error.code !== 'invalid_request') throw error;
    ports.signals.outcomeRefused(lease, error.message);
  }
  return 'none';
}
