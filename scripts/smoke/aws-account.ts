import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { CloudFormationClient, paginateListStacks, type StackStatus } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { paginateListStateMachines, SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { connect } from '../../lib/cli/target.ts';
import { deployedStage } from './deployed-stage.ts';
import { enterStage } from './enter-stage.ts';
import { layOutSmokeProject, smokeProject } from './project.ts';
import type { SmokePorts } from './run-smoke.ts';

const wflo = resolve(import.meta.dirname, '../../bin/wflo.mjs');
const PATIENCE_SECONDS = 600;

/** The account and region of the environment, through the CLI of this checkout and the SDK. */
export function awsAccount(): SmokePorts {
  const sts = new STSClient({});
  const account = async (): Promise<string> => {
    const { Account } = await sts.send(new GetCallerIdentityCommand({}));
    return Account ?? '';
  };
  const deploy = async (stage: string, edition: 'first' | 'changed'): Promise<void> => {
    layOutSmokeProject(edition);
    await runWflo('deploy', '--stage', stage);
  };
  return {
    account,
    remains,
    deploy: (stage) => deploy(stage, 'first'),
    // Cancels what a failed check has left open: destroying is refused over open executions.
    destroy: (stage) => runWflo('destroy', '--stage', stage, '--confirm', stage, '--cancel-open', '--delete-data'),
    async enter(stage) {
      const client = await connect({ kind: 'aws', stage }, smokeProject);
      await enterStage(client);
      return deployedStage({
        stage,
        account: await account(),
        region: await sts.config.region(),
        client,
        deployChange: () => deploy(stage, 'changed'),
        patienceSeconds: PATIENCE_SECONDS,
      });
    },
    say: (line) => console.error(line),
  };
}

/** On this terminal: CDK asks before it gives permissions. */
function runWflo(...args: string[]): Promise<void> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [wflo, ...args], { cwd: smokeProject, stdio: ['inherit', 2, 2] });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? done() : reject(new Error(`wflo ${args.join(' ')} ended with ${code ?? 'a signal'}`)),
    );
  });
}

const GONE: readonly StackStatus[] = ['DELETE_COMPLETE'];

/** By name; keys are not among it, because they are only ever scheduled for deletion. */
async function remains(stage: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { StackSummaries = [] } of paginateListStacks({ client: new CloudFormationClient({}) }, {}))
    for (const { StackName = '', StackStatus } of StackSummaries)
      if (new RegExp(`^Wflo[A-Z][a-z]+-${stage}$`).test(StackName) && !GONE.includes(StackStatus ?? 'CREATE_COMPLETE'))
        found.push(`stack ${StackName}`);
  for await (const { TableNames = [] } of paginateListTables({ client: new DynamoDBClient({}) }, {}))
    found.push(...TableNames.filter((name) => name.startsWith(`WfloData-${stage}-`)).map((name) => `table ${name}`));
  const { Buckets = [] } = await new S3Client({}).send(new ListBucketsCommand({}));
  for (const { Name = '' } of Buckets)
    if (Name.startsWith(`wflodata-${stage}-`) || Name.startsWith(`wflo-${stage}-`)) found.push(`bucket ${Name}`);
  for await (const { stateMachines = [] } of paginateListStateMachines({ client: new SFNClient({}) }, {}))
    for (const { name = '' } of stateMachines)
      if (name.startsWith(`wflo-${stage}-`)) found.push(`state machine ${name}`);
  for (const prefix of [`/wflo/${stage}/`, `/aws/vendedlogs/states/wflo-${stage}-`])
    for await (const { logGroups = [] } of paginateDescribeLogGroups(
      { client: new CloudWatchLogsClient({}) },
      { logGroupNamePrefix: prefix },
    ))
      found.push(...logGroups.map(({ logGroupName }) => `log group ${logGroupName}`));
  return found;
}
