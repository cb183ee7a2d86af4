import type { RefAlias, StepConfig, WorkflowConfig } from '../execution/machine.ts';
import { stateKey } from '../execution/machine.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import { refAliases } from './ref-aliases.ts';
import { gatesOf, type KeyedStep, keyedStepsOf } from './steps-of.ts';

/** What Open gets of the workflow. */
export function workflowConfig(definition: WorkflowDefinition): WorkflowConfig {
  const keyed = keyedStepsOf(definition.body);
  return {
    name: definition.name,
    inputSchema: definition.inputSchema,
    timeoutSeconds: definition.timeoutSeconds,
    steps: keyed.map(({ path, kind }) => ({ path, kind })),
    stepKeys: keyed.map(({ path }) => stateKey(path)),
    inputRefs: refAliases(definition.body).ofInput(),
    gates: gatesOf(definition.body).map(({ path, policy }) => ({ path, policy })),
    ...(definition.maxConcurrent === undefined ? {} : { maxConcurrent: definition.maxConcurrent }),
    ...(definition.budget === undefined ? {} : { budget: definition.budget }),
  };
}

/** What Prepare and Finish get of a step. */
export function stepConfig(step: KeyedStep, refs: readonly RefAlias[]): StepConfig {
  const { path } = step;
  if (step.kind === 'approval') return { kind: 'approval', path, subject: step.subject, approval: step.approval };
  const acting = {
    path,
    effects: step.effects,
    idempotent: step.idempotent,
    retry: step.retry,
    timeoutSeconds: step.timeoutSeconds,
    ...(step.outputSchema === undefined ? {} : { outputSchema: step.outputSchema }),
    refs,
    ...(step.approval === undefined ? {} : { approval: step.approval }),
    ...(step.requires === undefined ? {} : { requires: step.requires }),
  };
  if (step.kind === 'lambda') return { kind: 'lambda', ...acting, with: step.with };
  return {
    kind: 'sandbox',
    ...acting,
    image: step.image,
    command: step.command,
    env: step.env,
    input: step.input,
    cpu: step.cpu,
    memoryMib: step.memoryMib,
    ...(step.keepWorkspace ? { keepWorkspace: true } : {}),
    ...(step.workspaceFrom === undefined ? {} : { workspaceFrom: step.workspaceFrom }),
    ...(step.agent === undefined ? {} : { agent: step.agent }),
    ...(step.models === undefined ? {} : { models: step.models }),
    ...(step.rate === undefined ? {} : { rate: step.rate }),
  };
}
