/** What a deployment has that is paid by the month whether it is used or not: counted in its templates. */
export interface Footprint {
  readonly interfaceEndpoints: number;
  /** Endpoints times the zones that each stands in: what is paid by the hour. */
  readonly endpointZones: number;
  /** In the domain lists of the DNS firewall. */
  readonly firewallNames: number;
  readonly keys: number;
  /** That alarms watch: an alarm on metric math watches several. */
  readonly alarmMetrics: number;
  readonly compositeAlarms: number;
  readonly dashboards: number;
}

/** Paid by the month or hour in themselves, and not counted here: a template that has one would make a plan wrong. */
export const UNCOUNTED_TYPES = [
  'AWS::EC2::EIP',
  'AWS::EC2::NatGateway',
  'AWS::EC2::TransitGatewayAttachment',
  'AWS::EC2::VPNConnection',
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  'AWS::ECS::Service',
  'AWS::RDS::DBInstance',
  'AWS::Route53::HostedZone',
  'AWS::Route53Resolver::ResolverEndpoint',
  'AWS::SecretsManager::Secret',
  'AWS::WAFv2::WebACL',
] as const;

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: { readonly [name: string]: unknown };
}

export function footprintOf(resources: readonly TemplateResource[]): Footprint {
  const ofType = (type: string) => resources.filter(({ Type }) => Type === type);
  const interfaces = ofType('AWS::EC2::VPCEndpoint').filter(
    ({ Properties }) => Properties?.VpcEndpointType === 'Interface',
  );
  return {
    interfaceEndpoints: interfaces.length,
    endpointZones: total(interfaces, ({ SubnetIds }) => lengthOf(SubnetIds)),
    firewallNames: total(ofType('AWS::Route53Resolver::FirewallDomainList'), ({ Domains }) => lengthOf(Domains)),
    keys: ofType('AWS::KMS::Key').length,
    alarmMetrics: total(ofType('AWS::CloudWatch::Alarm'), watchedMetrics),
    compositeAlarms: ofType('AWS::CloudWatch::CompositeAlarm').length,
    dashboards: ofType('AWS::CloudWatch::Dashboard').length,
  };
}

/** Types of `UNCOUNTED_TYPES` that are there, such as by a workflow's own `resources.ts`. */
export function uncountedTypes(resources: readonly TemplateResource[]): readonly string[] {
  return UNCOUNTED_TYPES.filter((type) => resources.some(({ Type }) => Type === type));
}

function total(
  resources: readonly TemplateResource[],
  count: (properties: { readonly [name: string]: unknown }) => number,
): number {
  return resources.reduce((sum, { Properties = {} }) => sum + count(Properties), 0);
}

function watchedMetrics({ Metrics }: { readonly [name: string]: unknown }): number {
  if (!Array.isArray(Metrics)) return 1;
  return Metrics.filter((metric: { readonly MetricStat?: unknown }) => metric.MetricStat !== undefined).length;
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}
