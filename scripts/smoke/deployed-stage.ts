import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient, paginateListTasks } from '@aws-sdk/client-ecs';
import { DescribeStateMachineCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, paginateListQueues, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { type DeployedStage, NotShown } from './check.ts';

export interface StageAccess {
  readonly stage: string;
  readonly account: string;
  readonly region: string;
  readonly client: ControlApiClient;
  readonly deployChange: () => Promise<void>;
  /** Of every SDK client: empty on AWS, the endpoint and its credentials elsewhere. */
  readonly settings?: {
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Pulling an image and starting a task takes minutes on AWS. */
  readonly patienceSeconds: number;
}

/** A stage as the SDK shows it. */
export async function deployedStage(access: StageAccess): Promise<DeployedStage> {
  const { stage, region, account, client, patienceSeconds } = access;
  const settings = { region, ...access.settings };
  const ssm = new SSMClient(settings);
  const sfn = new SFNClient(settings);
  const logs = new CloudWatchLogsClient(settings);
  const ecs = new ECSClient(settings);
  const sqs = new SQSClient(settings);
  const cloudWatch = new CloudWatchClient(settings);
  const parameter = async (name: string): Promise<string> => {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: `/wflo/${stage}/${name}` }));
    return Parameter?.Value ?? '';
  };

  return {
    region,
    client,
    controlApiUrl: await parameter('control-api-url'),
    executionIds: new Set(),
    deployChange: access.deployChange,
    networkMode: () => parameter('network-mode'),

    async machineEncryption(workflow) {
      const stateMachineArn = await parameter(`workflows/${workflow}`);
      const { encryptionConfiguration } = await sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
      return encryptionConfiguration?.type ?? 'not told';
    },

    async stopMachine(executionId, cause) {
      const [workflow, name] = executionId.split(':');
      const executionArn = `arn:aws:states:${region}:${account}:execution:wflo-${stage}-${workflow}:${name}`;
      await sfn.send(new StopExecutionCommand({ executionArn, cause }));
    },

    async runningTasks() {
      const running: string[] = [];
      const cluster = await parameter('sandbox-cluster');
      for await (const page of paginateListTasks({ client: ecs }, { cluster, desiredStatus: 'RUNNING' }))
        running.push(...(page.taskArns ?? []));
      return running;
    },

    async countLogLines(name, text) {
      let lines = 0;
      const query = { logGroupName: `/wflo/${stage}/${name}`, filterPattern: `"${text}"` };
      for await (const page of paginateFilterLogEvents({ client: logs }, query)) lines += page.events?.length ?? 0;
      return lines;
    },

    async queueDepths() {
      const depths: Record<string, number> = {};
      for await (const { QueueUrls = [] } of paginateListQueues({ client: sqs }, { QueueNamePrefix: `wflo-${stage}-` }))
        for (const QueueUrl of QueueUrls) {
          const { Attributes } = await sqs.send(
            new GetQueueAttributesCommand({
              QueueUrl,
              AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
            }),
          );
          depths[QueueUrl.split('/').at(-1) ?? QueueUrl] =
            Number(Attributes?.ApproximateNumberOfMessages) + Number(Attributes?.ApproximateNumberOfMessagesNotVisible);
        }
      return depths;
    },

    async alarms() {
      const alarms: { name: string; state: string }[] = [];
      for await (const page of paginateDescribeAlarms({ client: cloudWatch }, { AlarmNamePrefix: `wflo-${stage}-` }))
        for (const { AlarmName, StateValue } of page.MetricAlarms ?? [])
          alarms.push({ name: AlarmName ?? '', state: StateValue ?? '' });
      return alarms;
    },

    async eventually(look, holds, what) {
      const deadline = Date.now() + patienceSeconds * 1000;
      for (;;) {
        const seen = await look();
        if (holds(seen)) return seen;
        if (Date.now() > deadline)
          throw new NotShown(
            `${what}: not within ${patienceSeconds} s; last seen ${JSON.stringify(seen).slice(0, 500)}`,
          );
        await sleep(1000);
      }
    },
  };
}
