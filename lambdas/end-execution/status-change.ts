import type { MachineEnd } from '../../lib/execution/machine-end.ts';

/** `detail` of a `Step Functions Execution Status Change`, as far as it is used. [AWS: Step Functions event detail] */
export interface StatusChange {
  readonly executionArn: string;
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';
  readonly error?: string | null;
  readonly cause?: string | null;
}

/** The end that an event tells of. A success is Close's own, and nothing else is an end. */
export function seenEnd({ status, error, cause }: StatusChange): MachineEnd | undefined {
  if (status !== 'FAILED' && status !== 'TIMED_OUT' && status !== 'ABORTED') return undefined;
  return {
    status,
    ...(typeof error === 'string' ? { error } : {}),
    ...(typeof cause === 'string' ? { cause } : {}),
  };
}
