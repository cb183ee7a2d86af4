import type { Block, Condition, LambdaStep, SandboxStep, Step } from '../workflow/definition.ts';
import type { RefData } from '../workflow/template.ts';

export type ActingStep = SandboxStep | LambdaStep;

/** Every step of a block and of the blocks in it, in the order in which they are written. */
export function stepsOf(block: Block): readonly Step[] {
  return block.flatMap((step) => [step, ...blocksOf(step).flatMap(stepsOf)]);
}

/** Those that do work and so have a state key. */
export function actingStepsOf(block: Block): readonly ActingStep[] {
  return stepsOf(block).filter((step) => isActing(step));
}

export function isActing(step: Step): step is ActingStep {
  return step.kind === 'sandbox' || step.kind === 'lambda';
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
