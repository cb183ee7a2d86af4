import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalAws, localAws } from '../_helpers/local-aws.ts';
import type { Call } from '../_helpers/permissions/evaluate.ts';
import { ACCOUNT, arn, nameOf, REGION } from '../_helpers/permissions/literals.ts';
import { stageOf } from '../_helpers/permissions/proof.ts';
import { serviceCalls } from '../_helpers/permissions/service-calls.ts';
import { deployedResourceIds } from '../_helpers/recorded-calls/deployed-names.ts';

/** The second opinion on what the emulator does not check: IAM is asked about the roles as they were deployed. */
let aws: LocalAws;
let iam: IAMClient;
let derived: readonly Call[];
/** Names of the templates → names of the deployment. */
let deployed: (text: string) => string;

beforeAll(async () => {
  aws = await localAws();
  const config = { endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials };
  iam = new IAMClient(config);
  const stage = await stageOf({ 'wflo:network': 'open', 'wflo:endpoint': aws.endpoint, 'wflo:stage': aws.stage });
  // Images are plain names here, which nobody pulls.
  derived = (await serviceCalls(stage)).filter(
    ({ principal, action }) => principal.startsWith('role:') && !action.startsWith('ecr:'),
  );
  deployed = await namesOfDeployment(config);
}, 120_000);

afterAll(() => iam.destroy());

it('every call that a service makes in the name of a role is allowed', async () => {
  expect(derived.length).toBeGreaterThan(100);
  const decisions = await Promise.all(derived.map(async (call) => ({ call: textOf(call), is: await simulate(call) })));
  expect(decisions.filter(({ is }) => is !== 'allowed')).toEqual([]);
});

it('the same calls are refused to another role, on another resource, and without what they are allowed under', async () => {
  const [log] = derived.filter(({ action }) => action === 'logs:PutLogEvents');
  const [pass] = derived.filter(({ action }) => action === 'iam:PassRole');
  const [invoke] = derived.filter(({ action }) => action === 'lambda:InvokeFunction');
  const [key] = derived.filter(({ action, context }) => action.startsWith('kms:') && Object.keys(context).length > 0);
  const [stream] = derived.filter(({ action }) => action === 'dynamodb:GetRecords');
  if (!log || !pass || !invoke || !key || !stream) throw new Error('nothing to refuse');
  const refused: readonly Call[] = [
    { ...pass, context: {} },
    { ...pass, context: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    { ...pass, principal: log.principal },
    { ...pass, resource: pass.principal.replace('role:', '') },
    { ...invoke, principal: log.principal },
    { ...invoke, resource: arn('lambda', 'function:wflo-dev-reconcile') },
    { ...key, context: {} },
    { ...log, resource: arn('logs', 'log-group:/wflo/other/open-execution:log-stream:any') },
    { ...stream, principal: invoke.principal },
    { ...stream, action: 'dynamodb:DeleteTable' },
  ];
  const decisions = await Promise.all(refused.map(async (call) => ({ call: textOf(call), is: await simulate(call) })));
  expect(decisions.filter(({ is }) => is !== 'implicitDeny')).toEqual([]);
});

async function simulate({ principal, action, resource, context }: Call): Promise<string | undefined> {
  const { EvaluationResults } = await iam.send(
    new SimulatePrincipalPolicyCommand({
      // AWS wants the path of a role; the emulator takes path and name together for the name.
      PolicySourceArn: deployed(principal.replace('role:', '')).replace(/:role\/.*\//, ':role/'),
      ActionNames: [action],
      ResourceArns: [deployed(resource)],
      ContextEntries: Object.entries(context).map(([ContextKeyName, value]) => ({
        ContextKeyName,
        ContextKeyType: 'string',
        ContextKeyValues: [deployed(value)],
      })),
    }),
  );
  return EvaluationResults?.[0]?.EvalDecision;
}

function textOf({ principal, action, resource, context }: Call): string {
  return `${deployed(principal)} ${action} ${deployed(resource)} ${deployed(JSON.stringify(context))}`;
}

async function namesOfDeployment(
  config: ConstructorParameters<typeof CloudFormationClient>[0] & object,
): Promise<(text: string) => string> {
  const ids = await deployedResourceIds(new CloudFormationClient(config));
  const physical = (type: string, name: string) => {
    const found = ids.find((each) => each.type === type && nameOf(each.logicalId) === name);
    if (found === undefined) throw new Error(`no ${type} was deployed as ${name}`);
    return found.physicalId;
  };
  const tables = new DynamoDBClient(config);
  const streams = new Map<string, string>();
  for (const { physicalId } of ids.filter(({ type }) => type === 'AWS::DynamoDB::Table')) {
    const { Table } = await tables.send(new DescribeTableCommand({ TableName: physicalId }));
    if (Table?.LatestStreamArn) streams.set(physicalId, Table.LatestStreamArn.replace(/^.*\/stream\//, ''));
  }
  tables.destroy();
  return (text) =>
    text
      .replace(/(:role\/(?:.*\/)?)([^/]+)$/, (_, path, name) => path + physical('AWS::IAM::Role', name))
      .replace(/:key\/(\w+)$/, (_, name) => `:key/${physical('AWS::KMS::Key', name).replace(/^.*key\//, '')}`)
      .replace(/:table\/(\w+)/, (_, name) => `:table/${physical('AWS::DynamoDB::Table', name)}`)
      .replace(/:table\/([^/]+)\/stream\/first/, (_, table) => `:table/${table}/stream/${streams.get(table)}`)
      .replaceAll(ACCOUNT, aws.account)
      .replaceAll(REGION, aws.region);
}
