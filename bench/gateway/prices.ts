import { nanoUsd, usd } from '../../lib/budget/money.ts';
import type { ModelPrice, PriceBook } from '../../lib/budget/price-book.ts';

/** $0.03 and $0.06 for a thousand tokens. The name is one that all gateways know. */
export const MODEL: ModelPrice = {
  provider: 'openai',
  model: 'gpt-4o',
  contextWindow: 128_000,
  maxOutputTokens: 16_384,
  tiers: [{ aboveInputTokens: 0, rates: { input: usd(30), output: usd(60) } }],
  fees: {},
  accepts: { images: false, documents: false, audio: false },
  source: 'benchmark',
};

const FREE = { vcpuHour: nanoUsd(0), gibHour: nanoUsd(0) };
export const PRICES: PriceBook = {
  sha256: 'b'.repeat(64),
  generatedFrom: 'benchmark',
  models: [MODEL],
  fargate: { X86_64: FREE, ARM64: FREE },
};
