import { usd } from '../money.ts';
import type { PriceBook } from '../price-book.ts';

/**
 * List prices of Linux tasks in us-east-1, per hour, on demand; https://aws.amazon.com/fargate/pricing/. The 20 GiB of
 * storage that a sandbox has cost nothing. Whoever changes one runs `npm run prices:update`.
 */
export const FARGATE_RATES: PriceBook['fargate'] = {
  X86_64: { vcpuHour: usd('0.04048'), gibHour: usd('0.004445') },
  ARM64: { vcpuHour: usd('0.03238'), gibHour: usd('0.00356') },
};
