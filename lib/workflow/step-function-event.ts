import type { Json } from '../json.ts';

/** What the function of a `lambda` step is invoked with. What it returns is the output of the step. */
export interface StepFunctionEvent<I = Json> {
  /** The step's `with`, references resolved. */
  readonly input: I;
  /** The same for every repeat of this step of this execution: pass it to whatever takes one. */
  readonly idempotencyKey: string;
  readonly executionId: string;
  readonly stepPath: string;
  /** From 1. */
  readonly attempt: number;
}
