import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Deployment } from '../constructs/deployment/deployment.ts';
import { DnsAllowList } from '../constructs/sandbox-network/dns-allow-list.ts';
import { ImageEndpoints } from '../constructs/sandbox-network/image-endpoints.ts';
import { SandboxNetwork } from '../constructs/sandbox-network/sandbox-network.ts';
import type { DataStack } from './data-stack.ts';

export interface NetworkStackProps extends StackProps {
  readonly deployment: Deployment;
  readonly data: DataStack;
  readonly repositoryArns: (stack: Stack) => readonly string[];
}

/** For whoever looks at the account and not at our pages. */
const DESCRIPTIONS = {
  private: 'Network of Wflo sandboxes, private: no way out but endpoints with policies',
  open: 'Network of Wflo sandboxes, open: EGRESS IS NOT FILTERED, for trials only',
} as const;

/** The network of sandboxes, with its way out: endpoints in `private` mode, the internet in `open` mode. */
export class NetworkStack extends Stack {
  readonly network: SandboxNetwork;
  /** Absent in `open` mode. */
  readonly endpoints: ImageEndpoints | undefined;

  constructor(scope: Construct, id: string, props: NetworkStackProps) {
    const { deployment, data } = props;
    super(scope, id, { ...props, description: DESCRIPTIONS[deployment.network] });

    this.network = new SandboxNetwork(this, 'Sandboxes', { deployment, telemetryKey: data.telemetryKey });
    if (deployment.network === 'open') return;
    this.endpoints = new ImageEndpoints(this, 'Endpoints', {
      network: this.network,
      artefactsArn: data.artefacts.bucketArn,
      repositoryArns: props.repositoryArns(this),
    });
    new DnsAllowList(this, 'Dns', { stage: deployment.stage, vpc: this.network.vpc });
  }
}
