/**
 * The control API, version 1: JSON under `<url>/v1`, signed with SigV4 for `execute-api`. Errors are
 * `{ error: ErrorData }` with 400 (bad input), 403, 404 (unknown), 409 (conflict), 429, 500.
 */
import type { ChainRecord } from '../audit/events.ts';
import type { ErrorData } from '../errors.ts';
import type { AgentClaim, ApprovalKind, Freeze, StepKind } from '../execution/records.ts';
import type { ApprovalStatus, ExecutionStatus, StepStatus } from '../execution/status.ts';
import type { Json, JsonSchema } from '../json.ts';
import type { Role } from '../people/roles.ts';
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
  /** Spent so far, while it runs too; null where nothing is recorded, as before it was opened. */
  readonly costUsd: number | null;
  /** The limit as it is now; null: none. */
  readonly budgetUsd: number | null;
  readonly requester: { readonly id: string; readonly verified: boolean };
  readonly error?: ErrorData;
  /** Of a succeeded execution. */
  readonly output?: Json;
  /** Instead of `output` where that is above 2 MiB: valid for 15 minutes at most. */
  readonly outputUrl?: string;
  readonly steps: readonly StepView[];
  /** Pending approvals to raise a budget of this execution; absent: none. */
  readonly budgetApprovals?: readonly string[];
  readonly eventCount: number;
}

export interface StepView {
  readonly path: string;
  readonly kind: StepKind;
  readonly status: StepStatus;
  /** 0 while pending. */
  readonly attempt: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly exit?: Exit;
  readonly error?: ErrorData;
  /** What it waits for, or was approved by. */
  readonly approvalId?: string;
  /** Of all its attempts so far; null where nothing was spent for it. */
  readonly costUsd: number | null;
}

export type ExecutionSummary = Omit<ExecutionView, 'steps' | 'budgetApprovals' | 'output' | 'outputUrl' | 'eventCount'>;

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

/**
 * One budget and what became of it. Dollars as JSON numbers with up to nine decimals, exact as far as they are written;
 * null: no limit.
 */
export interface BudgetView {
  readonly kind: 'execution' | 'agent' | 'workflow' | 'tenant';
  /** The agent or the workflow that it is for. */
  readonly name?: string;
  /** The day (`2026-11-26`) or month (`2026-11`) in UTC that it is for. */
  readonly period?: string;
  readonly limitUsd: number | null;
  readonly spentUsd: number;
  /** Reserved for what runs now, or for calls whose cost is not known. */
  readonly heldUsd: number;
  readonly remainingUsd: number | null;
}

/** One entry of the ledger: what one model call, or the task of one attempt, has cost. */
export interface CostEntryView {
  readonly holdId: string;
  readonly kind: 'call' | 'compute';
  readonly stepPath: string;
  readonly attempt: number;
  readonly agent: string;
  readonly provider: string;
  readonly model: string;
  readonly costUsd: number;
  readonly reservedUsd: number;
  /** `estimated`: from what was seen of a broken stream. `reconciled`: by the provider's records. `person`: decided. */
  readonly source: 'reported' | 'estimated' | 'reconciled' | 'person';
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Hash of the price book that it was reserved by. */
  readonly priceBook: string;
  readonly settledAt: string;
}

/** `GET /v1/executions/{id}/costs?limit&cursor`. */
export interface ExecutionCostsAnswer {
  readonly executionId: string;
  readonly workflow: string;
  readonly status: ExecutionStatus;
  /** The execution's own first, then its agents by name. */
  readonly budgets: readonly BudgetView[];
  readonly entries: readonly CostEntryView[];
  /** Of this execution, oldest first: what it cost is not known. */
  readonly unsettled: readonly HoldView[];
  readonly cursor?: string;
}

/** Money that stays reserved until somebody, or the provider's own records, say what a call has cost. */
export interface HoldView {
  readonly executionId: string;
  readonly holdId: string;
  readonly stepPath: string;
  readonly attempt: number;
  readonly agent: string;
  readonly provider: string;
  readonly model: string;
  readonly heldUsd: number;
  readonly since: string;
  readonly reason: string;
}

/** `GET /v1/holds?limit&cursor`. */
export interface HoldsAnswer {
  readonly holds: readonly HoldView[];
  readonly cursor?: string;
}

/** `POST /v1/executions/{id}/holds/{hold}` → 200 with its entry. Dollars as decimal text. */
export interface SettleRequest {
  readonly costUsd: string;
  readonly reason: string;
}

/** `POST /v1/executions/{id}/budget` → 200 with the raised budget. */
export interface RaiseRequest {
  /** What is added, as decimal text. */
  readonly byUsd: string;
  /** Of this agent alone; absent: of the execution. */
  readonly agent?: string;
  /** 1 to 64 of `A-Z a-z 0-9 - _`: the same raise again changes nothing. */
  readonly raiseId: string;
}

/** `GET /v1/costs?from&to`: days in UTC, both included; at most 92. */
export interface CostsAnswer {
  readonly from: string;
  readonly to: string;
  readonly rows: readonly CostRowView[];
}

