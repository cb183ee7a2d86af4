import { resolve } from 'node:path';
import { loadWorkflows } from '../../../lib/project/workflows.ts';
import type { Call } from './evaluate.ts';
import { eventCalls, runtimeCalls } from './event-calls.ts';
import { machineCalls } from './machine-calls.ts';
import { networkCalls } from './network-calls.ts';
import type { DeployedStage } from './stage-calls.ts';

/** What services call in the name of a role or in their own, derived from the templates and the definitions. */
export async function serviceCalls(stage: DeployedStage): Promise<readonly Call[]> {
  const workflows = await loadWorkflows(resolve(import.meta.dirname, '../../..'));
  const definitions = new Map(workflows.map(({ name, compiled }) => [name, compiled.aslText]));
  return [...machineCalls(stage, definitions), ...eventCalls(stage), ...runtimeCalls(stage), ...networkCalls(stage)];
}
