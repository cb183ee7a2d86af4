import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateClusterCommand,
  DeleteClusterCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateRoleCommand, DeleteRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateStateMachineCommand, DeleteStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { appendToChain } from '../../../lib/audit/chain.ts';
import {
  type DeployedWorkflow,
  deployedWorkflows,
  writeDeployedWorkflow,
} from '../../../lib/aws/deployed-workflows.ts';
import { documentClient } from '../../../lib/aws/document-client.ts';
import { ecsSandboxTasks } from '../../../lib/aws/ecs-sandbox-tasks.ts';
import { eventBridgeBus } from '../../../lib/aws/event-bridge-bus.ts';
import { stepFunctionsMachines } from '../../../lib/aws/step-functions-machines.ts';
import { systemClock } from '../../../lib/aws/system-clock.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import type { WorkflowConfig } from '../../../lib/execution/machine.ts';
import type { SandboxTasks, StateMachines, Workflows } from '../../../lib/ports.ts';
import { SANDBOX_CONTAINER } from '../../../lib/sandbox/protocol.ts';
import { createTables, type TestTables } from '../../_helpers/create-tables.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';
import { localAws } from '../../_helpers/local-aws.ts';

const suffix = randomBytes(4).toString('hex');

describe('state machines', () => {
  const stage = `test-${suffix}`;
  const config: WorkflowConfig = {
    name: 'waits',
    inputSchema: { type: 'object', properties: { price: { type: 'string', pattern: '^\\$' } } },
    timeoutSeconds: 60,
    steps: [{ path: 'write', kind: 'sandbox' }],
    stepKeys: ['write'],
    inputRefs: [],
    gates: [],
  };
  let sfn: SFNClient;
  let iam: IAMClient;
  let tables: TestTables;
  let tell: (workflow: DeployedWorkflow) => Promise<void>;
  let machines: StateMachines;
  let workflows: Workflows;
  let stateMachineArn = '';

  beforeAll(async () => {
    const { endpoint, region, credentials, account } = await localAws();
    sfn = new SFNClient({ endpoint, region, credentials });
    machines = stepFunctionsMachines({ sfn, stage, region, account });
    const dynamo = new DynamoDBClient({ endpoint, region, credentials });
    tables = await createTables(dynamo);
    const client = documentClient(dynamo);
    workflows = deployedWorkflows({ client, stateTable: tables.stateTable, sfn });
    tell = (workflow) => writeDeployedWorkflow(client, tables.stateTable, workflow);
    iam = new IAMClient({ endpoint, region, credentials });
    const role = await iam.send(
      new CreateRoleCommand({
        RoleName: stage,
        AssumeRolePolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        }),
      }),
    );
    const created = await sfn.send(
      new CreateStateMachineCommand({
        name: `wflo-${stage}-waits`,
        roleArn: role.Role?.Arn,
        definition: JSON.stringify({
          StartAt: 'Open',
          States: {
            Open: {
              Type: 'Wait',
              Seconds: 30,
              End: true,
              Parameters: { Payload: { workflow: JSON.stringify(config).replaceAll('$', '\\u0024') } },
            },
          },
        }),
      }),
    );
    stateMachineArn = created.stateMachineArn ?? '';
    await tell({ name: 'waits', machineArn: stateMachineArn, deployedAt: '2026-01-01T00:00:00.000Z' });
  });
  afterAll(async () => {
    await tables.remove();
    await sfn.send(new DeleteStateMachineCommand({ stateMachineArn }));
    await iam.send(new DeleteRoleCommand({ RoleName: stage }));
  });

  it('lists the deployed workflows', async () => {
    expect(await workflows.names()).toEqual(['waits']);
  });

  it('reads the configuration that is embedded in the deployed definition', async () => {
    expect(await workflows.config('waits')).toEqual(config);
    expect(await workflows.config('unknown')).toBeUndefined();
    expect(await workflows.config('not a name')).toBeUndefined();
  });

  it('knows a workflow no more that was removed while its machine stays', async () => {
    const workflow = { name: 'waits', machineArn: stateMachineArn, deployedAt: '2026-01-01T00:00:00.000Z' };
    await tell({ ...workflow, removedAt: '2026-01-02T00:00:00.000Z' });
    expect(await workflows.names()).toEqual([]);
    expect(await workflows.config('waits')).toBeUndefined();
    await tell(workflow);
    expect(await workflows.names()).toEqual(['waits']);
  });

  it('starts an execution once, and describes and stops it', async () => {
    const arn = machines.executionArn('waits:one');
    expect(await machines.describe(arn)).toBeUndefined();
    expect(await machines.start('waits:one', { n: 1 })).toBe('started');
    expect(await machines.describe(arn)).toMatchObject({ status: 'RUNNING', input: '{"n":1}' });
    expect(await machines.start('waits:one', { n: 2 })).toBe('exists');
    await machines.stop(arn, 'cancelled', 'enough');
    expect(await machines.describe(arn)).toMatchObject({ status: 'ABORTED', error: 'cancelled', cause: 'enough' });
    await machines.stop(arn, 'cancelled', 'again');
    expect(await machines.start('waits:one', { n: 1 })).toBe('exists');
  });

  it('takes it that an execution to stop has never been', async () => {
    await machines.stop(machines.executionArn('waits:never'), 'cancelled', 'x'.repeat(40_000));
  });

  it('does not start what is not deployed', async () => {
    await expect(machines.start('unknown:one', {})).rejects.toMatchObject({ code: 'unknown_workflow' });
  });
});

