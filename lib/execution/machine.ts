/**
 * What travels between the compiled state machine and the handlers: the JSON strings embedded in the ASL
 * (`WorkflowConfig`, `StepConfig`) and the payload of each Lambda state. The compiler writes these, the handlers read them.
 */
import type { RateLimits } from '../budget/ledger.ts';
import type { Json, JsonSchema } from '../json.ts';
import type { ApprovalPolicy, BudgetPolicy, Effects, RetryPolicy } from '../workflow/definition.ts';
import type { Template } from '../workflow/template.ts';
import type { DeclaredStep, FinishAnswer, Handle } from './records.ts';

/** A scalar that ASL reads: stored under `refs.<alias>` in the state. `path` is below the input or the output. */
export interface RefAlias {
  readonly alias: string;
  readonly path: readonly string[];
}

/** Embedded once, in the Open state. */
export interface WorkflowConfig {
  readonly name: string;
  readonly inputSchema: JsonSchema;
  readonly timeoutSeconds: number;
  readonly steps: readonly DeclaredStep[];
  /** State keys of every acting step, seeded with null by Open. */
  readonly stepKeys: readonly string[];
  readonly inputRefs: readonly RefAlias[];
  /** Every gate of the graph: Open refuses where its groups have too few people. */
  readonly gates: readonly { readonly path: string; readonly policy: ApprovalPolicy }[];
  /** How many executions of a tenant may be open at a time. */
  readonly maxConcurrent?: number;
  /** Absent: what it costs is counted, and not limited. */
  readonly budget?: BudgetPolicy;
}

interface ActingStepConfig {
  readonly path: string;
  readonly effects: Effects;
  readonly idempotent: boolean;
  readonly retry: RetryPolicy;
  readonly timeoutSeconds: number;
  readonly outputSchema?: JsonSchema;
  readonly refs: readonly RefAlias[];
  readonly approval?: ApprovalPolicy;
  /** Path of the gate whose subject this step's input must be. */
  readonly requires?: string;
}

export interface SandboxStepConfig extends ActingStepConfig {
  readonly kind: 'sandbox';
  readonly image: string;
  readonly command: readonly Template[];
  readonly env: { readonly [name: string]: Template };
  readonly input: Template;
  readonly cpu: number;
  readonly memoryMib: number;
  /** Absent: the workspace ends with the step. */
  readonly keepWorkspace?: true;
  /** Path of the step whose workspace this one begins with. */
  readonly workspaceFrom?: string;
  readonly agent?: string;
  /** Absent: no model may be called. */
  readonly models?: readonly string[];
  readonly rate?: RateLimits;
}

export interface LambdaStepConfig extends ActingStepConfig {
  readonly kind: 'lambda';
  readonly with: Template;
}

/** A stand-alone gate: it acts on nothing, so it has no target and no lease. */
export interface GateConfig {
  readonly kind: 'approval';
  readonly path: string;
  readonly subject: Template;
  readonly approval: ApprovalPolicy;
}

export type ActingConfig = SandboxStepConfig | LambdaStepConfig;
export type StepConfig = ActingConfig | GateConfig;

/** State key of a step: its path with `-` as `_` (JSONPath names; step names have no underscore, so keys are unique). */
export function stateKey(path: string): string {
  return path.replaceAll('-', '_');
}

/** `$` below Open. At most 200 KiB, proven by the compiler. */
export interface MachineState {
  readonly schema: number;
  readonly execution: { readonly id: string };
  readonly input: { readonly ref: Handle; readonly refs: { readonly [alias: string]: Json } };
  readonly steps: { readonly [key: string]: FinishAnswer | null };
  /** Data of the step that is being run: Prepare's answer, and what Run was caught with. */
  readonly step: (PrepareAnswer & { readonly caught?: CaughtError }) | null;
}

