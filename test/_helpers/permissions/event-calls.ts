import type { Call } from './evaluate.ts';
import { ACCOUNT, arn, type Deployed, REGION } from './literals.ts';
import { assumed, calls, type DeployedStage, sent, VIA } from './stage-calls.ts';

const EVENTS = 'service:events.amazonaws.com';

/** What EventBridge, Lambda and CloudWatch start and deliver, and API Gateway hands on. */
export function eventCalls(stage: DeployedStage): Call[] {
  return [
    ...stage.ofType('AWS::Events::Rule').flatMap((rule) => ruleCalls(stage, rule)),
    ...stage.ofType('AWS::Events::EventBus').flatMap((bus) => busCalls(stage, bus)),
    ...stage.ofType('AWS::Lambda::EventSourceMapping').flatMap((mapping) => streamCalls(stage, mapping)),
    ...stage.ofType('AWS::Lambda::EventInvokeConfig').flatMap((config) => failedCalls(stage, config)),
    ...stage.ofType('AWS::CloudWatch::Alarm').flatMap((alarm) => alarmCalls(stage, alarm)),
    ...stage.ofType('AWS::ApiGateway::Method').flatMap((method) => methodCalls(stage, method)),
  ];
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html and eb-rule-dlq.html */
function ruleCalls(stage: DeployedStage, rule: Deployed): Call[] {
  const because = `rule ${rule.ref}`;
  const source = { 'aws:SourceArn': rule.arn };
  const targets: readonly { Arn: string; RoleArn?: string; DeadLetterConfig?: { Arn: string } }[] =
    rule.properties.Targets;
  return targets.flatMap((target) => {
    if (target.RoleArn !== undefined || !target.Arn.startsWith(arn('lambda', 'function:'))) {
      throw new Error(`${because}: only functions are known as targets`);
    }
    const queue = target.DeadLetterConfig?.Arn;
    return [
      ...calls(because, EVENTS, ['lambda:InvokeFunction'], target.Arn, source),
      ...(queue === undefined ? [] : sent(stage, `${because}, undelivered`, EVENTS, queue, source)),
    ];
  });
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html */
function busCalls(stage: DeployedStage, bus: Deployed): Call[] {
  const because = `bus ${bus.ref}`;
  const { KmsKeyIdentifier: key, DeadLetterConfig } = bus.properties;
  const context = { 'kms:EncryptionContext:aws:events:event-bus:arn': bus.arn };
  return [
    ...calls(because, EVENTS, ['kms:DescribeKey'], key, { 'aws:SourceAccount': ACCOUNT }),
    ...calls(because, EVENTS, ['kms:GenerateDataKey', 'kms:Decrypt'], key, context),
    ...sent(stage, `${because}, undelivered`, EVENTS, DeadLetterConfig.Arn, { 'aws:SourceArn': bus.arn }),
  ];
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html: all in the name of the function. */
function streamCalls(stage: DeployedStage, { properties }: Deployed): Call[] {
  const because = `stream to ${properties.FunctionName}`;
  const role = stage.roleOfFunction(properties.FunctionName);
  const stream: string = properties.EventSourceArn;
  const table = stage.find('AWS::DynamoDB::Table', stream.replace(/\/stream\/.*$/, ''));
  return [
    ...calls(because, role, ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], stream),
    ...calls(because, role, ['dynamodb:ListStreams'], '*'),
    ...calls(because, role, ['kms:Decrypt'], table.properties.SSESpecification.KMSMasterKeyId, VIA('dynamodb')),
    ...sent(stage, `${because}, given up`, role, properties.DestinationConfig.OnFailure.Destination),
  ];
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html: in the name of the function. */
function failedCalls(stage: DeployedStage, { properties }: Deployed): Call[] {
  const queue = properties.DestinationConfig?.OnFailure?.Destination;
  if (queue === undefined) return [];
  const { FunctionName } = properties;
  return sent(stage, `failed calls of ${FunctionName}`, stage.roleOfFunction(FunctionName), queue);
}

/** https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html ("event sources from AWS services and encrypted topics") */
function alarmCalls(stage: DeployedStage, alarm: Deployed): Call[] {
  const topics: readonly string[] = alarm.properties.AlarmActions;
  const service = 'service:cloudwatch.amazonaws.com';
  return topics.flatMap((topic) => {
    const key = stage.find('AWS::SNS::Topic', topic).properties.KmsMasterKeyId;
    return [
      ...calls('alarms', service, ['sns:Publish'], topic, { 'aws:SourceArn': alarm.arn, 'aws:SourceAccount': ACCOUNT }),
      ...calls('alarms', service, ['kms:GenerateDataKey', 'kms:Decrypt'], key, {
        'kms:EncryptionContext:aws:sns:topicArn': topic,
      }),
    ];
  });
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html */
function methodCalls(stage: DeployedStage, { properties }: Deployed): Call[] {
  const { HttpMethod, Integration, ResourceId, RestApiId } = properties;
  const [functionArn] = /arn:aws:lambda:[^/]+/.exec(Integration.Uri) ?? [];
  if (functionArn === undefined) throw new Error(`${Integration.Uri} names no function`);
  const api = stage.find('AWS::ApiGateway::RestApi', RestApiId).properties.Name;
  const [deployed] = stage.ofType('AWS::ApiGateway::Stage').filter((each) => each.properties.RestApiId === RestApiId);
  const method = HttpMethod === 'ANY' ? 'GET' : HttpMethod;
  return calls(`API ${api}`, 'service:apigateway.amazonaws.com', ['lambda:InvokeFunction'], functionArn, {
    'aws:SourceArn': arn('execute-api', `${RestApiId}/${deployed?.ref}/${method}${pathOf(stage, ResourceId)}`),
  });
}

/** A request path that a resource of an API answers. */
function pathOf(stage: DeployedStage, resourceId: string): string {
  const resource = stage.ofType('AWS::ApiGateway::Resource').find(({ ref }) => ref === resourceId);
  // The root of an API is no resource of the template.
  if (resource === undefined) return '';
  const { ParentId, PathPart } = resource.properties;
  return `${pathOf(stage, ParentId)}/${String(PathPart).startsWith('{') ? 'anything' : PathPart}`;
}

/** Roles of functions, their logs and traces, and the key of every log group. */
export function runtimeCalls(stage: DeployedStage): Call[] {
  return [
    ...stage.ofType('AWS::Lambda::Function').flatMap(functionRuntimeCalls),
    ...stage.ofType('AWS::Logs::LogGroup').flatMap(logGroupCalls),
  ];
}

function functionRuntimeCalls({ ref, properties }: Deployed): Call[] {
  const because = `function ${ref}`;
  const role = `role:${properties.Role}`;
  const group = properties.LoggingConfig.LogGroup;
  return [
    ...assumed(because, 'lambda.amazonaws.com', properties.Role),
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
    ...calls(`${because}, log`, role, ['logs:CreateLogStream', 'logs:PutLogEvents'], logStream(group)),
    // https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
    ...(properties.TracingConfig?.Mode === 'Active'
      ? calls(`${because}, traces`, role, ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*')
      : []),
  ];
}

export function logStream(group: string): string {
  return arn('logs', `log-group:${group}:log-stream:any`);
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html ("Set permissions on the KMS key") */
function logGroupCalls({ ref, properties }: Deployed): Call[] {
  const key = properties.KmsKeyId;
  if (key === undefined) throw new Error(`the log group ${ref} has no key`);
  const actions = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GenerateDataKey', 'DescribeKey'];
  return calls(
    'log groups',
    `service:logs.${REGION}.amazonaws.com`,
    actions.map((action) => `kms:${action}`),
    key,
    { 'kms:EncryptionContext:aws:logs:arn': arn('logs', `log-group:${ref}`) },
  );
}
