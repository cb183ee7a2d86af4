/** What a workflow file imports. */
export { type NanoUsd, usd } from './budget/money.ts';
export type { TemplateValue, TextValue } from './workflow/author-values.ts';
export { type AuthoredCondition, and, eq, ge, gt, le, lt, ne, not, or } from './workflow/conditions.ts';
export type { Effects, Finding, Quorum, WorkflowDefinition } from './workflow/definition.ts';
export { type Duration, days, hours, minutes, seconds } from './workflow/durations.ts';
export type { GateRef, WorkspaceRef } from './workflow/handed-on.ts';
export { group } from './workflow/quorum.ts';
export type { Leaf, Ref } from './workflow/references.ts';
export type { StepFunctionEvent } from './workflow/step-function-event.ts';
export type {
  ApprovalOptions,
  BudgetOptions,
  GateOptions,
  LambdaOptions,
  RetryOptions,
  SandboxOptions,
  SandboxResult,
  StepResult,
} from './workflow/step-options.ts';
export { type Text, text } from './workflow/text.ts';
export {
  isWorkflow,
  type Workflow,
  type WorkflowBuilder,
  type WorkflowOptions,
  workflow,
} from './workflow/workflow.ts';
