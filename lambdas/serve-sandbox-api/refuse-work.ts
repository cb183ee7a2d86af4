import { WfloError } from '../../lib/errors.ts';
import { refusalEvents } from '../../lib/execution/claim-permission.ts';
import { fenceLease } from '../../lib/execution/close-attempt.ts';
import type { Actor, AttemptRecord, ExecutionRecord, LeaseRecord } from '../../lib/execution/records.ts';
import type { SandboxApiPorts } from './ports.ts';

/** What a step cannot run with, whoever asks: it fails with this, and not with what the refused runner then does. */
export class WorkRefused extends WfloError {}

const SANDBOX_API: Actor = { type: 'system', id: 'wflo', via: 'sandbox' };

/**
 * Writes a refusal to the attempt, where Finish finds it, and takes the right away, so that nobody gets this work
 * later. Only for a caller that has shown lease and code. A commit that lost a race is left: somebody was faster.
 */
export async function recordRefusal(
  ports: SandboxApiPorts,
  found: { readonly execution: ExecutionRecord; readonly attempt: AttemptRecord; readonly lease: LeaseRecord },
  { code, message }: WorkRefused,
): Promise<void> {
  const { execution, attempt, lease } = found;
  await ports.store.commit({
    executionId: attempt.executionId,
    changes: [
      {
        item: 'attempt',
        path: attempt.path,
        attempt: attempt.attempt,
        set: { error: { code, message, stepPath: attempt.path } },
        expect: { status: attempt.status, error: { absent: true }, exit: { absent: true } },
      },
      fenceLease(lease),
    ],
    events: refusalEvents(ports, execution, attempt, { code, message }, SANDBOX_API),
  });
}
