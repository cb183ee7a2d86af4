import type { BlobStore, Clock, ExecutionStore, Ids, People, SandboxTasks, StepLogs } from '../../lib/ports.ts';

export type SandboxApiMetric =
  | 'ClaimConflict'
  | 'ClaimRefused'
  | 'ClaimSourceDiffers'
  | 'LateResult'
  | 'LogsNotWritten';

/** What an operator is told besides the answer. */
export interface SandboxApiSignals {
  /** Counts one. */
  count(metric: SandboxApiMetric): void;
  /** Something that a person may want to read, with no secret in it. */
  noticed(what: string, details: object): void;
  /** An unexpected failure, which the runner sees as 500. */
  failed(verb: string, error: unknown): void;
}

export interface SandboxApiPorts {
  readonly store: ExecutionStore;
  readonly blobs: BlobStore;
  readonly people: People;
  readonly tasks: SandboxTasks;
  readonly logs: StepLogs;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly signals: SandboxApiSignals;
  /** Name or ARN of the cluster that sandboxes run in. */
  readonly cluster: string;
  /** Base URL of the model gateway; absent where the deployment has none. */
  readonly modelsUrl?: string;
}
