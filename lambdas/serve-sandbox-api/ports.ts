import type { BlobStore, Clock, ExecutionStore, Ids, SandboxTasks, StepLogs } from '../../lib/ports.ts';

/** What an operator is told besides the answer. */
export interface SandboxApiSignals {
  /** Counts one. */
  count(metric: 'ClaimConflict' | 'ClaimRefused' | 'LateResult'): void;
  /** An unexpected failure, which the runner sees as 500. */
  failed(verb: string, error: unknown): void;
}

export interface SandboxApiPorts {
  readonly store: ExecutionStore;
  readonly blobs: BlobStore;
  readonly tasks: SandboxTasks;
  readonly logs: StepLogs;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly signals: SandboxApiSignals;
  /** Name or ARN of the cluster that sandboxes run in. */
  readonly cluster: string;
}
