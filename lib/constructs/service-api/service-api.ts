import { Aws, Duration, Validations } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  type AuthorizationType,
  type EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  ResponseTransferMode,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { PolicyDocument } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type Deployment, logRetention, removalPolicy } from '../deployment/deployment.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';

/** Stage of every API; part of its URL, not of the path that the function sees. */
const STAGE = 'api';

/** One root of an API: a method has exactly one authorizer, so each kind of credential has a root of its own. */
export interface ApiRoot {
  /** First path segment, such as `v1`. */
  readonly path: string;
  readonly methods: readonly ('ANY' | 'POST' | 'GET')[];
  readonly authorization: AuthorizationType.IAM | AuthorizationType.NONE;
  /** The function of this root alone, whose answers go out as they come. Absent: that of the API, whose answers go out whole. */
  readonly streamedBy?: PlatformFunction;
}

export interface ServiceApiProps {
  readonly deployment: Deployment;
  /** The API is called `wflo-<stage>-<name>`; its access log is `/wflo/<stage>/<name>-access`. */
  readonly name: string;
  readonly description: string;
  readonly handler: PlatformFunction;
  readonly telemetryKey: IKey;
  readonly endpoint: EndpointType.PRIVATE | EndpointType.REGIONAL;
  /** Required for a private API. */
  readonly policy?: PolicyDocument;
  readonly roots: readonly ApiRoot[];
  /** Requests per second, all callers together; four times as many in a burst. */
  readonly requestsPerSecond: number;
}

/** A REST API whose every route is one function, with an access log and without an execution log. */
export class ServiceApi extends Construct {
  /** Full name, known before deployment. */
  readonly name: string;
  readonly api: RestApi;
  /** Base URL without a trailing slash. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: ServiceApiProps) {
    super(scope, id);
    const { deployment, name } = props;
    this.name = `wflo-${deployment.stage}-${name}`;

    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/wflo/${deployment.stage}/${name}-access`,
      retention: logRetention(deployment),
      encryptionKey: props.telemetryKey,
      removalPolicy: removalPolicy(deployment),
    });
    this.api = new RestApi(this, 'Api', {
      restApiName: this.name,
      description: props.description,
      endpointConfiguration: { types: [props.endpoint] },
      ...(props.policy === undefined ? {} : { policy: props.policy }),
      cloudWatchRole: false,
      deployOptions: {
        stageName: STAGE,
        tracingEnabled: true,
        metricsEnabled: true,
        throttlingRateLimit: props.requestsPerSecond,
        throttlingBurstLimit: props.requestsPerSecond * 4,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: AccessLogFormat.jsonWithStandardFields(),
      },
    });
    const integration = new LambdaIntegration(props.handler.function, {
      proxy: true,
      allowTestInvoke: false,
      timeout: Duration.seconds(29),
    });
    for (const root of props.roots) {
      const resource = this.api.root.addResource(root.path).addResource('{proxy+}');
      const { streamedBy, authorization } = root;
      const serving = streamedBy === undefined ? integration : streaming(streamedBy);
      for (const method of root.methods) resource.addMethod(method, serving, { authorizationType: authorization });
    }

    this.url =
      deployment.endpoint === undefined
        ? `https://${this.api.restApiId}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}/${STAGE}`
        : `${deployment.endpoint}/_aws/execute-api/${this.api.restApiId}/${STAGE}`;

    const acknowledgements = {
      'AwsSolutions-APIG2': 'the function validates every request against its schema and answers in one error format',
      'AwsSolutions-APIG3':
        'the callers are IAM principals or sandboxes with a lease; a deployment that wants a web ACL attaches its own',
      'AwsSolutions-APIG6':
        'the access log holds every call; an execution log would go to a group without our key and retention',
      'AwsSolutions-COG4': 'people sign with IAM, sandboxes present a lease; user pools are not used here',
    };
    for (const [rule, reason] of Object.entries(acknowledgements)) {
      Validations.of(this).acknowledge({ id: rule, reason });
    }
  }
}

/** Also for answers in one piece: what is buffered has to be whole after 29 seconds. */
function streaming(handler: PlatformFunction): LambdaIntegration {
  return new LambdaIntegration(handler.function, {
    proxy: true,
    allowTestInvoke: false,
    responseTransferMode: ResponseTransferMode.STREAM,
    timeout: handler.timeout,
  });
}
