import { Stack } from 'aws-cdk-lib';
import {
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  Peer,
  Port,
  SecurityGroup,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { SANDBOX_CIDR, type SandboxNetwork } from './sandbox-network.ts';

export interface ImageEndpointsProps {
  readonly network: SandboxNetwork;
  /** ARN of the artefact bucket. */
  readonly artefactsArn: string;
  /** ARNs of the repositories that sandbox images come from. */
  readonly repositoryArns: readonly string[];
}

/**
 * What a sandbox in isolated subnets can reach beside the sandbox API: images, and objects by presigned URL. An
 * endpoint without a policy reaches every bucket and repository of every account, which is a way out for data.
 */
export class ImageEndpoints extends Construct {
  /** Of interface endpoints: HTTPS from the sandbox network. */
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { network, artefactsArn, repositoryArns }: ImageEndpointsProps) {
    super(scope, id);
    const { region, partition, account } = Stack.of(this);
    // Whoever signed the request: with credentials of another account these endpoints are of no use.
    const ours = { StringEquals: { 'aws:PrincipalAccount': account } };

    this.securityGroup = new SecurityGroup(this, 'Group', {
      vpc: network.vpc,
      description: 'Interface endpoints: HTTPS from the sandbox network',
      allowAllOutbound: false,
    });
    this.securityGroup.addIngressRule(Peer.ipv4(SANDBOX_CIDR), Port.tcp(443), 'HTTPS from sandboxes');

    const s3 = new GatewayVpcEndpoint(this, 'S3', {
      vpc: network.vpc,
      service: GatewayVpcEndpointAwsService.S3,
      subnets: [{ subnets: [...network.subnets] }],
    });
    s3.addToPolicy(
      new PolicyStatement({
        sid: 'PresignedDownloads',
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject'],
        resources: [`${artefactsArn}/code/*`, `${artefactsArn}/blobs/*`, `${artefactsArn}/workspaces/*`],
        conditions: ours,
      }),
    );
    s3.addToPolicy(
      new PolicyStatement({
        sid: 'PresignedUploads',
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: [`${artefactsArn}/uploads/*`, `${artefactsArn}/workspaces/*`],
        conditions: ours,
      }),
    );
    s3.addToPolicy(
      new PolicyStatement({
        // Where ECR keeps image layers of this region, read by URLs that ECR signs.
        sid: 'ImageLayers',
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject'],
        resources: [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`],
      }),
    );

    for (const [name, service] of [
      ['EcrApi', InterfaceVpcEndpointAwsService.ECR],
      ['EcrDocker', InterfaceVpcEndpointAwsService.ECR_DOCKER],
    ] as const) {
      const endpoint = new InterfaceVpcEndpoint(this, name, {
        vpc: network.vpc,
        service,
        subnets: { subnets: [...network.subnets] },
        securityGroups: [this.securityGroup],
        open: false,
      });
      endpoint.addToPolicy(
        new PolicyStatement({
          sid: 'Login',
          effect: Effect.ALLOW,
          principals: [new AnyPrincipal()],
          actions: ['ecr:GetAuthorizationToken'],
          resources: ['*'],
          conditions: ours,
        }),
      );
      endpoint.addToPolicy(
        new PolicyStatement({
          sid: 'PullOurImages',
          effect: Effect.ALLOW,
          principals: [new AnyPrincipal()],
          actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
          resources: [...repositoryArns],
          conditions: ours,
        }),
      );
    }
  }
}
