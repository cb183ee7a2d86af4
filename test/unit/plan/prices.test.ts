import { describe, expect, it } from 'vitest';
import { fixedCosts, usagePrices } from '../../../lib/plan/costs.ts';
import { footprintOf, type TemplateResource, uncountedTypes } from '../../../lib/plan/footprint.ts';
import { PRICES } from '../../../lib/plan/prices.ts';

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
