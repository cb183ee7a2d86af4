import type { LeaseRecord } from '../../lib/execution/records.ts';
import type { Completion } from '../../lib/sandbox/completion-hash.ts';
import type { OutcomeBody } from '../../lib/sandbox/protocol.ts';
import { outcomeSigner } from '../../lib/sandbox/sign-outcome.ts';

/** Key pair of the runner that claims in the scenes. */
export const RUNNER_KEY = outcomeSigner();

type Named = Pick<LeaseRecord, 'executionId' | 'path' | 'attempt' | 'leaseId' | 'epoch'>;

/** A completion that ended well. */
export function aCompletion(fields: Partial<Completion> = {}): Completion {
  return {
    epoch: 1,
    exit: { reason: 'ok', code: 0 },
    output: null,
    usage: { wallMs: 5, stdoutBytes: 0, stderrBytes: 0, stdoutTruncated: false, stderrTruncated: false },
    ...fields,
  };
}

/** The text of the `outcome.json` that a runner leaves for this lease, or for what `changed` says instead. */
export function outcomeText(
  { executionId, path, attempt, leaseId, epoch }: Named,
  completion: Partial<Completion> = {},
  changed: { readonly signer?: typeof RUNNER_KEY; readonly body?: Partial<OutcomeBody> } = {},
): string {
  const body: OutcomeBody = {
    ...{ executionId, path, attempt, leaseId },
    completion: aCompletion({ epoch, ...completion }),
    ...changed.body,
  };
  return JSON.stringify((changed.signer ?? RUNNER_KEY).sign(body));
}
