import type { Json } from '../json.ts';
import type { Duration } from '../workflow/durations.ts';

/** How a sandbox can fail. What only Wflo can find, such as an output that does not fit, is no failure to be stubbed. */
export const SANDBOX_FAILURES = [
  'agent_failed',
  'timed_out',
  'out_of_memory',
  'killed',
  'budget_exceeded',
  'sandbox_lost',
  'runner_error',
  'image_error',
  'sandbox_not_started',
  'invalid_output',
  'output_too_large',
  'invalid_workspace',
  'workspace_too_large',
] as const;
export type SandboxFailure = (typeof SANDBOX_FAILURES)[number];

/** How the call of a function can fail. `lost`: nobody knows whether the function has run. */
export const LAMBDA_FAILURES = ['function_failed', 'timed_out', 'lost'] as const;
export type LambdaFailure = (typeof LAMBDA_FAILURES)[number];

interface Timed {
  /** How long the attempt runs; no time where absent. Longer than the step's `timeout` is a time-out. */
  readonly takes?: Duration;
}

/** The attempt ends well. What is returned becomes JSON, as it does on its way out of a sandbox or a function. */
export interface StepOutput extends Timed {
  /** Absent: nothing was written or returned. */
  readonly output?: unknown;
}

/** The attempt fails. */
export interface StepFailure extends Timed {
  readonly fails: SandboxFailure | LambdaFailure;
  /** What the agent, the function or AWS would say. */
  readonly message?: string;
  /** Of the agent, for `agent_failed`; 1 where absent. */
  readonly exitCode?: number;
}

export type StepAnswer = StepOutput | StepFailure;

/** What an attempt gets when it begins. */
export interface StepCall {
  readonly path: string;
  /** From 1. */
  readonly attempt: number;
  /** The `input` of a sandbox, or the `with` of a lambda step, with every reference resolved. */
  readonly input: Json;
  /** Of a sandbox. */
  readonly command?: readonly string[];
  readonly env?: { readonly [name: string]: string };
  /** Path of the step whose workspace a sandbox begins with. */
  readonly workspaceFrom?: string;
  /** Of a function call: the same for every repeat of the same work. */
  readonly idempotencyKey?: string;
  /** Virtual time. */
  readonly now: Date;
}

/**
 * Stands for the work of a step: what every attempt ends with, or a function of what an attempt gets. What a function
 * throws is thrown by the test, so that it can hold expectations; a step fails only by an answer that `fails`.
 */
export type StepStub = StepAnswer | ((call: StepCall) => StepAnswer | Promise<StepAnswer>);

/** The attempt fails with this code: `fails('agent_failed', 'no such table')`. */
export function fails(
  code: SandboxFailure | LambdaFailure,
  message?: string,
  more: { readonly exitCode?: number; readonly takes?: Duration } = {},
): StepFailure {
  return { fails: code, ...(message === undefined ? {} : { message }), ...more };
}
