/**
 * The control API, version 1: JSON under `<url>/v1`, signed with SigV4 for `execute-api`. Errors are
 * `{ error: ErrorData }` with 400 (bad input), 403, 404 (unknown), 409 (conflict), 429, 500.
 */
import type { ChainRecord } from '../audit/events.ts';
import type { ErrorData } from '../errors.ts';
import type { ExecutionStatus, StepStatus } from '../execution/status.ts';
import type { Json, JsonSchema } from '../json.ts';
import type { StepLogLine } from '../ports.ts';
import type { Exit } from '../sandbox/exit.ts';

/** `POST /v1/executions` → 201 with an `ExecutionView`, or 200 when the same start was made before. */
export interface StartRequest {
  readonly workflow: string;
  readonly input: Json;
  /** 1 to 80 of `A-Z a-z 0-9 - _`; made from the time where absent. Makes a repeated start idempotent. */
  readonly name?: string;
}

/** `GET /v1/executions/{id}`, and each entry of the list without `steps` and `output`. */
export interface ExecutionView {
  readonly executionId: string;
  readonly workflow: string;
  readonly status: ExecutionStatus;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Null: cost is not measured. */
  readonly costUsd: number | null;
  readonly budgetUsd: number | null;
  readonly requester: { readonly id: string; readonly verified: boolean };
  readonly error?: ErrorData;
  /** Of a succeeded execution. */
  readonly output?: Json;
  /** Instead of `output` where that is above 2 MiB: valid for 15 minutes at most. */
  readonly outputUrl?: string;
  readonly steps: readonly StepView[];
  readonly eventCount: number;
}

export interface StepView {
  readonly path: string;
  readonly kind: 'sandbox' | 'lambda';
  readonly status: StepStatus;
  /** 0 while pending. */
  readonly attempt: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly exit?: Exit;
  readonly error?: ErrorData;
  readonly costUsd: number | null;
}

export type ExecutionSummary = Omit<ExecutionView, 'steps' | 'output' | 'outputUrl' | 'eventCount'>;

/** `GET /v1/executions?workflow&status&limit&cursor`. */
export interface ListAnswer {
  readonly executions: readonly ExecutionSummary[];
  readonly cursor?: string;
}

/** `GET /v1/executions/{id}/events?after&limit`. */
export interface EventsAnswer {
  readonly records: readonly ChainRecord[];
  /** Pass as `after` for more; absent at the end. */
  readonly cursor?: string;
  /** How many events the execution's transactions have written. */
  readonly eventCount: number;
  readonly status: ExecutionStatus;
}

/** `GET /v1/executions/{id}/logs?step&cursor&limit`. */
export interface LogsAnswer {
  readonly lines: readonly StepLogLine[];
  /** Always present: continues also past the end. */
  readonly cursor: string;
  /** The execution is final and this page is the last. */
  readonly done: boolean;
}

/** `POST /v1/executions/{id}/cancel` → 202 with the view. */
export interface CancelRequest {
  readonly reason?: string;
}

/** `GET /v1/workflows`. */
export interface WorkflowsAnswer {
  readonly workflows: readonly { readonly name: string; readonly inputSchema: JsonSchema }[];
}
