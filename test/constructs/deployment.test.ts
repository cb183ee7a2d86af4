import { App } from 'aws-cdk-lib';
import { beforeAll, describe, expect, it } from 'vitest';
import { readDeployment } from '../../lib/constructs/deployment/deployment.ts';
import { UNSUPPORTED_TYPES } from '../../lib/local-cloud/unsupported-types.ts';
import { type SynthesisedStage, synthesiseStage } from '../_helpers/synthesised-stage.ts';

const read = (context: Record<string, unknown>) => readDeployment(new App({ context }).node);

describe('settings', () => {
  it('have defaults', () => {
    expect(read({})).toEqual({
      stage: 'dev',
      network: 'private',
      availabilityZones: 2,
      architecture: 'X86_64',
      images: 'assets',
      retentionDays: 400,
    });
  });

  it('come as text from the command line', () => {
    const text = {
      'wflo:availability-zones': '1',
      'wflo:retention-days': '100',
      'wflo:endpoint': 'https://localhost:4566/',
    };
    expect(read(text)).toMatchObject({
      availabilityZones: 1,
      retentionDays: 100,
      endpoint: 'https://localhost:4566',
    });
  });

  it('may name the log group of Bedrock', () => {
    const name = '/bedrock/Model_calls-1.a#b';
    expect(read({ 'wflo:bedrock-log-group': name })).toMatchObject({ bedrockLogGroup: name });
    expect(read({})).not.toHaveProperty('bedrockLogGroup');
  });

  it('may name prices of the project', () => {
    expect(read({ 'wflo:prices': 'settings/prices.json' })).toMatchObject({ prices: 'settings/prices.json' });
  });

  it.each([
    ['wflo:prices', '../prices.json'],
    ['wflo:prices', 'prices'],
    ['wflo:stage', 'Prod'],
    ['wflo:stage', 'a-b'],
    ['wflo:stage', 'abcdefghijklmnopq'],
    ['wflo:stage', 7],
    ['wflo:network', 'closed'],
    ['wflo:availability-zones', 3],
    ['wflo:architecture', 'arm64'],
    ['wflo:images', ''],
    ['wflo:retention-days', 99],
    ['wflo:retention-days', 3651],
    ['wflo:retention-days', 400.5],
    ['wflo:retention-days', '1e3'],
    ['wflo:retention-days', ''],
    ['wflo:bedrock-log-group', ''],
    ['wflo:bedrock-log-group', '/bedrock/*'],
    ['wflo:bedrock-log-group', 'arn:aws:logs:us-east-1:123456789012:log-group:calls'],
    ['wflo:bedrock-log-group', true],
    ['wflo:endpoint', 'http://localhost:4566'],
    ['wflo:endpoint', 'https://localhost:4566/path'],
    ['wflo:endpoint', 'localhost'],
  ])('refuse %s = %j by name and value', (key, value) => {
    expect(() => read({ [key]: value })).toThrow(
      expect.objectContaining({
        code: 'invalid_settings',
        message: `the context value ${key} is ${JSON.stringify(value)}`,
        fix: expect.stringContaining(key),
      }),
    );
  });
});

describe('the templates for the local AWS', () => {
  let aws: SynthesisedStage;
  let local: SynthesisedStage;
  beforeAll(async () => {
    aws = await synthesiseStage();
    local = await synthesiseStage({ 'wflo:endpoint': 'https://localhost:4566' });
  });

  const ids = ({ resources }: SynthesisedStage) => resources.map(({ stack, id, Type }) => `${stack} ${Type} ${id}`);

  it('lack exactly the listed types', () => {
    const missing = ids(aws).filter((each) => !ids(local).includes(each));
    const types = new Set(missing.map((each) => each.split(' ')[1]));
    // An API's deployment is named after its settings, which hold the URL.
    types.delete('AWS::ApiGateway::Deployment');
    expect([...types].sort()).toEqual(Object.keys(UNSUPPORTED_TYPES).sort());
  });

  it('have one resource more in each stack, so that there is always a change', () => {
    const added = ids(local).filter((each) => !ids(aws).includes(each) && !each.includes('ApiGateway'));
    expect(added).toHaveLength(5);
    for (const each of added) expect(each).toMatch(/ AWS::CloudFormation::WaitConditionHandle DeployedAt\d+$/);
  });

  it('presign for the host that sandboxes reach', () => {
    const endpoint = ({ ofType }: SynthesisedStage) =>
      ofType('AWS::Lambda::Function')
        .filter(({ Properties }) => Properties.Environment.Variables.PRESIGN_ENDPOINT === 'https://localhost:4566')
        .map(({ Properties }) => Properties.FunctionName)
        .sort();
    expect(endpoint(aws)).toEqual([]);
    expect(endpoint(local)).toEqual(['wflo-dev-serve-control-api', 'wflo-dev-serve-sandbox-api']);
  });
});

describe('names', () => {
  it('of two stages have nothing in common', async () => {
    const names = ({ resources }: SynthesisedStage) =>
      resources.flatMap(({ Properties = {} }) =>
        [
          'FunctionName',
          'LogGroupName',
          'QueueName',
          'StateMachineName',
          'Family',
          'Name',
          'AliasName',
          'RuleName',
          'ClusterName',
          'TopicName',
          'AlarmName',
          'DashboardName',
          'RestApiName',
        ]
          .map((property) => Properties[property])
          .filter((value) => typeof value === 'string' && value !== 'api'),
      );
    const [dev, prod] = [names(await synthesiseStage()), names(await synthesiseStage({ 'wflo:stage': 'prod' }))];
    expect(dev.length).toBeGreaterThan(60);
    expect(dev.filter((name) => prod.includes(name))).toEqual([]);
  });
});
