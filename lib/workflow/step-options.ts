import type { z } from 'zod';
import type { RateLimits } from '../budget/ledger.ts';
import type { NanoUsd } from '../budget/money.ts';
import type { OnExceeded } from '../execution/records.ts';
import type { TemplateValue, TextValue } from './author-values.ts';
import type { ApprovalPolicy, Effects, Quorum } from './definition.ts';
import type { Duration } from './durations.ts';
import type { GateRef, WorkspaceRef } from './handed-on.ts';
import type { Ref } from './references.ts';

/** An output schema, or none. */
export type OutputSchema = z.ZodType | undefined;

/** What a step hands on. A step without an output schema has no output that could be referenced. */
export type StepResult<S extends OutputSchema> = S extends z.ZodType ? { readonly output: Ref<z.output<S>> } : object;

/** What a sandbox step hands on: its output, and its workspace where it keeps one. */
export type SandboxResult<S extends OutputSchema, K extends boolean> = StepResult<S> &
  ([K] extends [true] ? { readonly workspace: WorkspaceRef } : object);

export interface RetryOptions {
  /** 0 to 10; 2 where absent. */
  readonly maxRetries?: number;
  /** Doubled per repeat, with full jitter; 2 seconds where absent. */
  readonly initialDelay?: Duration;
  /** At most an hour; 60 seconds where absent. */
  readonly maxDelay?: Duration;
}

/** Who has to approve, and until when. */
export interface ApprovalOptions {
  /** All of these have to approve, made by `group`. A person counts for one of them. */
  readonly from: readonly Quorum[];
  /** Whoever started the execution may not approve; true where absent. */
  readonly notRequester?: boolean;
  /** From the request to its expiry. */
  readonly within: Duration;
  /** From the approval to the beginning of what was approved; 30 minutes where absent. */
  readonly executeWithin?: Duration;
  /** What an expiry means; `reject` where absent. `approve` only where what follows can be taken back. */
  readonly otherwise?: ApprovalPolicy['otherwise'];
}

export interface GateOptions extends ApprovalOptions {
  /** What is approved: the step that requires the gate may act on exactly this. */
  readonly subject: TemplateValue;
}

interface ProtectedOptions {
  /** Asks for approval of the step as it will run, before every attempt that acts. */
  readonly approval?: ApprovalOptions;
  /** The gate, made by `w.approval`, that has approved what this step gets. Not beside `approval`. */
  readonly requires?: GateRef;
}

export interface SandboxOptions<S extends OutputSchema = OutputSchema, K extends boolean = boolean>
  extends ProtectedOptions {
  /** `python`, `node`, or a name from the deployment's image list. */
  readonly image: string;
  /**
   * Folder of agent code, relative to the workflow's folder; the command runs in it. Or a TypeScript file
   * (`./agent/research.ts`): it is bundled with all that it imports to one file, which the command runs
   * (`['node', 'research.mjs']`).
   */
  readonly code?: string;
  readonly command: readonly TextValue[];
  /** vCPU: 0.25, 0.5, 1, 2, 4, 8 or 16; 0.25 where absent. */
  readonly cpu?: number;
  /** MiB, from the list that Fargate has for the `cpu`; 512 where absent. */
  readonly memoryMib?: number;
  /** Of one attempt; 10 minutes where absent. */
  readonly timeout?: Duration;
  readonly env?: { readonly [name: string]: TextValue };
  /** Becomes the JSON file that `WFLO_INPUT` names; `{}` where absent. */
  readonly input?: TemplateValue;
  /** What the folder that `WFLO_WORKSPACE` names begins with: the `workspace` of an earlier step. Empty where absent. */
  readonly workspace?: WorkspaceRef;
  /** Keeps that folder when the agent ends well, so that later steps can begin with it; false where absent. */
  readonly keepWorkspace?: K;
  /** Schema of the JSON that the agent writes to the file that `WFLO_OUTPUT` names. */
  readonly output?: S;
  /** `none` where absent: a sandbox that declares no way out can change nothing outside. */
  readonly effects?: Effects;
  /** A repeat of an attempt that may have acted does no harm; false where absent. */
  readonly idempotent?: boolean;
  readonly retry?: RetryOptions;
  /** Name of the agent: whose budget its calls are charged to. The name of the step where absent. */
  readonly agent?: string;
  /** Names of the models that it may call, such as `claude-*` or `gpt-5.4-mini`; none where absent. */
  readonly models?: readonly string[];
  /** How fast the agent may call models, counted for all its steps in one execution; any speed where absent. */
  readonly rate?: RateLimits;
}

/** Amounts are made by `usd`. What is absent is counted, and not limited. */
export interface BudgetOptions {
  /** Of one execution. */
  readonly execution?: NanoUsd;
  /** Of single agents in one execution, by the `agent` of their steps. */
  readonly agents?: { readonly [agent: string]: NanoUsd };
  /** Of all executions of the workflow in a tenant, by UTC day. */
  readonly daily?: NanoUsd;
  /** By UTC month. */
  readonly monthly?: NanoUsd;
  /** Shares of each limit, such as 0.5 and 0.9, at which an alert goes out once; none where absent. */
  readonly alertsAt?: readonly number[];
  /** What a refusal means; `stop` where absent: the execution ends as `budget_exceeded`. */
  readonly onExceeded?: OnExceeded;
}

export interface LambdaOptions<S extends OutputSchema = OutputSchema> extends ProtectedOptions {
  /** A TypeScript file relative to the workflow's folder, or the ARN of a published function version. */
  readonly function: string;
  /** Becomes `event.input` of the function; `{}` where absent. */
  readonly with?: TemplateValue;
  /** Schema of what the function returns. */
  readonly output?: S;
  /** A function can reach whatever its role allows, so it must say what it changes. */
  readonly effects: Effects;
  readonly idempotent?: boolean;
  readonly retry?: RetryOptions;
  /** Of one attempt, at most 14 minutes; 1 minute where absent. */
  readonly timeout?: Duration;
  /** MiB, 128 to 10,240; 256 where absent. */
  readonly memoryMib?: number;
}
