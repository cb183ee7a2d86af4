import { WfloError } from '../../lib/errors.ts';
import { fenceLease } from '../../lib/execution/close-attempt.ts';
import type { AttemptRecord, LeaseRecord } from '../../lib/execution/records.ts';
import type { SandboxApiPorts } from './ports.ts';

/** What a step cannot run with, whoever asks: it fails with this, and not with what the refused runner then does. */
export class WorkRefused extends WfloError {}

/**
 * Writes a refusal to the attempt, where Finish finds it, and takes the right away, so that nobody gets this work
 * later. Only for a caller that has shown lease and code. A commit that lost a race is left: somebody was faster.
 */
export async function recordRefusal(
  ports: SandboxApiPorts,
  { attempt, lease }: { readonly attempt: AttemptRecord; readonly lease: LeaseRecord },
  { code, message }: WorkRefused,
): Promise<void> {
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
    events: [],
  });
}
