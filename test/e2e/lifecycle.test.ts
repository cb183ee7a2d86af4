import { execFileSync } from 'node:child_process';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { GetFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ChainRecord } from '../../lib/audit/events.ts';
import type { ExecutionView } from '../../lib/client/api.ts';
import { type LocalAws, localAws } from '../_helpers/local-aws.ts';
import { killAtOnce, runnersOf } from '../_helpers/local-processes.ts';
import { eventually, runToEnd, wflo, wfloJson } from '../_helpers/wflo.ts';

let aws: LocalAws;
let sfn: SFNClient;
let lambda: LambdaClient;
let iam: IAMClient;

beforeAll(async () => {
  aws = await localAws();
  const config = { endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials };
  sfn = new SFNClient(config);
  lambda = new LambdaClient(config);
  iam = new IAMClient(config);
});

const machineArn = (workflow: string) =>
  `arn:aws:states:${aws.region}:${aws.account}:stateMachine:wflo-${aws.stage}-${workflow}`;
const executionArn = (id: string) => {
  const [workflow, name] = id.split(':');
  return `arn:aws:states:${aws.region}:${aws.account}:execution:wflo-${aws.stage}-${workflow}:${name}`;
};
const status = (id: string) => wfloJson<ExecutionView>('status', id);
const ended = (id: string) =>
  eventually(
    () => status(id),
    (view) => view.endedAt !== null,
    `${id} ends`,
  );

/** The chain once the relay has caught up with what the transactions wrote. */
async function chain(id: string): Promise<ChainRecord[]> {
  const { eventCount } = await status(id);
  return eventually(
    () => wfloJson<ChainRecord[]>('events', id),
    (records) => records.length >= eventCount,
    `events of ${id}`,
  );
}

const types = (records: readonly ChainRecord[]) => records.map((record) => record.event.eventType);

async function startDirectly(workflow: string, input: unknown, name?: string): Promise<string> {
  const started = await sfn.send(
    new StartExecutionCommand({
      stateMachineArn: machineArn(workflow),
      input: JSON.stringify(input),
      ...(name === undefined ? {} : { name }),
    }),
  );
  return `${workflow}:${started.executionArn?.split(':').at(-1)}`;
}

function runningCommand(pattern: string): number {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(pattern)).length;
}

function killRunnersOf(executionId: string): void {
  const pids = runnersOf(executionId);
  expect(pids.length).toBeGreaterThan(0);
  for (const pid of pids) killAtOnce(pid);
}

describe('starting', () => {
  it('greets, by name and by default', async () => {
    expect(await runToEnd('hello', { name: 'Alice' })).toMatchObject({
      status: 'succeeded',
      output: { message: 'Hello, Alice!' },
    });
    expect(await runToEnd('hello', {})).toMatchObject({ status: 'succeeded', output: { message: 'Hello, World!' } });
  });

  it('by StartExecution alone behaves the same, with a requester that nothing proves', async () => {
    const id = await startDirectly('hello', { name: 'Bob' });
    const view = await ended(id);

    expect(view).toMatchObject({
      status: 'succeeded',
      output: { message: 'Hello, Bob!' },
      requester: { verified: false },
    });
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn: executionArn(id) }));
    expect(JSON.parse(described.output ?? '')).toStrictEqual({ message: 'Hello, Bob!' });
    const byCli = await runToEnd('hello', { name: 'Bob' });
    expect(byCli.requester.verified).toBe(true);
    expect(types(await chain(id))).toStrictEqual(types(await chain(byCli.executionId)));
  });

  it('by StartExecution with a wrong input ends failed before any step, with all problems', async () => {
    const view = await ended(await startDirectly('data-processor', { olderThanDays: -1, surplus: { a: 1 } }));

    expect(view).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
    expect(view.error?.message).toContain('olderThanDays');
    expect(view.steps.every((step) => step.status === 'pending')).toBe(true);
    expect(types(await chain(view.executionId))).toStrictEqual(['workflow.started', 'workflow.failed']);
  });

  it('by the CLI with a wrong input starts nothing', async () => {
    const before = await wfloJson<{ executions: unknown[] }>('list', '--workflow', 'data-processor');
    const { code, stdout, stderr } = await wflo('run', 'data-processor', '--local', '--input', '{"olderThanDays":"x"}');

    expect({ code, stdout }).toStrictEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('invalid_input');
    expect(stderr).toContain('olderThanDays');
    const after = await wfloJson<{ executions: unknown[] }>('list', '--workflow', 'data-processor');
    expect(after).toStrictEqual(before);
  });

  it('twice under one name with one input is one execution, with another input a conflict', async () => {
    const first = await wfloJson<ExecutionView>(
      'run',
      'hello',
      '--name',
      'same-name',
      '--input',
      '{"name":"A"}',
      '--wait',
    );
    const again = await wfloJson<ExecutionView>(
      'run',
      'hello',
      '--name',
      'same-name',
      '--input',
      '{"name":"A"}',
      '--wait',
    );
    expect(again).toMatchObject({ executionId: first.executionId, startedAt: first.startedAt, status: 'succeeded' });

    const other = await wflo('run', 'hello', '--local', '--name', 'same-name', '--input', '{"name":"B"}');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('name_conflict');
  });

  it('of a workflow that does not exist names those that do', async () => {
    const { code, stderr } = await wflo('run', 'helo', '--local');
    expect(code).toBe(1);
    expect(stderr).toContain('unknown_workflow');
    expect(stderr).toContain('hello');
  });
});

