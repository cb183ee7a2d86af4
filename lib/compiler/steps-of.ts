import type {
  ApprovalPolicy,
  ApprovalStep,
  Block,
  Condition,
  LambdaStep,
  SandboxStep,
  Step,
} from '../workflow/definition.ts';
import type { RefData } from '../workflow/template.ts';

export type ActingStep = SandboxStep | LambdaStep;
/** What Prepare and Finish deal with, and so has a state key. */
export type KeyedStep = ActingStep | ApprovalStep;

/** An approval that the workflow asks for. */
export interface Gate {
  /** Of the step that is approved, or of the stand-alone gate. */
  readonly path: string;
  /** Where its policy is written, for findings. */
  readonly place: string;
  readonly policy: ApprovalPolicy;
}

/** Every step of a block and of the blocks in it, in the order in which they are written. */
export function stepsOf(block: Block): readonly Step[] {
  return block.flatMap((step) => [step, ...blocksOf(step).flatMap(stepsOf)]);
}

/** Those that do work. */
export function actingStepsOf(block: Block): readonly ActingStep[] {
  return stepsOf(block).filter((step) => isActing(step));
}

export function keyedStepsOf(block: Block): readonly KeyedStep[] {
  return stepsOf(block).filter((step) => isActing(step) || step.kind === 'approval');
}

/** Those of steps and the stand-alone ones. */
export function gatesOf(block: Block): readonly Gate[] {
  return keyedStepsOf(block).flatMap(({ kind, path, approval }) =>
    approval === undefined ? [] : [{ path, place: kind === 'approval' ? path : `${path}.approval`, policy: approval }],
  );
}

export function isActing(step: Step): step is ActingStep {
  return step.kind === 'sandbox' || step.kind === 'lambda';
}

/** A sandbox that may wait for people for days holds no money meanwhile: what it costs is reserved when they agreed. */
export function isReservedLater(step: KeyedStep): boolean {
  return step.kind === 'sandbox' && step.approval !== undefined;
}

/** The references that a condition compares. */
export function refsOfCondition(condition: Condition): readonly RefData[] {
  if ('condition' in condition) return refsOfCondition(condition.condition);
  if ('conditions' in condition) return condition.conditions.flatMap(refsOfCondition);
  return typeof condition.right === 'object' ? [condition.left, condition.right] : [condition.left];
}

function blocksOf(step: Step): readonly Block[] {
  if (step.kind === 'when') return [step.then, step.otherwise];
  return step.kind === 'parallel' ? Object.values(step.branches) : [];
}
