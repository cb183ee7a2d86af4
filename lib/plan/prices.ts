import { usd } from '../budget/money.ts';

/**
 * List prices of AWS in us-east-1, on demand, before free tiers, discounts and taxes. Whoever changes one looks at its
 * page and sets `asOf`. Those of Fargate are in the price book, by which compute is charged.
 */
export const PRICES = {
  region: 'us-east-1',
  /** Month in which the prices were last compared, with public copies of these pages. */
  asOf: '2026-11',
  sources: [
    'https://aws.amazon.com/fargate/pricing/',
    'https://aws.amazon.com/privatelink/pricing/',
    'https://aws.amazon.com/route53/pricing/',
    'https://aws.amazon.com/kms/pricing/',
    'https://aws.amazon.com/cloudwatch/pricing/',
    'https://aws.amazon.com/vpc/pricing/',
    'https://aws.amazon.com/ec2/pricing/on-demand/',
  ],
  /** A month of AWS's own examples. */
  hoursPerMonth: 730,
  /** Ephemeral storage of a task that costs nothing; a sandbox has exactly this much. */
  includedStorageGib: 20,
  /** Per endpoint and availability zone. The gateway endpoint of S3 costs nothing. */
  interfaceEndpointHour: usd('0.01'),
  /** The first PB of a month. */
  interfaceEndpointGb: usd('0.01'),
  firewallNameMonth: usd('0.0005'),
  /** The first thousand million of a month. */
  firewallMillionQueries: usd('0.6'),
  /** The first and the second rotation add as much each. */
  keyMonth: usd('1'),
  /** Standard resolution, per metric that the alarm watches. */
  alarmMetricMonth: usd('0.1'),
  compositeAlarmMonth: usd('0.5'),
  dashboardMonth: usd('3'),
  publicAddressHour: usd('0.005'),
  /** The first 10 TB of a month. */
  internetGb: usd('0.09'),
} as const satisfies Readonly<Record<string, unknown>>;
