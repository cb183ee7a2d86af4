import { WfloError } from '../errors.ts';
import type { StageParameters } from '../local-cloud/deployment-parameters.ts';
import { installDependencies } from '../local-cloud/install-dependencies.ts';
import { inPhase } from '../local-cloud/progress.ts';
import { projectStage, requireProject } from '../local-cloud/stage.ts';
import { workflowFolders } from '../project/workflows.ts';
import { checkAdded, checkRemoved, counted, type InUse, unreadable, workflowChange } from './check-removed.ts';
import type { DeployOptions, DeployResult, Leftovers } from './contract.ts';
import { type Inventory, reasonOf } from './inventory.ts';
import { type Before, leftoversOf } from './leftovers.ts';
import { union } from './named-things.ts';
import { type RunCdk, runCdkOnTerminal } from './run-cdk.ts';
import { readInventory, removeAll, type StageCloud } from './stage-cloud.ts';

/** What a deployment has from outside. */
export interface DeployPorts {
  readonly cloud: StageCloud;
  readonly runCdk: RunCdk;
  readonly now: () => Date;
}

/** Deploys every stack of the project into the AWS account of the environment, and removes what earlier deployments left. */
export async function deploy(options: DeployOptions): Promise<DeployResult> {
  await requireProject(options.projectDir);
  const stage = options.stage ?? (await projectStage(options.projectDir));
  await installDependencies(options.projectDir, process.env, options.report);
  const { awsStageCloud } = await import('./aws/stage-cloud.ts');
  const ports = { cloud: awsStageCloud(stage), runCdk: runCdkOnTerminal, now: () => new Date() };
  return deployStage({ ...options, stage }, await workflowFolders(options.projectDir), ports);
}

export async function deployStage(
  options: DeployOptions & { readonly stage: string },
  project: readonly string[],
  ports: DeployPorts,
): Promise<DeployResult> {
  const began = performance.now();
  const { stage, report } = options;
  const { before, retained } = await inPhase(report, 'check', `Reading what stage ${stage} has`, () =>
    prepare(options, project, ports),
  );
  await inPhase(report, 'deploy', `Deploying stage ${stage}`, () => deployStacks(options, ports.runCdk));
  const { controlApiUrl, workflows } = await deployedParameters(ports.cloud, stage);
  const leftovers = await inPhase(report, 'leftovers', 'Removing what earlier deployments left behind', () =>
    removeLeftovers(before, ports),
  );
  const milliseconds = Math.round(performance.now() - began);
  return { stage, controlApiUrl, workflows, retained, leftovers, milliseconds };
}

interface Prepared {
  /** Undefined where it could not be read: then nothing is removed afterwards either. */
  readonly before: Before | undefined;
  readonly retained: readonly InUse[];
}

/** Refuses what would break open executions, and makes room for workflows that come back. */
async function prepare(
  { stage, note }: DeployOptions & { readonly stage: string },
  project: readonly string[],
  { cloud }: DeployPorts,
): Promise<Prepared> {
  const change = workflowChange((await cloud.parameters()).workflows, project);
  let found: Inventory;
  try {
    found = await readInventory(cloud);
  } catch (cause) {
    if (stage === 'dev' && change.removing.length > 0) throw unreadable(stage, change, cause);
    note(`what earlier deployments left is not looked for: ${reasonOf(cause)}`);
    return { before: undefined, retained: [] };
  }
  const retained = checkRemoved(found, change, stage);
  if (retained.length > 0) note(`retained until their executions have ended: ${counted(retained)}`);
  const { failed } = await removeAll(cloud, checkAdded(found, change));
  for (const { id, reason } of failed) note(`${id} is in the way and could not be removed: ${reason}`);
  return { before: beforeOf(found), retained };
}

/** Machines that no stack manages belong to removed workflows: what nothing open of them names need not wait. */
function beforeOf({ stacks, machines }: Inventory): Before {
  const managed = new Set(stacks.resources.map(({ id }) => id));
  return { stacks, names: union(machines.filter(({ arn }) => managed.has(arn)).map(({ names }) => names)) };
}

async function deployStacks(options: DeployOptions & { readonly stage: string }, runCdk: RunCdk): Promise<void> {
  const { stage, projectDir, approval = 'broadening' } = options;
  const args = ['deploy', '--all', '-c', `wflo:stage=${stage}`, '--require-approval', approval];
  const exitCode = await runCdk(args, projectDir);
  if (exitCode === 0) return;
  throw new WfloError(
    'deploy_failed',
    `the deployment of stage ${stage} did not succeed (cdk ended with ${exitCode ?? 'a signal'})`,
    {
      fix: 'The reasons stand above. A stack that was never deployed before needs `cdk bootstrap` once per account and region.',
    },
  );
}

async function deployedParameters(
  cloud: StageCloud,
  stage: string,
): Promise<StageParameters & { readonly controlApiUrl: string }> {
  const { controlApiUrl, workflows } = await cloud.parameters();
  if (controlApiUrl !== null) return { controlApiUrl, workflows };
  throw new WfloError(
    'deploy_failed',
    `stage ${stage} was deployed, but the parameter /wflo/${stage}/control-api-url is missing`,
    { fix: 'Check that the account and region of the AWS environment variables are those that CDK deployed into.' },
  );
}

/** Never throws: the stage is deployed, and what could not be removed now is found by the next deployment. */
async function removeLeftovers(before: Before | undefined, { cloud, now }: DeployPorts): Promise<Leftovers> {
  if (before === undefined) return { removed: [], failed: [], problem: 'what was deployed before could not be read' };
  try {
    const found = await readInventory(cloud);
    return { ...(await removeAll(cloud, leftoversOf(found, before, now()))), problem: null };
  } catch (error) {
    return { removed: [], failed: [], problem: reasonOf(error) };
  }
}
