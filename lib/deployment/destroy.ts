import { setTimeout as sleep } from 'node:timers/promises';
import { WfloError } from '../errors.ts';
import { inPhase } from '../local-cloud/progress.ts';
import { requireProject } from '../local-cloud/stage.ts';
import type { DataRemoved, DestroyOptions, DestroyResult, Removed, Staying } from './contract.ts';
import { reasonOf, type Stacks } from './inventory.ts';
import { remainsOf } from './leftovers.ts';
import { type RunCdk, runCdkOnTerminal } from './run-cdk.ts';
import { stackName } from './stack-names.ts';
import { readInventory, removeAll, type StageCloud } from './stage-cloud.ts';
import type { StageData } from './stage-data.ts';

/** What a destruction has from outside. */
export interface DestroyPorts {
  readonly cloud: StageCloud;
  readonly data: StageData;
  readonly runCdk: RunCdk;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/**
 * Destroys the stacks of a stage and what they leave behind. The data stack stays, so that the same stage can be deployed
 * onto it again, unless its data is to be deleted as well.
 */
export async function destroy(options: DestroyOptions): Promise<DestroyResult> {
  await requireProject(options.projectDir);
  const [{ awsStageCloud }, { awsStageData }] = await Promise.all([
    import('./aws/stage-cloud.ts'),
    import('./aws/stage-data.ts'),
  ]);
  return destroyStage(options, {
    cloud: awsStageCloud(options.stage),
    data: awsStageData(),
    runCdk: runCdkOnTerminal,
    pause: sleep,
  });
}

export async function destroyStage(options: DestroyOptions, ports: DestroyPorts): Promise<DestroyResult> {
  const began = performance.now();
  const { stage, report, deleteData } = options;
  const { cloud } = ports;
  const stacks = await inPhase(report, 'check', `Reading what stage ${stage} has`, async () => {
    await refuseInUse(stage, ports);
    return cloud.stacks();
  });
  const removed: Removed[] = [];
  await inPhase(report, 'destroy', `Destroying the stacks of stage ${stage}`, () =>
    destroyStacks(options, ['Observability', 'Workflows', 'Platform', 'Network'], ports.runCdk),
  );
  await inPhase(report, 'leftovers', 'Removing what the stacks left behind', async () => {
    const result = await removeAll(cloud, remainsOf(await readInventory(cloud), stage));
    removed.push(...result.removed);
    if (result.failed.length === 0) return;
    throw new WfloError(
      'destroy_failed',
      `the stacks are destroyed, and ${result.failed.length} things that they left could not be removed: ${result.failed
        .map(({ id, reason }) => `${id}: ${reason}`)
        .join('; ')}`,
      { fix: 'correct the cause and repeat the command: it goes on with what is left', details: result },
    );
  });
  if (deleteData) {
    await inPhase(report, 'data', `Deleting the data of stage ${stage}`, async () => {
      removed.push(...(await deleteDataOf(stacks, stage, ports.data)));
      await destroyStacks(options, ['Data'], ports.runCdk);
    });
  }
  const stays = await staying(stacks, removed, options, cloud);
  return { stage, dataDeleted: deleteData, removed, stays, milliseconds: Math.round(performance.now() - began) };
}

const LOOKS = 10;
const PAUSE_MS = 3_000;

/** Executions that were cancelled a moment ago are listed as running for some seconds. */
async function refuseInUse(stage: string, { cloud, pause }: DestroyPorts): Promise<void> {
  for (let look = 1; ; look += 1) {
    const used = (await cloud.machines())
      .filter(({ open }) => open.length > 0)
      .map(({ workflow, open }) => ({ workflow, open: open.length }));
    if (used.length === 0) return;
    if (look === LOOKS) throw stageInUse(stage, used);
    await pause(PAUSE_MS);
  }
}

export function stageInUse(stage: string, used: readonly { readonly workflow: string; readonly open: number }[]) {
  const total = used.reduce((sum, { open }) => sum + open, 0);
  return new WfloError(
    'stage_in_use',
    `${total} executions of stage ${stage} are open: ${used.map(({ workflow, open }) => `${workflow} (${open})`).join(', ')}`,
    {
      fix: 'wait until they have ended, or add --cancel-open to cancel them and wait for their ends',
      details: { workflows: used },
    },
  );
}

async function destroyStacks(
  { stage, projectDir }: DestroyOptions,
  stacks: readonly Parameters<typeof stackName>[0][],
  runCdk: RunCdk,
): Promise<void> {
  const names = stacks.map((stack) => stackName(stack, stage));
  // `--exclusively`: not what depends on them as well. They are all named, and what is not named must stay.
  const args = ['destroy', ...names, '--exclusively', '--force', '-c', `wflo:stage=${stage}`];
  const exitCode = await runCdk(args, projectDir);
  if (exitCode === 0) return;
  throw new WfloError(
    'destroy_failed',
    `${names.join(', ')} could not be destroyed (cdk ended with ${exitCode ?? 'a signal'})`,
    { fix: 'The reasons stand above. Correct the cause and repeat the command: it goes on with what is left.' },
  );
}

/**
 * Before the stack, which tells of them: what fails half-way is found again. In `dev` CloudFormation deletes all but a
 * bucket that has objects; in other stages the template retains what is deleted here.
 */
async function deleteDataOf({ resources }: Stacks, stage: string, data: StageData): Promise<readonly DataRemoved[]> {
  const own = resources.filter(({ stack }) => stack === stackName('Data', stage));
  const idsOf = (type: string) => own.filter((resource) => resource.type === type).map(({ id }) => id);
  const removed: DataRemoved[] = [];
  for (const id of idsOf('AWS::S3::Bucket')) {
    await data.emptyBucket(id);
    if (stage === 'dev') continue;
    await data.deleteBucket(id);
    removed.push({ kind: 'bucket', id });
  }
  if (stage === 'dev') return removed;
  for (const id of idsOf('AWS::DynamoDB::Table')) {
    await data.deleteTable(id);
    removed.push({ kind: 'table', id });
  }
  for (const id of idsOf('AWS::Events::EventBus')) {
    await data.deleteEventBus(id);
    removed.push({ kind: 'event_bus', id });
  }
  return removed;
}

/** What has no existence of its own: parts of other resources, and answers of custom resources. */
const NO_THINGS =
  /^(AWS::Lambda::Version|AWS::IAM::Policy|AWS::IAM::RolePolicy|AWS::CloudFormation::CustomResource|Custom::.*)$/;

async function staying(
  { arns }: Stacks,
  removed: readonly Removed[],
  { stage, deleteData, note }: DestroyOptions,
  cloud: StageCloud,
): Promise<readonly Staying[]> {
  const data = stackName('Data', stage);
  const isData = (arn: string) => arn === data || arn.includes(`/${data}/`);
  const gone = new Set(removed.map(({ id }) => id));
  const kept = deleteData ? [] : arns.filter(isData).map(() => ({ type: 'AWS::CloudFormation::Stack', id: data }));
  try {
    const skipped = await cloud.skipped(arns.filter((arn) => deleteData || !isData(arn)));
    const left = skipped.filter(({ type, id }) => !gone.has(id) && !NO_THINGS.test(type));
    return [...kept, ...left.map(({ type, id }) => ({ type, id }))];
  } catch (error) {
    note(`what else stays could not be listed: ${reasonOf(error)}`);
    return kept;
  }
}