describe('ending outside the graph', () => {
  it('by cancel: the agent and all that it started are gone, the next step never runs', async () => {
    const started = await wfloJson<ExecutionView>('run', 'patience');
    const id = started.executionId;
    await eventually(
      () => status(id),
      (view) => view.steps[0]?.status === 'running',
      'the agent runs',
    );
    await eventually(
      async () => runningCommand('sleep 241'),
      (count) => count > 0,
      'the grandchild runs',
    );

    const { code } = await wflo('cancel', id, '--local');
    expect(code).toBe(0);
    const view = await ended(id);

    expect(view).toMatchObject({ status: 'cancelled', steps: [{ status: 'cancelled' }, { status: 'pending' }] });
    await eventually(
      async () => runningCommand('sleep 241'),
      (count) => count === 0,
      'nothing runs on',
    );
    expect(types(await chain(id)).at(-1)).toBe('workflow.cancelled');
    expect((await wflo('audit', 'verify', id, '--local')).code).toBe(0);

    const again = await wflo('cancel', id, '--local');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('execution_closed');
  });

  it('by StopExecution from the console is recorded as cancelled', async () => {
    const { executionId } = await wfloJson<ExecutionView>('run', 'patience');
    await eventually(
      () => status(executionId),
      (view) => view.steps[0]?.status === 'running',
      'the agent runs',
    );
    await sfn.send(new StopExecutionCommand({ executionArn: executionArn(executionId), cause: 'stopped by hand' }));

    expect(await ended(executionId)).toMatchObject({ status: 'cancelled' });
  });
});

/** The functions that worked for a step, once per invocation: each writes one line about every one of its own. */
async function invocationsOf(executionId: string, stepPath: string): Promise<string[]> {
  const logs = new CloudWatchLogsClient({ endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials });
  const { logGroups = [] } = await logs.send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix: `/wflo/${aws.stage}/` }),
  );
  const found = await Promise.all(
    logGroups.map(async ({ logGroupName }) => {
      const { events = [] } = await logs.send(
        new FilterLogEventsCommand({ logGroupName, filterPattern: `"${executionId}"` }),
      );
      return events.map(({ message = '' }) => jsonLine(message));
    }),
  );
  return found
    .flat()
    .filter((line) => line.message === 'invocation' && line.stepPath === stepPath)
    .map((line) => String(line.service));
}

/** Structured lines are JSON; START and END are not. */
function jsonLine(text: string): { [key: string]: unknown } {
  return text.startsWith('{') ? JSON.parse(text) : {};
}

describe('a short sandbox step', () => {
  it('takes five transitions of the graph and four Lambda invocations', async () => {
    const view = await runToEnd('hello', { name: 'Count' });
    const history = await sfn.send(
      new GetExecutionHistoryCommand({ executionArn: executionArn(view.executionId), maxResults: 1000 }),
    );
    const entered = (history.events ?? []).flatMap((event) => event.stateEnteredEventDetails?.name ?? []);
    const ofStep = entered.filter((name) => name.includes('.'));
    expect(ofStep.map((name) => name.split('.').at(-1))).toStrictEqual(['Prepare', 'Route', 'Run', 'Finish', 'Next']);

    expect((await invocationsOf(view.executionId, 'greet')).sort()).toStrictEqual([
      'finish-step',
      'prepare-step',
      'serve-sandbox-api',
      'serve-sandbox-api',
    ]);
    expect(types(await chain(view.executionId))).toStrictEqual([
      'workflow.started',
      'step.prepared',
      'sandbox.claimed',
      'step.started',
      'sandbox.exited',
      'step.succeeded',
      'cost.settled',
      'workflow.succeeded',
    ]);
  });
});