export interface OpenEvent {
  readonly schema: number;
  readonly executionArn: string;
  /** `$$.Execution.StartTime`. */
  readonly startedAt: string;
  readonly input: Json;
  /** JSON text of a `WorkflowConfig`. */
  readonly workflow: string;
  /** SHA-256 of the ASL document before substitution. */
  readonly definitionHash: string;
}

/** `ok: false`: the execution is recorded with its `ending`, and the graph goes to Fail. */
export type OpenAnswer =
  | { readonly ok: true; readonly state: MachineState; readonly error: null }
  | { readonly ok: false; readonly state: null; readonly error: { readonly code: string; readonly message: string } };

export interface PrepareEvent {
  readonly schema: number;
  readonly executionId: string;
  readonly enteredAt: string;
  /** JSON text of a `StepConfig`. */
  readonly step: string;
  /** What the construct filled in: never part of the JSON text. */
  readonly target: SandboxTarget | LambdaTarget | null;
  readonly input: MachineState['input'];
  readonly steps: MachineState['steps'];
}

export interface SandboxTarget {
  /** ARN of the task definition revision. */
  readonly taskDefinition: string;
  /** Hex SHA-256 of the code archive, or '' where the step has no code. Its key is `codeKey(sha256)`. */
  readonly codeSha256: string;
}

export interface LambdaTarget {
  /** ARN of a published function version. */
  readonly functionArn: string;
}

export interface PrepareAnswer {
  /** 0 where nothing was recorded: the execution is over, or this entry came late. */
  readonly attempt: number;
  readonly route: 'run' | 'ask' | 'deny';
  /** Goes into the task's environment, or into the event of `invoke-step`; `''` where nothing will run. */
  readonly leaseId: string;
  readonly code: string;
  /** What Approve waits for; `''` unless the route is `ask`. */
  readonly approvalId: string;
}

/**
 * Reserve, the other event of `prepare-step`: a sandbox that waited for people was allowed to run. What it may cost is
 * reserved now, and not while it waited. The answer's route is never `ask`.
 */
export interface ReserveEvent {
  readonly schema: number;
  readonly executionId: string;
  /** JSON text of a `SandboxStepConfig`. */
  readonly step: string;
  readonly prepared: PrepareAnswer;
}

/** Approve (`request-approval`): waits with its task token until the approval is decided. */
export interface RequestApprovalEvent {
  readonly schema: number;
  readonly approvalId: string;
  readonly taskToken: string;
}

/** Expire (`expire-approval`): Approve ended in another way than by a decision. */
export interface ExpireApprovalEvent {
  readonly schema: number;
  readonly approvalId: string;
}

/** What Approve and Expire leave in `$.step.approved`. It routes; a claim does not believe it. */
export interface ApprovedAnswer {
  readonly decision: 'granted' | 'refused';
}

/** Run of a `lambda` step. */
export interface InvokeEvent {
  readonly schema: number;
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
  readonly leaseId: string;
  readonly code: string;
}

export interface CaughtError {
  readonly Error: string;
  readonly Cause: string;
}

export interface FinishEvent {
  readonly schema: number;
  readonly executionId: string;
  /** JSON text of a `StepConfig`. */
  readonly step: string;
  readonly prepared: PrepareAnswer & { readonly caught?: CaughtError };
}

export interface CloseEvent {
  readonly schema: number;
  readonly executionId: string;
  /** JSON text of a `Template`. */
  readonly output: string;
  readonly input: MachineState['input'];
  readonly steps: MachineState['steps'];
}

/** `ok: false`: the execution is ending in another way, which the graph must not overtake. */
export type CloseAnswer =
  | { readonly ok: true; readonly output: Json; readonly error: null }
  | { readonly ok: false; readonly output: null; readonly error: { readonly code: string; readonly message: string } };

/** Key in the artefact bucket of an agent code archive (gzip tar). */
export function codeKey(codeSha256: string): string {
  return `code/${codeSha256}.tar.gz`;
}
