import type { RateLimits } from '../budget/ledger.ts';
import type { NanoUsd } from '../budget/money.ts';
import type { OnExceeded } from '../execution/records.ts';
import type { JsonSchema } from '../json.ts';
import type { RefData, Template } from './template.ts';

/**
 * A workflow definition as data: what `workflow()` makes of the author's calls, and all that the compiler reads.
 * It holds no functions, so that the compiler is a pure function from it to an ASL document.
 */
export interface WorkflowDefinition {
  readonly name: string;
  /** JSON Schema of the input. */
  readonly inputSchema: JsonSchema;
  readonly timeoutSeconds: number;
  /** How many executions of a tenant may be open at a time; absent: any number. */
  readonly maxConcurrent?: number;
  /** Absent: what it costs is counted, and not limited. */
  readonly budget?: BudgetPolicy;
  readonly body: Block;
  /** What Close returns as the output of the execution. */
  readonly output: Template;
}

export type Block = readonly Step[];

export type Step = SandboxStep | LambdaStep | ApprovalStep | WaitStep | WhenStep | ParallelStep;

/** What a step may change, and whether it can be taken back. */
export const EFFECTS = ['none', 'reversible', 'compensatable', 'irreversible'] as const;
export type Effects = (typeof EFFECTS)[number];

export interface RetryPolicy {
  /** How often an attempt may be repeated; 0 means never. At most 10. */
  readonly maxRetries: number;
  /** First delay, doubled per attempt, with full jitter. */
  readonly initialDelaySeconds: number;
  readonly maxDelaySeconds: number;
}

/** So many people of a group. */
export interface Quorum {
  readonly group: string;
  /** At least 1. */
  readonly min: number;
}

export const OTHERWISE = ['reject', 'approve'] as const;

/** Who has to approve before something is done, and until when. Part of what is frozen and approved. */
export interface ApprovalPolicy {
  /** All of these; a person counts for one of them. */
  readonly from: readonly Quorum[];
  /** Whoever started the execution may not approve. */
  readonly notRequester: boolean;
  /** From the request to its expiry. */
  readonly withinSeconds: number;
  /** From the approval to the claim. */
  readonly executeWithinSeconds: number;
  /** What an expiry means. */
  readonly otherwise: (typeof OTHERWISE)[number];
}

/** What an execution, its agents and its workflow may spend, and what it means when that does not suffice. */
export interface BudgetPolicy {
  /** Of one execution. Absent here and below: any amount. */
  readonly execution?: NanoUsd;
  /** Of single agents in an execution. */
  readonly agents: { readonly [agent: string]: NanoUsd };
  /** Of all executions of the workflow in a tenant, by UTC day and month. */
  readonly daily?: NanoUsd;
  readonly monthly?: NanoUsd;
  /** Shares of the limits at which an alert goes out, in thousandths, rising. */
  readonly alertsAt: readonly number[];
  readonly onExceeded: OnExceeded;
}

interface ActingStep {
  /** Unique in its scope; also its name. Lower-case words with hyphens. */
  readonly path: string;
  readonly effects: Effects;
  /** A repeat of an attempt that may have acted does no harm. */
  readonly idempotent: boolean;
  readonly retry: RetryPolicy;
  readonly timeoutSeconds: number;
  readonly outputSchema?: JsonSchema;
  /** Asked for before every attempt that acts. */
  readonly approval?: ApprovalPolicy;
  /** Path of the gate whose subject this step's input must be. Not beside `approval`. */
  readonly requires?: string;
}

export interface SandboxStep extends ActingStep {
  readonly kind: 'sandbox';
  /** `python`, `node`, or a name from the deployment's image list. */
  readonly image: string;
  /** Folder of agent code, relative to the workflow's folder. */
  readonly code?: string;
  readonly command: readonly Template[];
  readonly cpu: number;
  readonly memoryMib: number;
  readonly env: { readonly [name: string]: Template };
  /** Becomes the file that `WFLO_INPUT` names. */
  readonly input: Template;
  /** The folder that `WFLO_WORKSPACE` names is kept when the step succeeds, for later steps. */
  readonly keepWorkspace: boolean;
  /** Path of the step whose kept folder this step begins with; absent: it begins empty. */
  readonly workspaceFrom?: string;
  readonly agent?: string;
  /** Names of the models that it may call, `*` for any number of characters; absent: none. */
  readonly models?: readonly string[];
  /** How fast it may call them; absent: as fast as it likes. */
  readonly rate?: RateLimits;
}

export interface LambdaStep extends ActingStep {
  readonly kind: 'lambda';
  /** A TypeScript file relative to the workflow's folder, or the ARN of a function version. */
  readonly function: string;
  readonly with: Template;
  readonly memoryMib: number;
}

/** A gate of its own: asks for approval of its subject, which one later step acts on. */
export interface ApprovalStep {
  readonly kind: 'approval';
  readonly path: string;
  readonly subject: Template;
  readonly approval: ApprovalPolicy;
}

export interface WaitStep {
  readonly kind: 'wait';
  readonly path: string;
  readonly duration: { readonly seconds: number } | { readonly secondsFrom: RefData };
}

export const COMPARISONS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Condition =
  | { readonly op: Comparison; readonly left: RefData; readonly right: string | number | boolean | RefData }
  | { readonly op: 'and' | 'or'; readonly conditions: readonly Condition[] }
  | { readonly op: 'not'; readonly condition: Condition };

export interface WhenStep {
  readonly kind: 'when';
  readonly path: string;
  readonly condition: Condition;
  readonly then: Block;
  readonly otherwise: Block;
}

export interface ParallelStep {
  readonly kind: 'parallel';
  readonly path: string;
  readonly branches: { readonly [name: string]: Block };
}

/** What is wrong with a definition: where, what, and what to write instead. */
export interface Finding {
  readonly code: import('../errors.ts').ErrorCode;
  /** `<workflow>` or `<workflow>/<step path>`, with the property where one is to blame. */
  readonly path: string;
  readonly reason: string;
  readonly fix: string;
}
