import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient } from '@aws-sdk/client-ecs';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { readStageParameters } from '../../local-cloud/deployment-parameters.ts';
import type { Leftover } from '../inventory.ts';
import type { StageCloud } from '../stage-cloud.ts';
import { artefactBucket, readCode, removeCode } from './code.ts';
import { readFunctions, removeFunction, removeVersion } from './functions.ts';
import { readLogGroups, removeLogGroup } from './log-groups.ts';
import { readMachines, removeMachine } from './machines.ts';
import { readRoles, removeRole } from './roles.ts';
import { readSkipped, readStacks } from './stacks.ts';
import { readRevisions, removeRevision } from './task-definitions.ts';

/** What clients of all services have in common; the account is that of the environment where nothing else is said. */
export type ClientSettings = Pick<
  S3ClientConfig,
  'region' | 'endpoint' | 'credentials' | 'maxAttempts' | 'requestHandler'
>;

/** The account of the environment's credentials. IAM and Lambda throttle lists, so calls are repeated more often. */
export function awsStageCloud(stage: string, settings: ClientSettings = { maxAttempts: 8 }): StageCloud {
  const cloudFormation = new CloudFormationClient(settings);
  const ecs = new ECSClient(settings);
  const iam = new IAMClient(settings);
  const lambda = new LambdaClient(settings);
  const logs = new CloudWatchLogsClient(settings);
  const s3 = new S3Client(settings);
  const sfn = new SFNClient(settings);
  const ssm = new SSMClient(settings);
  const remove: Record<Leftover['kind'], (id: string) => Promise<void>> = {
    state_machine: (arn) => removeMachine(sfn, arn),
    function: (name) => removeFunction(lambda, name),
    function_version: (arn) => removeVersion(lambda, arn),
    log_group: (name) => removeLogGroup(logs, name),
    role: (name) => removeRole(iam, name),
    task_definition: (arn) => removeRevision(ecs, arn),
    code: (uri) => removeCode(s3, uri),
  };
  return {
    parameters: () => readStageParameters(ssm, stage),
    stacks: () => readStacks(cloudFormation, stage),
    skipped: (arns) => readSkipped(cloudFormation, arns),
    machines: () => readMachines(sfn, stage),
    functions: () => readFunctions(lambda, stage),
    roles: () => readRoles(iam, stage),
    revisions: () => readRevisions(ecs, stage),
    logGroups: () => readLogGroups(logs, stage),
    code: (stacks) => readCode(s3, artefactBucket(stacks, stage)),
    remove: ({ kind, id }) => remove[kind](id),
  };
}
