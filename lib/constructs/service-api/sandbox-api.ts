import { Validations } from 'aws-cdk-lib';
import { AuthorizationType, EndpointType } from 'aws-cdk-lib/aws-apigateway';
import { InterfaceVpcEndpoint, InterfaceVpcEndpointAwsService } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment/deployment.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';
import type { ImageEndpoints } from '../sandbox-network/image-endpoints.ts';
import type { SandboxNetwork } from '../sandbox-network/sandbox-network.ts';
import { ServiceApi } from './service-api.ts';

export interface SandboxApiProps {
  readonly deployment: Deployment;
  readonly handler: PlatformFunction;
  /** Serves the calls of models. */
  readonly gateway: PlatformFunction;
  readonly telemetryKey: IKey;
  readonly network: SandboxNetwork;
  /** Absent in `open` mode. */
  readonly endpoints: ImageEndpoints | undefined;
}

/**
 * The door of runners, and of the model calls of agents. In `private` mode it can be reached from the network of sandboxes alone, and through its
 * endpoint nothing but it.
 */
export class SandboxApi extends ServiceApi {
  /** Where sandboxes find the gateway; each provider's API is below its name. */
  readonly modelsUrl: string;

  constructor(
    scope: Construct,
    id: string,
    { deployment, handler, gateway, telemetryKey, network, endpoints }: SandboxApiProps,
  ) {
    super(scope, id, {
      deployment,
      name: 'sandbox-api',
      description: 'Sandbox API of Wflo: for runners, by lease',
      handler,
      telemetryKey,
      endpoint: endpoints === undefined ? EndpointType.REGIONAL : EndpointType.PRIVATE,
      ...(endpoints === undefined ? {} : { policy: fromNetwork(network.vpc.vpcId) }),
      roots: [
        { path: 'v1', methods: ['POST'], authorization: AuthorizationType.NONE },
        { path: 'models', methods: ['POST', 'GET'], authorization: AuthorizationType.NONE, streamedBy: gateway },
      ],
      requestsPerSecond: 1000,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'a sandbox has no AWS credentials: the function checks the bootstrap code of its lease, then its session token',
    });
    // The emulator has no streams: there the gateway is a process of this machine.
    this.modelsUrl = deployment.modelsUrl ?? `${this.url}/models`;
    if (endpoints === undefined) return;
    const endpoint = new InterfaceVpcEndpoint(this, 'Endpoint', {
      vpc: network.vpc,
      service: InterfaceVpcEndpointAwsService.APIGATEWAY,
      subnets: { subnets: [...network.subnets] },
      securityGroups: [endpoints.securityGroup],
      open: false,
    });
    endpoint.addToPolicy(
      new PolicyStatement({
        sid: 'OurSandboxApi',
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['execute-api:Invoke'],
        resources: [
          this.invocations('POST', '/v1/*'),
          this.invocations('POST', '/models/*'),
          this.invocations('GET', '/models/*'),
        ],
      }),
    );
  }

  private invocations(method: string, path: string): string {
    return this.api.arnForExecuteApi(method, path, this.api.deploymentStage.stageName);
  }
}

/**
 * The endpoint's policy names the API, so the API's policy cannot name the endpoint: it names their network, in which
 * there is no other endpoint for APIs. AWS sets `aws:SourceVpc` on every call of a private API, so `IfExists` loosens
 * nothing there; the local AWS never sets it.
 */
function fromNetwork(vpcId: string): PolicyDocument {
  return new PolicyDocument({
    statements: [
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['execute-api:Invoke'],
        resources: ['execute-api:/*'],
        conditions: { StringEqualsIfExists: { 'aws:SourceVpc': vpcId } },
      }),
    ],
  });
}
