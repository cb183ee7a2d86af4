import {
  type CloudWatchLogsClient,
  DeleteLogGroupCommand,
  paginateDescribeLogGroups,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LogGroupFound } from '../inventory.ts';
import { unlessGone } from './gone.ts';

export async function readLogGroups(client: CloudWatchLogsClient, stage: string): Promise<readonly LogGroupFound[]> {
  const groups: LogGroupFound[] = [];
  for (const logGroupNamePrefix of [`/wflo/${stage}/`, `/aws/vendedlogs/states/wflo-${stage}-`]) {
    for await (const page of paginateDescribeLogGroups({ client }, { logGroupNamePrefix })) {
      for (const { logGroupName, creationTime } of page.logGroups ?? []) {
        if (logGroupName !== undefined) groups.push({ name: logGroupName, at: new Date(creationTime ?? Date.now()) });
      }
    }
  }
  return groups;
}

export async function removeLogGroup(client: CloudWatchLogsClient, logGroupName: string): Promise<void> {
  await unlessGone(client.send(new DeleteLogGroupCommand({ logGroupName })));
}
