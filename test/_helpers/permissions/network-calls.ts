import type { Call } from './evaluate.ts';
import { logStream } from './event-calls.ts';
import { ACCOUNT, arn, type Deployed, REGION } from './literals.ts';
import { assumed, calls, type DeployedStage } from './stage-calls.ts';

/** What ECS and API Gateway do with their roles, what the network records, and what goes through its endpoints. */
export function networkCalls(stage: DeployedStage): Call[] {
  return [
    ...stage.ofType('AWS::ECS::TaskDefinition').flatMap((task) => pullCalls(stage, task)),
    ...stage.ofType('AWS::EC2::FlowLog').flatMap(flowLogCalls),
    ...stage.ofType('AWS::ApiGateway::Account').flatMap((account) => accessLogCalls(stage, account)),
    ...runnerCalls(stage),
  ];
}

/** The endpoint of a service in the network of sandboxes; undefined in open mode, where there is none. */
function endpointOf(stage: DeployedStage, service: string): string | undefined {
  return stage
    .ofType('AWS::EC2::VPCEndpoint')
    .find(({ properties }) => properties.ServiceName === `com.amazonaws.${REGION}.${service}`)?.ref;
}

function through(stage: DeployedStage, service: string, made: readonly Call[]): Call[] {
  const endpoint = endpointOf(stage, service);
  return made.map((call) => (endpoint === undefined ? call : { ...call, through: endpoint }));
}

/**
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html, and for the way there
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html: login and layer addresses over `ecr.api`,
 * manifests over `ecr.dkr`.
 */
function pullCalls(stage: DeployedStage, { properties }: Deployed): Call[] {
  const because = `task of ${properties.Family}`;
  const role = `role:${properties.ExecutionRoleArn}`;
  const ours = { 'aws:PrincipalAccount': ACCOUNT };
  const images: readonly string[] = properties.ContainerDefinitions.map(({ Image }: { Image: string }) => Image);
  return [
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-iam-roles.html (confused deputy)
    ...assumed(because, 'ecs-tasks.amazonaws.com', properties.ExecutionRoleArn, arn('ecs', 'task/any/id')),
    ...through(stage, 'ecr.api', calls(because, role, ['ecr:GetAuthorizationToken'], '*', ours)),
    ...images.flatMap((image) => {
      const repository = arn('ecr', `repository/${image.replace(/^[^/]*\.amazonaws\.com\//, '').replace(/:.*$/, '')}`);
      const read = ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'];
      return [
        ...through(stage, 'ecr.api', calls(because, role, read, repository, ours)),
        ...through(stage, 'ecr.dkr', calls(because, role, read, repository, ours)),
      ];
    }),
  ];
}

/**
 * https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html. That page also has CreateLogGroup and
 * DescribeLogGroups; the group exists here, and CDK grants these three.
 */
function flowLogCalls({ properties }: Deployed): Call[] {
  const because = 'flow log of the network';
  const actions = ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'];
  return [
    ...assumed(because, 'vpc-flow-logs.amazonaws.com', properties.DeliverLogsPermissionArn),
    ...calls(because, `role:${properties.DeliverLogsPermissionArn}`, actions, logStream(properties.LogGroupName)),
  ];
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html */
function accessLogCalls(stage: DeployedStage, { properties }: Deployed): Call[] {
  const because = 'access logs of the APIs';
  const actions = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  return [
    ...assumed(because, 'apigateway.amazonaws.com', properties.CloudWatchRoleArn),
    ...stage.ofType('AWS::ApiGateway::Stage').flatMap((each) => {
      const group = String(each.properties.AccessLogSetting.DestinationArn)
        .replace(/^.*:log-group:/, '')
        .replace(/:\*$/, '');
      return calls(because, `role:${properties.CloudWatchRoleArn}`, actions, logStream(group));
    }),
  ];
}

/** A runner has no credentials: it calls the sandbox API, hands on what an agent asks of models, and ECS reads image layers by URLs that ECR signed. */
function runnerCalls(stage: DeployedStage): Call[] {
  const because = 'sandbox';
  const layers = `arn:aws:s3:::prod-${REGION}-starport-layer-bucket/any`;
  return stage.ofType('AWS::EC2::VPCEndpoint').flatMap(({ ref, properties }) => {
    const service = String(properties.ServiceName).replace(`com.amazonaws.${REGION}.`, '');
    if (service === 's3') {
      return calls(because, 'anyone', ['s3:GetObject'], layers).map((call) => ({ ...call, through: ref }));
    }
    if (service !== 'execute-api') return [];
    const api = stage.ofType('AWS::ApiGateway::RestApi').find((each) => each.properties.Policy !== undefined);
    const vpc = { 'aws:SourceVpc': properties.VpcId };
    return ['POST/v1/claim', 'POST/models/openai/v1/responses', 'GET/models/openai/v1/models']
      .flatMap((route) =>
        calls(because, 'anyone', ['execute-api:Invoke'], arn('execute-api', `${api?.ref}/api/${route}`), vpc),
      )
      .map((call) => ({ ...call, through: ref }));
  });
}
