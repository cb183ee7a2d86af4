import { recordedCalls } from '../recorded-calls/recorded.ts';
import { synthesiseStage } from '../synthesised-stage.ts';
import type { Call } from './evaluate.ts';
import { deployedResources } from './literals.ts';
import { type PolicyStatement, policyStatements } from './policies.ts';
import { asOnAws } from './recorded.ts';
import { refusedCalls } from './refused-calls.ts';
import { removedUnnoticed, unused } from './removal.ts';
import { serviceCalls } from './service-calls.ts';
import { DeployedStage } from './stage-calls.ts';
import { UNRECORDED } from './unrecorded-calls.ts';

export type Network = 'private' | 'open';

export interface Proof {
  readonly stage: DeployedStage;
  /** Of the templates. */
  readonly statements: readonly PolicyStatement[];
  /** What services call, in the name of a role or in their own. */
  readonly service: readonly Call[];
  /** What functions called in the end-to-end tests, and what AWS asks besides. */
  readonly recorded: readonly Call[];
  /** What functions call where the end-to-end tests do not surely get. */
  readonly unrecorded: readonly Call[];
  /** What must be refused. */
  readonly refused: readonly Call[];
  /** Grants that none of these calls needs. */
  readonly unused: readonly string[];
  /** Statements that could be removed without any call being decided otherwise. */
  readonly unnoticed: readonly PolicyStatement[];
  /** The same without the unrecorded calls. */
  readonly unnoticedByRuns: readonly PolicyStatement[];
}

/** A stage with this repository's workflows, as it would be deployed. */
export async function stageOf(context: Readonly<Record<string, unknown>>): Promise<DeployedStage> {
  return new DeployedStage(deployedResources(await synthesiseStage(context)));
}

/** The proof for AWS. */
export async function proofOf(network: Network): Promise<Proof> {
  const stage = await stageOf({ 'wflo:network': network, 'wflo:images': 'assets' });
  const statements = policyStatements(stage.resources);
  const service = await serviceCalls(stage);
  const recorded = recordedCalls().flatMap((call) => asOnAws(stage, call.role, call));
  const unrecorded = UNRECORDED.flatMap((call) => asOnAws(stage, call.role, call));
  const byRuns = [...service, ...recorded];
  const allowed = [...byRuns, ...unrecorded];
  const refused = refusedCalls(allowed);
  return {
    stage,
    statements,
    service,
    recorded,
    unrecorded,
    refused,
    unused: unused(statements, allowed),
    unnoticed: removedUnnoticed(statements, { allowed, refused }),
    unnoticedByRuns: removedUnnoticed(statements, { allowed: byRuns, refused }),
  };
}
