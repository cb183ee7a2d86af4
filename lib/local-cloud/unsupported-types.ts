/**
 * Resource types that the local AWS does not know. It refuses a whole stack for one of them, so they are left out of
 * the templates that are deployed there. Each is asserted on the template instead (`test/constructs`), and the reason
 * says what that costs locally.
 */
export const UNSUPPORTED_TYPES: Readonly<Record<string, string>> = {
  'AWS::EC2::FlowLog': 'the local AWS has no network to record',
  'AWS::Route53Resolver::FirewallDomainList':
    'sandboxes are processes of this machine and ask its resolver: names are not filtered',
  'AWS::Route53Resolver::FirewallRuleGroup': 'as FirewallDomainList',
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': 'as FirewallDomainList',
  'AWS::EventSchemas::Registry': 'nobody looks events up there; docs/events.md has them',
  'AWS::EventSchemas::Schema': 'as Registry',
};
