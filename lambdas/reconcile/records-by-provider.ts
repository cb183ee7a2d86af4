import type { ProviderRecords } from '../../lib/ports.ts';

/** Each provider's own records; of one without, nothing is recorded. */
export function recordsByProvider(by: { readonly [provider: string]: ProviderRecords }): ProviderRecords {
  return {
    async usageOf(hold, price) {
      const { provider } = hold.purpose;
      return Object.hasOwn(by, provider) ? by[provider]?.usageOf(hold, price) : undefined;
    },
  };
}
