/** Set-up of every end-to-end file: after it, what roles have called so far must be in the committed summary. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CloudFormationClient, paginateListStackResources, paginateListStacks } from '@aws-sdk/client-cloudformation';
import { afterAll, expect } from 'vitest';
import { localAws, recordingFile } from '../local-aws.ts';
import { addToSummary, type DeployedNames, normalise, readRecording, summary } from './recorded.ts';

afterAll(async () => {
  const calls = normalise(readRecording(recordingFile), await deployedNames());
  const file = basename(expect.getState().testPath ?? 'unknown', '.test.ts');
  writeFileSync(join(recordingFile, '..', `recorded-calls.${file}.json`), `${JSON.stringify(calls, null, 2)}\n`);
  if (process.env.UPDATE_CALLS === '1') addToSummary(calls);
  const known = new Set(summary());
  expect(
    calls.filter((call) => !known.has(call)),
    'calls that no run made before: if they are meant, UPDATE_CALLS=1 npm run test:e2e adds them to test/_fixtures/recorded-calls.txt',
  ).toEqual([]);
});

async function deployedNames(): Promise<DeployedNames> {
  const { endpoint, region, credentials } = await localAws();
  const client = new CloudFormationClient({ endpoint, region, credentials });
  const byType = new Map<string, Map<string, string>>();
  for await (const { StackSummaries = [] } of paginateListStacks({ client }, {})) {
    for (const { StackName } of StackSummaries.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE')) {
      for await (const page of paginateListStackResources({ client }, { StackName })) {
        for (const {
          ResourceType = '',
          PhysicalResourceId = '',
          LogicalResourceId = '',
        } of page.StackResourceSummaries ?? []) {
          const named = byType.get(ResourceType) ?? new Map<string, string>();
          byType.set(ResourceType, named.set(PhysicalResourceId, LogicalResourceId));
        }
      }
    }
  }
  client.destroy();
  const of = (type: string) => byType.get(type) ?? new Map<string, string>();
  return { roles: of('AWS::IAM::Role'), tables: of('AWS::DynamoDB::Table'), buckets: of('AWS::S3::Bucket') };
}
