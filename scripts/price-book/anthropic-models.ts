import type { ModelPrice } from '../../lib/budget/price-book.ts';
import {
  CLAUDE_OVERVIEW,
  CLAUDE_SEARCH,
  CLAUDE_SKILL,
  CLAUDE_THINKING,
  CLAUDE_VISION,
  claudePage,
  LITELLM,
  LITELLM_BEFORE,
  MODELS_DEV,
} from './limit-sources.ts';
import { CLAUDE_SEES, CLAUDE_SEES_MORE, type NamedSource, type ReviewedModel } from './reviewed-model.ts';

/** Its pages say 128K, which are 128,000 by the list: that is also the number that the API refuses by. */
const page = (model: string): readonly NamedSource[] => [claudePage(model), LITELLM];
/** No longer served, and no longer on a page with numbers. */
const GONE: readonly NamedSource[] = [MODELS_DEV, LITELLM_BEFORE];

/** What Anthropic documents of all of them: the size of images, that thinking is within the ceiling, and fees. */
export const claudeLimits = (limits: readonly NamedSource[]): readonly NamedSource[] => [
  ...limits,
  CLAUDE_VISION,
  CLAUDE_THINKING,
];

/** By the name of the model without `claude-` and the date, for Anthropic and for Bedrock. */
export const CLAUDE_LIMITS = {
  'sonnet-4-5': page('sonnet-4-5'),
  'sonnet-4-6': page('sonnet-4-6'),
  'haiku-4-5': [CLAUDE_OVERVIEW, LITELLM],
  'opus-4-5': page('opus-4-5'),
  'opus-4-6': [CLAUDE_SKILL, LITELLM],
  'opus-4-7': [CLAUDE_SKILL, LITELLM],
  'opus-4-8': [CLAUDE_SKILL, LITELLM],
  'sonnet-5': page('sonnet-5'),
  'opus-5': page('opus-5'),
  'opus-5-5': page('opus-5-5'),
  'fable-5': [CLAUDE_OVERVIEW, LITELLM],
  'fable-5-1': [CLAUDE_OVERVIEW, LITELLM],
} as const satisfies { readonly [model: string]: readonly NamedSource[] };

const anthropic = (
  names: readonly string[],
  maxOutputTokens: number,
  accepts: ModelPrice['accepts'],
  limits: readonly NamedSource[],
): ReviewedModel => ({
  provider: 'anthropic',
  entry: names[0] ?? '',
  names,
  maxOutputTokens,
  accepts,
  corrections: [],
  limits: [...claudeLimits(limits), CLAUDE_SEARCH],
});

/** A window of a million for the fourth generation needs a beta header, which no call may have. */
export const ANTHROPIC_MODELS: readonly ReviewedModel[] = [
  anthropic(['claude-opus-4-0', 'claude-opus-4-20250514'], 32_000, CLAUDE_SEES, GONE),
  anthropic(['claude-sonnet-4-0', 'claude-sonnet-4-20250514'], 64_000, CLAUDE_SEES, GONE),
  anthropic(['claude-opus-4-1', 'claude-opus-4-1-20250805'], 32_000, CLAUDE_SEES, GONE),
  anthropic(['claude-haiku-4-5', 'claude-haiku-4-5-20251001'], 64_000, CLAUDE_SEES, CLAUDE_LIMITS['haiku-4-5']),
  anthropic(['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'], 64_000, CLAUDE_SEES, CLAUDE_LIMITS['sonnet-4-5']),
  anthropic(['claude-opus-4-5', 'claude-opus-4-5-20251101'], 64_000, CLAUDE_SEES, CLAUDE_LIMITS['opus-4-5']),
  anthropic(['claude-sonnet-4-6'], 128_000, CLAUDE_SEES, CLAUDE_LIMITS['sonnet-4-6']),
  anthropic(['claude-opus-4-6'], 128_000, CLAUDE_SEES, CLAUDE_LIMITS['opus-4-6']),
  anthropic(['claude-opus-4-7'], 128_000, CLAUDE_SEES_MORE, CLAUDE_LIMITS['opus-4-7']),
  anthropic(['claude-opus-4-8'], 128_000, CLAUDE_SEES_MORE, CLAUDE_LIMITS['opus-4-8']),
  anthropic(['claude-sonnet-5'], 128_000, CLAUDE_SEES_MORE, CLAUDE_LIMITS['sonnet-5']),
  anthropic(['claude-opus-5'], 128_000, CLAUDE_SEES_MORE, CLAUDE_LIMITS['opus-5']),
  anthropic(['claude-opus-5-5'], 128_000, CLAUDE_SEES_MORE, CLAUDE_LIMITS['opus-5-5']),
  anthropic(['claude-fable-5'], 128_000, CLAUDE_SEES_MORE, CLAUDE_LIMITS['fable-5']),
  anthropic(['claude-fable-5-1'], 128_000, CLAUDE_SEES_MORE, CLAUDE_LIMITS['fable-5-1']),
];
