import { resolve } from 'node:path';
import { loadWorkflows } from '../../../lib/project/workflows.ts';
import { synthesiseStage } from '../synthesised-stage.ts';
import type { Call } from './evaluate.ts';
import { eventCalls, runtimeCalls } from './event-calls.ts';
import { functionCalls } from './function-calls.ts';
import { deployedResources, REGION } from './literals.ts';
import { machineCalls } from './machine-calls.ts';
import { networkCalls } from './network-calls.ts';
import { type PolicyStatement, policyStatements } from './policies.ts';
import { DeployedStage } from './stage-calls.ts';

export type Network = 'private' | 'open';

/** What AWS itself lets anyone do who has a URL that it signed; not ours to remove. */
export const OUTSIDE: readonly PolicyStatement[] = [
  {
    id: 'the bucket of ECR: its own',
    kind: 'resource',
    owner: 'the bucket of ECR',
    of: 'AWS',
    effect: 'Allow',
    actions: ['s3:GetObject'],
    resources: [`arn:aws:s3:::prod-${REGION}-starport-layer-bucket/*`],
    principals: ['aws:*'],
    conditions: {},
  },
];

export interface Proof {
  readonly stage: DeployedStage;
  readonly statements: readonly PolicyStatement[];
  /** What services call, in the name of a role or in their own. */
  readonly service: readonly Call[];
  /** What functions call themselves. */
  readonly own: readonly Call[];
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
  return { stage, statements: [...policyStatements(stage.resources), ...OUTSIDE], service, own: functionCalls(stage) };
}
