import { resolve } from 'node:path';
import { loadWorkflows } from '../../../lib/project/workflows.ts';
import { synthesiseStage } from '../synthesised-stage.ts';
import type { Call } from './evaluate.ts';
import { eventCalls, runtimeCalls } from './event-calls.ts';
import { functionCalls } from './function-calls.ts';
import { deployedResources } from './literals.ts';
import { machineCalls } from './machine-calls.ts';
import { networkCalls } from './network-calls.ts';
import { type PolicyStatement, policyStatements } from './policies.ts';
import { refusedCalls } from './refused-calls.ts';
import { removedUnnoticed, unused } from './removal.ts';
import { DeployedStage } from './stage-calls.ts';

export type Network = 'private' | 'open';

export interface Proof {
  readonly stage: DeployedStage;
  /** Of the templates. */
  readonly statements: readonly PolicyStatement[];
  /** What services call, in the name of a role or in their own. */
  readonly service: readonly Call[];
  /** What functions call themselves. */
  readonly own: readonly Call[];
  /** What must be refused. */
  readonly refused: readonly Call[];
  /** Grants that none of these calls needs. */
  readonly unused: readonly string[];
  /** Statements that could be removed without any call being decided otherwise. */
  readonly unnoticed: readonly PolicyStatement[];
}

/** The stage of this repository's workflows as AWS would get it. */
export async function proofOf(network: Network): Promise<Proof> {
  const stage = new DeployedStage(
    deployedResources(await synthesiseStage({ 'wflo:network': network, 'wflo:images': 'assets' })),
  );
  const workflows = await loadWorkflows(resolve(import.meta.dirname, '../../..'));
  const definitions = new Map(workflows.map(({ name, compiled }) => [name, compiled.aslText]));
  const service = [
    ...machineCalls(stage, definitions),
    ...eventCalls(stage),
    ...runtimeCalls(stage),
    ...networkCalls(stage),
  ];
  const own = functionCalls(stage);
  const statements = policyStatements(stage.resources);
  const allowed = [...service, ...own];
  const refused = refusedCalls(allowed);
  return {
    stage,
    statements,
    service,
    own,
    refused,
    unused: unused(statements, allowed),
    unnoticed: removedUnnoticed(statements, { allowed, refused }),
  };
}