describe('permissions are enforced', () => {
  it('a step whose function lost its grant fails with AccessDenied, and the record says so', {
    timeout: 300_000,
  }, async () => {
    const { Configuration } = await lambda.send(
      new GetFunctionCommand({ FunctionName: `wflo-${aws.stage}-finish-step` }),
    );
    const RoleName = Configuration?.Role?.split('/').at(-1) ?? '';
    const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    const saved = await Promise.all(
      PolicyNames.map(async (PolicyName) => {
        const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
        return { RoleName, PolicyName, PolicyDocument: decodeURIComponent(PolicyDocument ?? '') };
      }),
    );
    expect(saved.length).toBeGreaterThan(0);
    try {
      for (const { PolicyName } of saved) await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
      const { executionId } = await wfloJson<ExecutionView>('run', 'hello', '--input', '{"name":"Denied"}');
      const view = await eventually(
        () => status(executionId),
        (seen) => seen.endedAt !== null,
        'the execution ends',
        // The seven repeats of Finish, which the local AWS does not cut short.
        200,
      );

      expect(view.status).toBe('failed');
      expect(view.error?.message).toMatch(/AccessDenied|not authorized to perform/);
    } finally {
      for (const policy of saved) await iam.send(new PutRolePolicyCommand(policy));
    }
    expect((await runToEnd('hello', { name: 'Again' })).status).toBe('succeeded');
  });

  it('an operator may use the control API and nothing behind it', async () => {
    const asOperator = new SFNClient({ endpoint: aws.endpoint, region: aws.region, credentials: aws.operator });
    await expect(
      asOperator.send(new StartExecutionCommand({ stateMachineArn: machineArn('hello'), input: '{}' })),
    ).rejects.toMatchObject({ name: expect.stringContaining('AccessDenied') });
  });
});

describe('what nobody reports', () => {
  it('a runner that is killed is lost, told as lost, and its step is tried again', async () => {
    const { executionId } = await wfloJson<ExecutionView>('run', 'patience');
    await eventually(
      () => status(executionId),
      (view) => view.steps[0]?.status === 'running',
      'the agent runs',
    );
    killRunnersOf(executionId);

    const again = await eventually(
      () => status(executionId),
      (view) => view.steps[0]?.attempt === 2 && view.steps[0].status === 'running',
      'the second attempt runs',
      60,
    );
    expect(again.status).toBe('running');
    const told = (await chain(executionId))
      // What the lost task has cost is told when ECS knows its end, which may be later.
      .filter(({ event }) => event.attempt === 1 && event.eventType !== 'cost.settled')
      .map(({ event }) => event.eventType);
    expect(told).toStrictEqual(['step.prepared', 'sandbox.claimed', 'step.started', 'sandbox.lost', 'step.retried']);
    await wflo('cancel', executionId, '--local');
    expect(await ended(executionId)).toMatchObject({ status: 'cancelled' });
    await eventually(
      async () => runningCommand('sleep 241'),
      (count) => count === 0,
      'nothing runs on',
    );
  });
});

describe('reconcile', () => {
  const reconcile = () =>
    lambda.send(new InvokeCommand({ FunctionName: `wflo-${aws.stage}-reconcile`, Payload: Buffer.from('{}') }));

  it('ends an execution that is past its timeout', async () => {
    const { executionId } = await wfloJson<ExecutionView>('run', 'deadline', '--input', '{"seconds":600}');
    const view = await eventually(
      async () => {
        await reconcile();
        return status(executionId);
      },
      (seen) => seen.endedAt !== null,
      'the execution is ended',
    );

    expect(view).toMatchObject({ status: 'timed_out', error: { code: 'timed_out' } });
    expect(types(await chain(executionId))).toStrictEqual(['workflow.started', 'workflow.timed_out']);
  });

  it('finds nothing to repair in a quiet system, and does not fail', async () => {
    expect((await reconcile()).FunctionError).toBeUndefined();
  });
});