export interface CostRowView {
  readonly day: string;
  readonly workflow: string;
  readonly agent: string;
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly costUsd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** `PUT /v1/budget`: all of it; what is absent is not limited. Dollars as decimal text. */
export interface TenantBudgetRequest {
  readonly dailyUsd?: string;
  readonly monthlyUsd?: string;
  /** Shares of each limit above 0 and at most 1 at which an alert goes out. */
  readonly alertsAt?: readonly number[];
}

/** `GET /v1/budget`, and the answer to `PUT`. */
export interface TenantBudgetAnswer {
  readonly tenant: string;
  readonly alertsAt: readonly number[];
  /** Of today, then of this month. */
  readonly budgets: readonly BudgetView[];
}

/** `GET /v1/workflows`. */
export interface WorkflowsAnswer {
  readonly workflows: readonly { readonly name: string; readonly inputSchema: JsonSchema }[];
}

/** `GET /v1/approvals/{id}`, and each entry of the list without `payload` and `rendering`. */
export interface ApprovalView {
  readonly approvalId: string;
  readonly executionId: string;
  readonly workflow: string;
  /** Of `budget`: the step whose agent made the call that did not fit. */
  readonly stepPath: string;
  readonly kind: ApprovalKind;
  readonly status: ApprovalStatus;
  /** Null: risk is not assessed. */
  readonly risk: number | null;
  readonly payloadHash: string;
  readonly requester: { readonly id: string; readonly verified: boolean };
  readonly requestedAt: string;
  readonly expiresAt: string;
  readonly decidedAt: string | null;
  readonly executeBy: string | null;
  readonly groups: readonly { readonly group: string; readonly min: number }[];
  /** Whoever has any of these decides alone: where a budget is to be raised, and no group is asked. */
  readonly roles?: readonly Role[];
  /** Of `budget`: what is asked for. */
  readonly raise?: RaiseView;
  /** Why more is asked for than the workflow says, or of others. */
  readonly note?: string;
  readonly decisions: readonly DecisionView[];
  readonly claimedAt: string | null;
  /** Made from the frozen bytes by Wflo; fields that an agent wrote are marked. */
  readonly rendering: string;
  readonly claims: readonly AgentClaim[];
  readonly payload: Json;
}

/** The budget of an execution that a call did not fit into, with the numbers of that instant. */
export interface RaiseView {
  /** Of this agent alone; absent: of the execution. */
  readonly agent?: string;
  readonly limitUsd: number;
  readonly spentUsd: number;
  readonly heldUsd: number;
  /** The most that the call may cost. */
  readonly neededUsd: number;
  /** What is added where it is approved: the least that lets the call pass, in whole cents. */
  readonly byUsd: number;
}

export type ApprovalSummary = Omit<ApprovalView, 'rendering' | 'claims' | 'payload'>;

export interface DecisionView {
  readonly personId: string;
  readonly decision: 'approve' | 'reject';
  readonly comment?: string;
  readonly at: string;
  readonly via: string;
}

/** `GET /v1/approvals?all&limit&cursor`. */
export interface ApprovalsAnswer {
  readonly approvals: readonly ApprovalSummary[];
  readonly cursor?: string;
}

/** `POST /v1/approvals/{id}/decision` → 200 with the view; the same again is 200 as well. */
export interface DecisionRequest {
  readonly decision: 'approve' | 'reject';
  /** Of a rejection: required. 1 to 2,000 characters. */
  readonly comment?: string;
  /** What the person looked at. Refused (409) where it is not what is asked about. */
  readonly payloadHash?: string;
}

/** `GET /v1/me`, and each entry of `GET /v1/people`. */
export interface PersonView {
  readonly tenant: string;
  readonly personId: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly groups: readonly string[];
  readonly identities: readonly string[];
  readonly active: boolean;
}

export interface PeopleAnswer {
  readonly people: readonly PersonView[];
}

/** `POST /v1/people/bootstrap` → 201 with the first administrator, linked to the caller. Works once. */
export interface BootstrapRequest {
  readonly personId: string;
  readonly name: string;
}

/** `POST /v1/people` → 201; `PUT /v1/people/{id}` → 200 (name and roles). `DELETE` → 200, inactive. */
export interface PersonRequest {
  readonly personId: string;
  readonly name: string;
  readonly roles: readonly Role[];
}

/** `POST /v1/people/{id}/identities` and `DELETE /v1/people/{id}/identities` → 200. `arn`: of an IAM user, role or session. */
export interface IdentityRequest {
  readonly arn: string;
}

/** `GET /v1/groups`; `PUT /v1/groups/{group}` with `{ members }` → 200. */
export interface GroupView {
  readonly group: string;
  readonly members: readonly string[];
}

export interface GroupsAnswer {
  readonly groups: readonly GroupView[];
}

/** `POST /v1/attested-roles` → 200. */
export interface AttestRequest {
  readonly roleArn: string;
}

/** `POST /v1/tenants` → 201 with its first administrator. Administrators of the tenant `default` only. */
export interface TenantRequest {
  readonly tenant: string;
  readonly personId: string;
  readonly name: string;
  readonly arn: string;
}

/** `GET /v1/audit?after&limit`: the chain of the caller's tenant (people, groups, emergency stops). */
export interface TenantEventsAnswer {
  readonly records: readonly ChainRecord[];
  readonly cursor?: string;
  readonly eventCount: number;
}

/** `GET /v1/freeze`; `POST /v1/freeze` and `POST /v1/unfreeze` → 200 with what is frozen then. */
export interface FreezeRequest {
  /** Exactly one of these. */
  readonly all?: true;
  readonly workflow?: string;
  readonly tenant?: string;
  /** Of a freeze: required. */
  readonly reason?: string;
}

/** To people of other tenants than `default`: without what is not theirs, and without `by` and `at`. */
export type FreezeView = Omit<Freeze, 'reasons'>;
