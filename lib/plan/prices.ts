import type { NanoUsd } from './money.ts';

/**
 * List prices of AWS in us-east-1, on demand, before free tiers, discounts and taxes. Whoever changes one looks at its
 * page and sets `asOf`. No other file holds a price.
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
  /** Linux, per hour. Billed by the second from the pull of the image to the end of the task, a minute at least. */
  fargate: {
    X86_64: { vcpuHour: 40_480_000, gibHour: 4_445_000 },
    ARM64: { vcpuHour: 32_380_000, gibHour: 3_560_000 },
    leastSeconds: 60,
    /** Ephemeral storage that costs nothing; a sandbox has exactly this much. */
    includedStorageGib: 20,
  },
  /** Per endpoint and availability zone. The gateway endpoint of S3 costs nothing. */
  interfaceEndpointHour: 10_000_000,
  /** The first PB of a month. */
  interfaceEndpointGb: 10_000_000,
  firewallNameMonth: 500_000,
  /** The first thousand million of a month. */
  firewallMillionQueries: 600_000_000,
  /** The first and the second rotation add as much each. */
  keyMonth: 1_000_000_000,
  /** Standard resolution, per metric that the alarm watches. */
  alarmMetricMonth: 100_000_000,
  compositeAlarmMonth: 500_000_000,
  dashboardMonth: 3_000_000_000,
  publicAddressHour: 5_000_000,
  /** The first 10 TB of a month. */
  internetGb: 90_000_000,
} as const satisfies Readonly<Record<string, unknown>>;

interface FargatePrice {
  readonly vcpuHour: NanoUsd;
  readonly gibHour: NanoUsd;
}

/** Per hour, of a task of this size: whole units of CPU (1,024 are a vCPU) and MiB of memory. */
export function taskHour(architecture: 'X86_64' | 'ARM64', cpuUnits: number, memoryMib: number): NanoUsd {
  const { vcpuHour, gibHour }: FargatePrice = PRICES.fargate[architecture];
  return Math.ceil((cpuUnits * vcpuHour + memoryMib * gibHour) / 1024);
}
