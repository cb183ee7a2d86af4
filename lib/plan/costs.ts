import { type NanoUsd, nanoUsd, sumUsd } from '../budget/money.ts';
import type { Footprint } from './footprint.ts';
import { PRICES } from './prices.ts';
import type { NetworkMode } from './synthesise-resources.ts';

export interface FixedCost {
  readonly items: readonly FixedItem[];
  readonly nanoUsdPerMonth: NanoUsd;
}

export interface FixedItem {
  readonly what: 'interface endpoints' | 'names of the DNS firewall' | 'keys' | 'alarms' | 'dashboards';
  /** Of what is paid: of endpoints, one for each zone that it stands in. */
  readonly count: number;
  readonly nanoUsdPerMonth: NanoUsd;
}

export interface UsagePrice {
  readonly what: string;
  readonly per: string;
  readonly nanoUsd: NanoUsd;
  /** The only network mode in which it is paid. */
  readonly network: NetworkMode;
}

/** What a deployment costs by the month, used or not. Items that there are none of are listed with 0. */
export function fixedCosts(footprint: Footprint): FixedCost {
  const item = (what: FixedItem['what'], count: number, each: NanoUsd): FixedItem => ({
    what,
    count,
    nanoUsdPerMonth: nanoUsd(count * each),
  });
  const alarms = item('alarms', footprint.alarmMetrics, PRICES.alarmMetricMonth);
  const items = [
    item('interface endpoints', footprint.endpointZones, nanoUsd(PRICES.interfaceEndpointHour * PRICES.hoursPerMonth)),
    item('names of the DNS firewall', footprint.firewallNames, PRICES.firewallNameMonth),
    item('keys', footprint.keys, PRICES.keyMonth),
    {
      ...alarms,
      count: alarms.count + footprint.compositeAlarms,
      nanoUsdPerMonth: nanoUsd(alarms.nanoUsdPerMonth + footprint.compositeAlarms * PRICES.compositeAlarmMonth),
    },
    item('dashboards', footprint.dashboards, PRICES.dashboardMonth),
  ];
  return { items, nanoUsdPerMonth: sumUsd(...items.map(({ nanoUsdPerMonth }) => nanoUsdPerMonth)) };
}

/** What the network modes cost by use. */
export function usagePrices(): readonly UsagePrice[] {
  return [
    {
      what: 'data through interface endpoints: images from ECR but for their layers, calls of the sandbox API',
      per: 'GB',
      nanoUsd: PRICES.interfaceEndpointGb,
      network: 'private',
    },
    {
      what: 'queries that the DNS firewall judges',
      per: 'million',
      nanoUsd: PRICES.firewallMillionQueries,
      network: 'private',
    },
    {
      what: 'the public IPv4 address of a running sandbox',
      per: 'hour',
      nanoUsd: PRICES.publicAddressHour,
      network: 'open',
    },
    { what: 'data that sandboxes send to the internet', per: 'GB', nanoUsd: PRICES.internetGb, network: 'open' },
  ];
}