describe('sandbox tasks', () => {
  const cluster = `test-${suffix}`;
  let ecs: ECSClient;
  let tasks: SandboxTasks;
  let taskDefinition = '';

  beforeAll(async () => {
    const { endpoint, region, credentials } = await localAws();
    ecs = new ECSClient({ endpoint, region, credentials });
    tasks = ecsSandboxTasks({ client: ecs, cluster });
    await ecs.send(new CreateClusterCommand({ clusterName: cluster }));
    const registered = await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: cluster,
        requiresCompatibilities: ['FARGATE'],
        networkMode: 'awsvpc',
        cpu: '256',
        memory: '512',
        containerDefinitions: [{ name: SANDBOX_CONTAINER, image: 'none' }],
      }),
    );
    taskDefinition = registered.taskDefinition?.taskDefinitionArn ?? '';
  });
  afterAll(async () => {
    for (const arn of await tasks.listRunning()) await tasks.stop(arn, 'end of the test');
    await ecs.send(new DeleteClusterCommand({ cluster }));
  });

  async function run(lease: string): Promise<string> {
    const answer = await ecs.send(
      new RunTaskCommand({
        cluster,
        taskDefinition,
        startedBy: 'AWS Step Functions',
        launchType: 'FARGATE',
        networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
        overrides: {
          containerOverrides: [{ name: SANDBOX_CONTAINER, environment: [{ name: 'WFLO_LEASE', value: lease }] }],
        },
      }),
    );
    return answer.tasks?.[0]?.taskArn ?? '';
  }

  it('are found by the lease that started them, running and stopped', async () => {
    const [one, two] = [await run('lease-one'), await run('lease-two')];
    expect(await tasks.findByLease('lease-one')).toMatchObject({
      taskArn: one,
      taskDefinitionArn: taskDefinition,
      clusterArn: expect.stringMatching(new RegExp(`cluster/${cluster}$`)),
      environment: { WFLO_LEASE: 'lease-one' },
    });
    expect([...(await tasks.listRunning())].sort()).toEqual([one, two].sort());

    await tasks.stop(one, `enough ${'x'.repeat(500)}`);
    expect(await tasks.listRunning()).toEqual([two]);
    expect(await tasks.findByLease('lease-one')).toMatchObject({
      taskArn: one,
      lastStatus: 'STOPPED',
      stopCode: 'UserInitiated',
      stoppedReason: expect.stringMatching(/^enough x+$/),
    });
    await tasks.stop(one, 'again');
  });

  it('are undefined where there are none', async () => {
    expect(await tasks.findByLease('lease-none')).toBeUndefined();
    const gone = (await run('lease-three')).replace(/[^/]+$/, '0'.repeat(32));
    expect(await tasks.describe(gone)).toBeUndefined();
    await tasks.stop(gone, 'it is not there');
  });
});

it('the event bus takes the records of a chain', async () => {
  const { endpoint, region, credentials } = await localAws();
  const bus = eventBridgeBus({
    client: new EventBridgeClient({ endpoint, region, credentials }),
    eventBus: 'default',
  });
  const event = buildEvent({ ids: ulidIds(systemClock), clock: systemClock }, anExecution(), {
    type: 'step.started',
    data: {},
    actor: { type: 'system', id: 'test', via: 'test' },
  });
  await expect(bus.publish(appendToChain(undefined, [event]))).resolves.toBeUndefined();
});
