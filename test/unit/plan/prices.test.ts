import { describe, expect, it } from 'vitest';
import { fixedCosts, usagePrices } from '../../../lib/plan/costs.ts';
import { footprintOf, type TemplateResource, uncountedTypes } from '../../../lib/plan/footprint.ts';
import { share, usdText } from '../../../lib/plan/money.ts';
import { PRICES, taskHour } from '../../../lib/plan/prices.ts';
import { cpuUnits, FARGATE_SIZES } from '../../../lib/sandbox/sizes.ts';

describe('amounts', () => {
  it.each([
    [0, '$0.00'],
    [43_800_000_000, '$43.80'],
    [1_995_000_000, '$2.00'],
    [999_950_000, '$1.00'],
    [500_000, '$0.0005'],
    [12_342_500, '$0.0123'],
    [600_000_000, '$0.60'],
    [411_417, '$0.000411'],
    [499, '$0.00'],
  ])('of %d billionths are %s', (amount, text) => {
    expect(usdText(amount)).toBe(text);
  });

  it('are shared without floats, rounded up', () => {
    expect(share(3600, 1, 3600)).toBe(1);
    expect(share(3600, 60, 3601)).toBe(60);
    expect(share(1, 1, 3600)).toBe(1);
    // A whole year of the largest size, beyond what a float holds exactly on the way.
    expect(share(1_181_080_000, 31_535_400, 3600)).toBe(10_346_063_953_334);
  });
});

describe('list prices', () => {
  const numbers = (value: unknown): number[] =>
    typeof value === 'number'
      ? [value]
      : typeof value === 'object' && value
        ? Object.values(value).flatMap(numbers)
        : [];

  it('are whole numbers of billionths of a dollar', () => {
    for (const price of numbers(PRICES)) expect(Number.isSafeInteger(price)).toBe(true);
  });

  it('say where and when', () => {
    expect(PRICES.region).toBe('us-east-1');
    expect(PRICES.asOf).toMatch(/^20\d\d-(0[1-9]|1[0-2])$/);
    for (const source of PRICES.sources) expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/.*pricing\//);
  });

  it('of a task are those of its CPU and memory', () => {
    expect(taskHour('X86_64', 1024, 1024)).toBe(40_480_000 + 4_445_000);
    expect(taskHour('X86_64', 256, 512)).toBe(12_342_500);
    expect(taskHour('ARM64', 256, 512)).toBe(9_875_000);
    for (const { cpu, memoryMib } of FARGATE_SIZES) {
      expect(Number.isSafeInteger(taskHour('X86_64', cpuUnits(cpu), memoryMib))).toBe(true);
      expect(taskHour('ARM64', cpuUnits(cpu), memoryMib)).toBeLessThan(taskHour('X86_64', cpuUnits(cpu), memoryMib));
    }
  });
});

const RESOURCES: readonly TemplateResource[] = [
  { Type: 'AWS::EC2::VPCEndpoint', Properties: { VpcEndpointType: 'Gateway', RouteTableIds: ['a', 'b'] } },
  { Type: 'AWS::EC2::VPCEndpoint', Properties: { VpcEndpointType: 'Interface', SubnetIds: ['a', 'b'] } },
  { Type: 'AWS::EC2::VPCEndpoint', Properties: { VpcEndpointType: 'Interface', SubnetIds: ['a'] } },
  { Type: 'AWS::Route53Resolver::FirewallDomainList', Properties: { Domains: ['a', 'b', 'c'] } },
  { Type: 'AWS::KMS::Key', Properties: {} },
  { Type: 'AWS::CloudWatch::Alarm', Properties: { MetricName: 'Errors' } },
  {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: { Metrics: [{ Expression: 'a / b' }, { MetricStat: {} }, { MetricStat: {} }] },
  },
  { Type: 'AWS::CloudWatch::CompositeAlarm' },
  { Type: 'AWS::CloudWatch::Dashboard' },
  { Type: 'AWS::Lambda::Function' },
];

describe('a deployment at rest', () => {
  it('has what its templates say', () => {
    expect(footprintOf(RESOURCES)).toEqual({
      interfaceEndpoints: 2,
      endpointZones: 3,
      firewallNames: 3,
      keys: 1,
      alarmMetrics: 3,
      compositeAlarms: 1,
      dashboards: 1,
    });
  });

  it('costs the sum of that', () => {
    expect(fixedCosts(footprintOf(RESOURCES))).toEqual({
      items: [
        { what: 'interface endpoints', count: 3, nanoUsdPerMonth: 3 * 730 * 10_000_000 },
        { what: 'names of the DNS firewall', count: 3, nanoUsdPerMonth: 1_500_000 },
        { what: 'keys', count: 1, nanoUsdPerMonth: 1_000_000_000 },
        { what: 'alarms', count: 4, nanoUsdPerMonth: 800_000_000 },
        { what: 'dashboards', count: 1, nanoUsdPerMonth: 3_000_000_000 },
      ],
      nanoUsdPerMonth: 21_900_000_000 + 1_500_000 + 1_000_000_000 + 800_000_000 + 3_000_000_000,
    });
    expect(fixedCosts(footprintOf([])).nanoUsdPerMonth).toBe(0);
  });

  it('tells what it cannot price', () => {
    expect(uncountedTypes(RESOURCES)).toEqual([]);
    expect(uncountedTypes([...RESOURCES, { Type: 'AWS::EC2::NatGateway' }])).toEqual(['AWS::EC2::NatGateway']);
  });

  it('is paid by use in each network mode in its own way', () => {
    expect(usagePrices().map(({ network, nanoUsd }) => [network, nanoUsd])).toEqual([
      ['private', 10_000_000],
      ['private', 600_000_000],
      ['open', 5_000_000],
      ['open', 90_000_000],
    ]);
  });
});
