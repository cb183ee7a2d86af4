import { Stack } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import {
  CfnFirewallDomainList,
  CfnFirewallRuleGroup,
  CfnFirewallRuleGroupAssociation,
} from 'aws-cdk-lib/aws-route53resolver';
import { Construct } from 'constructs';

export interface DnsAllowListProps {
  readonly stage: string;
  readonly vpc: IVpc;
}

/**
 * The resolver of a VPC answers for every name whatever the routes and groups say, and a name that is asked for is a
 * message to whoever runs its domain. So a sandbox may ask only for the hosts of its own endpoints.
 */
export class DnsAllowList extends Construct {
  constructor(scope: Construct, id: string, { stage, vpc }: DnsAllowListProps) {
    super(scope, id);
    const { region, urlSuffix } = Stack.of(this);

    const ours = new CfnFirewallDomainList(this, 'Ours', {
      name: `wflo-${stage}-endpoints`,
      domains: [
        `*.execute-api.${region}.${urlSuffix}`,
        `api.ecr.${region}.${urlSuffix}`,
        `*.dkr.ecr.${region}.${urlSuffix}`,
        `s3.${region}.${urlSuffix}`,
        `*.s3.${region}.${urlSuffix}`,
      ],
    });
    const everything = new CfnFirewallDomainList(this, 'Everything', {
      name: `wflo-${stage}-everything`,
      domains: ['*'],
    });
    const rules = new CfnFirewallRuleGroup(this, 'Rules', {
      name: `wflo-${stage}-sandboxes`,
      firewallRules: [
        {
          action: 'ALLOW',
          priority: 100,
          firewallDomainListId: ours.attrId,
          // The names of S3 and of endpoints are aliases of other names of AWS.
          firewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
        },
        { action: 'BLOCK', blockResponse: 'NODATA', priority: 200, firewallDomainListId: everything.attrId },
      ],
    });
    // Without a configuration of the VPC a name that cannot be judged gets no answer: docs/adr/0023.
    new CfnFirewallRuleGroupAssociation(this, 'Association', {
      name: `wflo-${stage}-sandboxes`,
      vpcId: vpc.vpcId,
      firewallRuleGroupId: rules.attrId,
      priority: 101,
    });
  }
}
