import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from 'vitest';
import { awsStageCloud } from '../../lib/deployment/aws/stage-cloud.ts';
import { awsStageData } from '../../lib/deployment/aws/stage-data.ts';
import type { DeployResult } from '../../lib/deployment/contract.ts';
import { deployStage } from '../../lib/deployment/deploy.ts';
import { destroyStage } from '../../lib/deployment/destroy.ts';
import type { RunCdk } from '../../lib/deployment/run-cdk.ts';
import { readInventory } from '../../lib/deployment/stage-cloud.ts';
import { cdkCommand } from '../../lib/local-cloud/cdk.ts';
import { cdkEnvironment, localContext } from '../../lib/local-cloud/deploy-local.ts';
import { readLocalState } from '../../lib/local-cloud/index.ts';
import { localPaths } from '../../lib/local-cloud/paths.ts';
import { workflowFolders } from '../../lib/project/workflows.ts';
import { projectDir as localProject } from '../_helpers/local-aws.ts';
import { eventually } from '../_helpers/wflo.ts';

/** A stage of its own beside the one of the other tests: one that retains, as every stage but `dev` does. */
const STAGE = 'trial';
const root = resolve(import.meta.dirname, '../..');
const project = join(root, 'build', 'e2e-deployments');
const HOUR = 3_600_000;
/** CDK compiles the app anew in each of its two runs. */
const DESTROY_MS = 240_000;

let cloud: ReturnType<typeof awsStageCloud>;
let data: ReturnType<typeof awsStageData>;
let sfn: SFNClient;
let runCdk: RunCdk;
let executionArn: string;
/** Deployments of a project whose last one is long enough ago. */
let now = Date.now();

const options = { projectDir: project, report: () => {}, note: () => {}, stage: STAGE };

function put(workflow: string, from: string): void {
  symlinkSync(join(root, from, workflow), join(project, 'state-machines', workflow));
}

async function deploy(): Promise<DeployResult> {
  now += 2 * HOUR;
  return deployStage({ ...options, approval: 'never' }, await workflowFolders(project), {
    cloud,
    runCdk,
    now: () => new Date(now),
  });
}

beforeAll(async () => {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(join(project, 'state-machines'), { recursive: true });
  const projectSettings = JSON.parse(readFileSync(join(localProject, 'cdk.json'), 'utf8')) as { context: object };
  // The prices of the book: compute is not for nothing here.
  const { 'wflo:prices': _, ...kept } = projectSettings.context as Record<string, unknown>;
  writeFileSync(join(project, 'cdk.json'), JSON.stringify({ ...projectSettings, context: kept }));
  cpSync(join(localProject, 'cdk.context.json'), join(project, 'cdk.context.json'));
  put('hello', 'state-machines');
  put('brief', 'test/e2e/workflows');

  const state = await readLocalState(localProject);
  if (state === undefined) throw new Error('no local AWS runs');
  const { admin } = state.credentials;
  const env = cdkEnvironment({
    ...state,
    projectDir: project,
    paths: localPaths(localProject),
    admin,
    env: process.env,
  });
  const context = Object.entries(localContext(state.endpoint, STAGE)).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ]);
  runCdk = (args, cwd) =>
    new Promise((done, reject) => {
      const child = spawn(process.execPath, [cdkCommand(), ...args, ...context], {
        cwd,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
      child.once('error', reject);
      child.once('close', (code) => {
        writeFileSync(join(project, 'cdk.log'), output);
        done(code);
      });
    });
  const settings = { endpoint: `https://127.0.0.1:${state.port}`, region: state.region, credentials: admin };
  cloud = awsStageCloud(STAGE, settings);
  data = awsStageData(settings, 100);
  sfn = new SFNClient(settings);
});

describe('deployments of a stage that retains', () => {
  it('begin with nothing to remove', async () => {
    const result = await deploy().catch((error: Error) => {
      throw new Error(`${error.message}\n${readFileSync(join(project, 'cdk.log'), 'utf8').slice(-3000)}`);
    });
    expect(result).toMatchObject({
      workflows: ['brief', 'hello'],
      retained: [],
      leftovers: { removed: [], failed: [], problem: null },
    });
  });

  it('start no sandbox whose compute does not fit into the budget', async () => {
    const machine = (await cloud.machines()).find(({ workflow }) => workflow === 'hello')?.arn ?? '';
    const started = await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: machine,
        name: 'too-little',
        input: '{"name":"Ada","wflo":{"budgetUsd":"0.0001"}}',
      }),
    );
    const { executionArn: arn } = started;
    const ended = await eventually(
      () => sfn.send(new DescribeExecutionCommand({ executionArn: arn })),
      ({ status }) => status !== 'RUNNING',
      'the execution ends',
    );
    expect([ended.status, ended.error]).toEqual(['FAILED', 'budget_exhausted']);
    const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn: arn, maxResults: 1000 }));
    expect(events.length).toBeGreaterThan(2);
    expect(
      events
        .filter(({ type }) => /^Task(Submitted|Scheduled)$/.test(String(type)))
        .map((event) => event.taskScheduledEventDetails?.resourceType ?? event.taskSubmittedEventDetails?.resourceType),
    ).not.toContain('ecs');
  });

  it('retain a workflow that leaves the project while executions of it are open', async () => {
    const machine = (await cloud.machines()).find(({ workflow }) => workflow === 'hello')?.arn ?? '';
    // No sandbox host takes tasks of this stage: it stays open.
    const started = await sfn.send(
      new StartExecutionCommand({ stateMachineArn: machine, name: 'stays-open', input: '{"name":"Ada"}' }),
    );
    executionArn = started.executionArn ?? '';
    rmSync(join(project, 'state-machines', 'hello'));
    expect(await deploy()).toMatchObject({
      workflows: ['brief'],
      retained: [{ workflow: 'hello', open: 1 }],
      leftovers: { removed: [], failed: [], problem: null },
    });
    const { machines, revisions } = await readInventory(cloud);
    const named = machines.find(({ workflow }) => workflow === 'hello')?.open[0]?.revisions ?? [];
    expect(named).not.toEqual([]);
    expect(revisions.map(({ arn }) => arn)).toEqual(expect.arrayContaining([...named]));
  });

  it('are refused when it comes back meanwhile', async () => {
    put('hello', 'state-machines');
    await expect(deploy()).rejects.toMatchObject({ code: 'workflow_retained' });
    rmSync(join(project, 'state-machines', 'hello'));
  });

  it('remove it when nothing of it is open any more', async () => {
    await sfn.send(new StopExecutionCommand({ executionArn }));
    const { removed, failed, problem } = (await deploy()).leftovers;
    expect({ failed, problem }).toEqual({ failed: [], problem: null });
    expect(new Set(removed.map(({ kind }) => kind))).toEqual(
      new Set(['state_machine', 'log_group', 'role', 'task_definition']),
    );
    expect((await cloud.machines()).map(({ workflow }) => workflow)).toEqual(['brief']);
  });

  it(
    'end when the stage is destroyed with its data: nothing is left but the keys',
    async () => {
      const result = await destroyStage(
        { ...options, deleteData: true },
        { cloud, data, runCdk, pause: async () => {} },
      );
      expect(result.dataDeleted).toBe(true);
      expect(new Set(result.removed.map(({ kind }) => kind))).toContain('table');
      const rest = await eventually(
        () => readInventory(cloud),
        ({ stacks }) => stacks.resources.length === 0,
        'the end of the stacks',
      );
      expect(rest).toMatchObject({ machines: [], functions: [], roles: [], revisions: [], logGroups: [] });
    },
    DESTROY_MS,
  );
});
