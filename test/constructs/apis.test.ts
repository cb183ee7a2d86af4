import { beforeAll, describe, expect, it } from 'vitest';
import { type SynthesisedStage, statementsOf, synthesiseStage, text } from '../_helpers/synthesised-stage.ts';

let stage: SynthesisedStage;
let open: SynthesisedStage;
beforeAll(async () => {
  stage = await synthesiseStage();
  open = await synthesiseStage({ 'wflo:network': 'open' });
});

const api = (name: string, from = stage) => {
  const found = from
    .ofType('AWS::ApiGateway::RestApi')
    .find(({ Properties }) => Properties.Name === `wflo-dev-${name}`);
  if (found === undefined) throw new Error(`no API ${name}`);
  return found;
};

/** `METHOD /path authorization` of every method of an API. */
function routes(name: string, from = stage): string[] {
  const { id } = api(name, from);
  const path = (resource: { Ref?: string }): string => {
    const found = from.resources.find((each) => each.id === resource.Ref);
    return found === undefined ? '' : `${path(found.Properties.ParentId)}/${found.Properties.PathPart}`;
  };
  return from
    .ofType('AWS::ApiGateway::Method')
    .filter(({ Properties }) => Properties.RestApiId.Ref === id)
    .map(({ Properties }) => `${Properties.HttpMethod} ${path(Properties.ResourceId)} ${Properties.AuthorizationType}`);
}

describe('the control API', () => {
  it('is regional, and every call is signed', () => {
    expect(api('control-api').Properties.EndpointConfiguration.Types).toEqual(['REGIONAL']);
    expect(routes('control-api')).toEqual(['ANY /v1/{proxy+} AWS_IAM']);
  });
});

describe('the sandbox API', () => {
  it('has one root, without an authorizer of API Gateway', () => {
    expect(routes('sandbox-api')).toEqual(['POST /v1/{proxy+} NONE']);
    expect(routes('sandbox-api', open)).toEqual(['POST /v1/{proxy+} NONE']);
  });

  it('is private, and open to the network of sandboxes alone', () => {
    const { Properties } = api('sandbox-api');
    expect(Properties.EndpointConfiguration.Types).toEqual(['PRIVATE']);
    const [statement, ...others] = statementsOf(Properties.Policy);
    // An Allow with IfExists and no Deny: AWS always sets the key on calls of a private API, the local AWS never.
    expect(others).toEqual([]);
    expect(statement).toMatchObject({ Effect: 'Allow', Action: ['execute-api:Invoke'], Principal: { AWS: '*' } });
    expect(Object.keys(statement?.Condition)).toEqual(['StringEqualsIfExists']);
    expect(text(statement?.Condition.StringEqualsIfExists['aws:SourceVpc'])).toContain('Vpc');
  });

  it('is regional in an open network', () => {
    const { Properties } = api('sandbox-api', open);
    expect(Properties.EndpointConfiguration.Types).toEqual(['REGIONAL']);
    expect(Properties.Policy).toBeUndefined();
  });
});

describe('both APIs', () => {
  it('have an access log, a trace, metrics and a limit', () => {
    const stages = stage.ofType('AWS::ApiGateway::Stage');
    expect(stages).toHaveLength(2);
    for (const { Properties } of stages) {
      expect(text(Properties.AccessLogSetting.DestinationArn)).toContain('AccessLog');
      expect(Properties.TracingEnabled).toBe(true);
      const [settings] = Properties.MethodSettings;
      expect(settings.MetricsEnabled).toBe(true);
      expect(settings.ThrottlingRateLimit).toBeGreaterThan(0);
      // Execution logs would hold bodies, outside our keys and retention.
      expect(settings.LoggingLevel).toBeUndefined();
      expect(settings.DataTraceEnabled).toBe(false);
    }
  });

  it('have URLs without a slash at the end, on the emulator where there is one', async () => {
    const local = await synthesiseStage({ 'wflo:endpoint': 'https://localhost:4566' });
    const url = (from: SynthesisedStage) =>
      text(
        from.ofType('AWS::SSM::Parameter').find(({ Properties }) => Properties.Name.endsWith('/control-api-url'))
          ?.Properties.Value,
      );
    expect(url(stage)).toMatch(/^https:\/\/<ControlApi\w+>\.execute-api\.<AWS::Region>\.<AWS::URLSuffix>\/api$/);
    expect(url(local)).toMatch(/^https:\/\/localhost:4566\/_aws\/execute-api\/<ControlApi\w+>\/api$/);
  });

  it('never lose the role that writes access logs', () => {
    const [account] = stage.ofType('AWS::ApiGateway::Account');
    expect(account?.DeletionPolicy).toBe('Retain');
    const [role] = stage.ofType('AWS::IAM::Role').filter(({ id }) => id.startsWith('AccessLogs'));
    expect(role?.DeletionPolicy).toBe('Retain');
  });
});
