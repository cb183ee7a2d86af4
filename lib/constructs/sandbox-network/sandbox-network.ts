import { Aws, CfnMapping } from 'aws-cdk-lib';
import {
  CfnSecurityGroup,
  FlowLogDestination,
  FlowLogTrafficType,
  IpAddresses,
  type ISubnet,
  type IVpc,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type Deployment, logRetention, removalPolicy } from '../deployment/deployment.ts';
import { acknowledgeWildcard } from '../nag/reasoned-checks.ts';
import { S3_PREFIX_LISTS } from './s3-prefix-lists.ts';

/** Room for about 4,000 sandboxes at once; nothing else lives in this network. */
export const SANDBOX_CIDR = '10.66.0.0/20';

export interface SandboxNetworkProps {
  readonly deployment: Deployment;
  readonly telemetryKey: IKey;
}

/**
 * Where sandboxes run. What both modes share: nothing can connect to a sandbox, and it can open connections to port
 * 443 only. `private` (isolated subnets, no route out) and `open` (public subnets) differ in what is behind that port.
 */
export class SandboxNetwork extends Construct {
  readonly vpc: IVpc;
  readonly subnets: readonly ISubnet[];
  /** Of every sandbox. */
  readonly securityGroup: CfnSecurityGroup;

  constructor(scope: Construct, id: string, { deployment, telemetryKey }: SandboxNetworkProps) {
    super(scope, id);
    const isPrivate = deployment.network === 'private';

    const vpc = new Vpc(this, 'Vpc', {
      vpcName: `wflo-${deployment.stage}`,
      ipAddresses: IpAddresses.cidr(SANDBOX_CIDR),
      maxAzs: deployment.availabilityZones,
      natGateways: 0,
      // Nothing is ever put into the default group; restricting it would take a function that may edit any group.
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        {
          name: 'sandbox',
          subnetType: isPrivate ? SubnetType.PRIVATE_ISOLATED : SubnetType.PUBLIC,
          ...(isPrivate ? {} : { mapPublicIpOnLaunch: false }),
        },
      ],
    });
    // CDK's own classes do not fit its interfaces under `exactOptionalPropertyTypes`.
    this.vpc = vpc as IVpc;
    this.subnets = isPrivate ? vpc.isolatedSubnets : vpc.publicSubnets;

    this.securityGroup = new CfnSecurityGroup(this, 'SandboxGroup', {
      vpcId: this.vpc.vpcId,
      groupDescription: 'Sandboxes: nothing in, HTTPS out',
      securityGroupEgress: isPrivate ? this.privateEgress() : [https('0.0.0.0/0', 'open mode: HTTPS to anywhere')],
    });

    this.recordFlows(deployment, telemetryKey);
  }

  private privateEgress(): CfnSecurityGroup.EgressProperty[] {
    const prefixLists = new CfnMapping(this, 'S3PrefixLists', {
      mapping: Object.fromEntries(Object.entries(S3_PREFIX_LISTS).map(([region, id]) => [region, { id }])),
    });
    return [
      https(SANDBOX_CIDR, 'interface endpoints: sandbox API, image repositories'),
      {
        ipProtocol: 'tcp',
        fromPort: 443,
        toPort: 443,
        destinationPrefixListId: prefixLists.findInMap(Aws.REGION, 'id'),
        description: 'S3 through its gateway endpoint',
      },
    ];
  }

  private recordFlows(deployment: Deployment, telemetryKey: IKey): void {
    const logGroup = new LogGroup(this, 'Flows', {
      logGroupName: `/wflo/${deployment.stage}/network-flows`,
      retention: logRetention(deployment),
      encryptionKey: telemetryKey,
      removalPolicy: removalPolicy(deployment),
    });
    const role = new Role(this, 'FlowsRole', { assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com') });
    this.vpc.addFlowLog('FlowLog', {
      destination: FlowLogDestination.toCloudWatchLogs(logGroup, role),
      trafficType: FlowLogTrafficType.ALL,
    });
    acknowledgeWildcard(role, logGroup.logGroupArn, 'the ARN of a log group stands for its streams; it ends in :*');
  }
}

function https(cidrIp: string, description: string): CfnSecurityGroup.EgressProperty {
  return { ipProtocol: 'tcp', fromPort: 443, toPort: 443, cidrIp, description };
}
