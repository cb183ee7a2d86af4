import { Stack, Validations } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights, type ICluster } from 'aws-cdk-lib/aws-ecs';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type Deployment, logRetention, removalPolicy } from '../deployment/deployment.ts';
import { retainOnReplacement } from '../deployment/retain-on-replacement.ts';
import { acknowledgeWildcard } from '../nag/reasoned-checks.ts';

export interface SandboxRuntimeProps {
  readonly deployment: Deployment;
  readonly vpc: IVpc;
  readonly telemetryKey: IKey;
  /** Repositories that images may be pulled from. */
  readonly repositoryArns: readonly string[];
}

/** What every sandbox runs on: the cluster, the role that pulls its image, the group that its output goes to. */
export class SandboxRuntime extends Construct {
  readonly cluster: ICluster;
  readonly executionRole: Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: SandboxRuntimeProps) {
    super(scope, id);
    const { deployment } = props;

    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/wflo/${deployment.stage}/sandbox`,
      retention: logRetention(deployment),
      encryptionKey: props.telemetryKey,
      removalPolicy: removalPolicy(deployment),
    });
    const cluster = new Cluster(this, 'Cluster', {
      clusterName: `wflo-${deployment.stage}`,
      vpc: props.vpc,
      containerInsightsV2: ContainerInsights.DISABLED,
    });
    Validations.of(cluster).acknowledge({
      id: 'AwsSolutions-ECS4',
      reason:
        'every attempt reports its own CPU, memory and time; Container Insights bills per task and tells nothing more',
    });
    // CDK's own classes do not fit its interfaces under `exactOptionalPropertyTypes`.
    this.cluster = cluster as ICluster;
    this.executionRole = this.makeExecutionRole(deployment, props.repositoryArns);
  }

  /** Pulls images and nothing else. Sandboxes have no task role. */
  private makeExecutionRole(deployment: Deployment, repositoryArns: readonly string[]): Role {
    const { partition, region, account } = Stack.of(this);
    const role = new Role(this, 'ExecutionRole', {
      description: `Pulls sandbox images of Wflo ${deployment.stage}`,
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: { 'aws:SourceArn': `arn:${partition}:ecs:${region}:${account}:*` },
        },
      }),
    });
    // Task definitions of open executions name it.
    retainOnReplacement(role, removalPolicy(deployment));
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        resources: [...repositoryArns],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ effect: Effect.ALLOW, actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
    );
    acknowledgeWildcard(role, '*', 'a login to ECR is for the whole registry; it has no resource');
    for (const arn of repositoryArns) {
      if (arn.endsWith('*')) acknowledgeWildcard(role, arn, 'the repositories of named images all begin with wflo/');
    }
    return role;
  }
}
