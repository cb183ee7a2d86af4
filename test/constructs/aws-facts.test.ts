/**
 * What AWS asks of a deployment and no emulator checks, as far as no other test of this folder holds it: beside these,
 * `permissions.test.ts` has what roles need, `functions.test.ts` the streams and destinations, `network.test.ts` the
 * endpoints, `data.test.ts` tables and keys, and `sandboxes.test.ts` the revisions that stay.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CfnResource, type SynthesisedStage, synthesiseStage } from '../_helpers/synthesised-stage.ts';

let stage: SynthesisedStage;
beforeAll(async () => {
  stage = await synthesiseStage();
});

const text = (value: unknown) => JSON.stringify(value);
/** The resource that a `Ref` or `Fn::GetAtt` in a property leads to. */
const targetOf = (value: unknown): CfnResource | undefined =>
  stage.resources.find(({ id }) => text(value).includes(`"${id}"`));

describe('state machines', () => {
  const folder = resolve(import.meta.dirname, '../../state-machines');
  const definitions = ['hello', 'data-processor', 'research-agent', 'research-agent-ts'].map((name) => {
    const asl = readFileSync(join(folder, name, 'workflow.asl.json'), 'utf8');
    return { name, asl, machine: JSON.parse(asl) as { TimeoutSeconds: number } };
  });

  it('log into groups below /aws/vendedlogs/, for which one resource policy of the account is enough', () => {
    const machines = stage.ofType('AWS::StepFunctions::StateMachine');
    expect(machines).toHaveLength(definitions.length);
    for (const { Properties } of machines) {
      const [destination] = Properties.LoggingConfiguration.Destinations;
      const group = targetOf(destination.CloudWatchLogsLogGroup.LogGroupArn);
      expect(group?.Properties.LogGroupName).toBe(`/aws/vendedlogs/states/${Properties.StateMachineName}`);
    }
  });

  it('have definitions below the 1 MB that Step Functions takes, with a time-out of a year at most', () => {
    for (const { name, asl, machine } of definitions) {
      expect(Buffer.byteLength(asl), name).toBeLessThan(1_000_000 / 2);
      expect(machine.TimeoutSeconds, name).toBeGreaterThan(0);
      expect(machine.TimeoutSeconds, name).toBeLessThanOrEqual(365 * 86_400);
    }
  });

  it('use these integrations only: another one needs permissions of its own', () => {
    const used = definitions.flatMap(({ asl }) =>
      [...asl.matchAll(/"Resource":\s*"([^"]+)"/g)].map((match) => match[1] ?? ''),
    );
    expect([...new Set(used)].sort()).toEqual([
      'arn:aws:states:::ecs:runTask.sync',
      'arn:aws:states:::lambda:invoke',
      'arn:aws:states:::lambda:invoke.waitForTaskToken',
    ]);
  });

  it('catch with States.ALL, States.TaskFailed and States.Timeout, and never name what these do not match', () => {
    const names = definitions.flatMap(({ asl }) =>
      [...asl.matchAll(/"ErrorEquals":\s*\[([^\]]*)\]/g)].flatMap((match) => JSON.parse(`[${match[1]}]`) as string[]),
    );
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !['States.ALL', 'States.TaskFailed', 'States.Timeout'].includes(name))).toEqual([]);
  });
});

describe('APIs', () => {
  it('are answered by functions that end no later than API Gateway gives up: after 29 seconds, and 15 minutes of a stream', () => {
    const handlers = stage
      .ofType('AWS::Lambda::Function')
      .filter(({ Properties }) => /-serve-(control|sandbox)-api$/.test(Properties.FunctionName));
    expect(handlers).toHaveLength(2);
    for (const { Properties } of handlers) expect(Properties.Timeout, Properties.FunctionName).toBeLessThanOrEqual(29);
    const [gateway] = stage
      .ofType('AWS::Lambda::Function')
      .filter(({ Properties }) => Properties.FunctionName === 'wflo-dev-serve-gateway');
    const streamed = 15 * 60;
    expect(gateway?.Properties.Timeout).toBe(streamed);
    for (const { Properties, id } of stage.ofType('AWS::ApiGateway::Method')) {
      const { ResponseTransferMode, TimeoutInMillis } = Properties.Integration;
      if (ResponseTransferMode === 'STREAM') expect(TimeoutInMillis, id).toBe(streamed * 1000);
      else expect(TimeoutInMillis ?? 29_000, id).toBeLessThanOrEqual(29_000);
    }
  });

  it('ask for exactly one kind of authorization on each method', () => {
    const kinds = stage.ofType('AWS::ApiGateway::Method').map(({ Properties }) => Properties.AuthorizationType);
    expect([...new Set(kinds)].sort()).toEqual(['AWS_IAM', 'NONE']);
    expect(text(stage.ofType('AWS::ApiGateway::Method'))).not.toContain('AuthorizerId');
  });
});

describe('functions', () => {
  it('have variables within the 4 KB that Lambda takes', () => {
    for (const { Properties } of stage.ofType('AWS::Lambda::Function'))
      expect(text(Properties.Environment ?? {}).length, Properties.FunctionName).toBeLessThan(4096);
  });
});

describe('what a service keeps for us', () => {
  it.each([
    ['AWS::Logs::LogGroup', 'KmsKeyId'],
    ['AWS::SQS::Queue', 'KmsMasterKeyId'],
    ['AWS::SNS::Topic', 'KmsMasterKeyId'],
    ['AWS::Events::EventBus', 'KmsKeyIdentifier'],
    ['AWS::S3::Bucket', 'BucketEncryption'],
  ])('%s has a key of the stage, whose policy lets that service in', (type, property) => {
    const resources = stage.ofType(type);
    expect(resources.length).toBeGreaterThan(0);
    for (const { Properties, id } of resources) expect(text(Properties[property]), id).toMatch(/(Telemetry|Data)Key/);
  });
});
