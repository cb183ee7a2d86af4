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
  it('has a root for runners and one for models, without an authorizer of API Gateway', () => {
    const expected = ['POST /v1/{proxy+} NONE', 'POST /models/{proxy+} NONE', 'GET /models/{proxy+} NONE'];
    expect(routes('sandbox-api')).toEqual(expected);
    expect(routes('sandbox-api', open)).toEqual(expected);
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

describe('model calls', () => {
  const integrations = (from: SynthesisedStage) =>
    from
      .ofType('AWS::ApiGateway::Method')
      .map(({ Properties }) => Properties.Integration)
      .filter(({ Uri }) => text(Uri).includes('ServeGateway'));
  const gateway = (from = stage) => {
    const [found] = from
      .ofType('AWS::Lambda::Function')
      .filter(({ Properties }) => Properties.FunctionName === 'wflo-dev-serve-gateway');
    if (found === undefined) throw new Error('no gateway');
    return found.Properties;
  };

  it('are streamed, each of them, for as long as the function runs', () => {
    expect(integrations(stage)).toHaveLength(2);
    for (const integration of integrations(stage)) {
      expect(integration).toMatchObject({
        Type: 'AWS_PROXY',
        ResponseTransferMode: 'STREAM',
        TimeoutInMillis: 900_000,
      });
      expect(text(integration.Uri)).toMatch(/2021-11-15\/functions\/.*\/response-streaming-invocations$/);
    }
    expect(gateway()).toMatchObject({ Timeout: 900, MemorySize: 1024 });
  });

  it('take as much of the account as there is, unless a setting keeps some for them', async () => {
    expect(gateway().ReservedConcurrentExecutions).toBeUndefined();
    const kept = await synthesiseStage({ 'wflo:gateway-concurrency': '50' });
    expect(gateway(kept).ReservedConcurrentExecutions).toBe(50);
    await expect(synthesiseStage({ 'wflo:gateway-concurrency': '0' })).rejects.toMatchObject({
      code: 'invalid_settings',
    });
  });

  it('pass the endpoint of the network, and nothing else does', () => {
    const [endpoint] = stage
      .ofType('AWS::EC2::VPCEndpoint')
      .filter(({ Properties }) => text(Properties.ServiceName).includes('execute-api'));
    const [statement, ...others] = statementsOf(endpoint?.Properties.PolicyDocument);
    expect(others).toEqual([]);
    expect(statement).toMatchObject({ Effect: 'Allow', Action: ['execute-api:Invoke'] });
    expect(statement?.Resource.map((each: unknown) => text(each).replace(/^.*>\//, ''))).toEqual([
      'GET/models/*',
      'POST/models/*',
      'POST/v1/*',
    ]);
  });

  it('are found by runners at the API, and on the local AWS at the process beside it', async () => {
    const url = (from: SynthesisedStage) =>
      text(
        from
          .ofType('AWS::Lambda::Function')
          .find(({ Properties }) => Properties.FunctionName === 'wflo-dev-serve-sandbox-api')?.Properties.Environment
          .Variables.MODELS_URL,
      );
    expect(url(stage)).toMatch(
      /^https:\/\/<SandboxApi\w+>\.execute-api\.<AWS::Region>\.<AWS::URLSuffix>\/api\/models$/,
    );
    const local = await synthesiseStage({
      'wflo:endpoint': 'https://localhost:4566',
      'wflo:models-url': 'http://127.0.0.1:14567/models',
    });
    expect(url(local)).toBe('http://127.0.0.1:14567/models');
    // A setting of the local AWS must not lead the calls of a real deployment to somebody else.
    await expect(synthesiseStage({ 'wflo:models-url': 'http://127.0.0.1:14567/models' })).rejects.toMatchObject({
      code: 'invalid_settings',
    });
  });

  it('may reserve and settle, read the keys of providers, call models, and stop an execution: nothing else', () => {
    const statements = stage
      .ofType('AWS::IAM::Policy')
      .filter(({ id }) => id.startsWith('ServeGateway'))
      .flatMap(({ Properties }) => statementsOf(Properties.PolicyDocument));
    const actions = new Set(statements.flatMap(({ Action }) => [Action].flat()));
    expect([...actions].filter((action) => !action.startsWith('kms:')).sort()).toEqual([
      'bedrock:InvokeModel',
      'bedrock:InvokeModelWithResponseStream',
      'dynamodb:ConditionCheckItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'states:StopExecution',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
    const secrets = statements.find(({ Action }) => [Action].flat().includes('secretsmanager:GetSecretValue'));
    expect(text(secrets?.Resource)).toMatch(/:secret:wflo\/dev\/providers\/\*"\]$/);
    const keys = statements.filter(({ Action }) => [Action].flat().some((action) => action.startsWith('kms:')));
    for (const { Condition } of keys) expect(Object.keys(Condition.StringEquals)).toEqual(['kms:ViaService']);
  });

  it('are read by no other function: the keys of providers are for the gateway alone', () => {
    const readers = stage.ofType('AWS::IAM::Policy').filter(({ Properties }) =>
      statementsOf(Properties.PolicyDocument).some(
        ({ Action, Resource }) =>
          [Action].flat().some((action) => action.startsWith('secretsmanager:')) &&
          // Those of usage reports are no keys for calls: see `permissions.test.ts`.
          !/:secret:wflo\/dev\/usage\/\*"\]$/.test(text(Resource)),
      ),
    );
    expect(readers.map(({ id }) => id.replace(/Role.*$/, ''))).toEqual(['ServeGateway']);
  });
});
