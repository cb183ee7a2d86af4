import type { ModelPrice } from '../../lib/budget/price-book.ts';
import { CLAUDE_LIMITS, claudeLimits } from './anthropic-models.ts';
import { bedrockCard, bedrockRefuses, claudePage, LITELLM, MODELS_DEV, NOVA_GUIDE } from './limit-sources.ts';
import {
  CLAUDE_SEES,
  CLAUDE_SEES_MORE,
  type Correction,
  type NamedSource,
  PICTURES,
  type ReviewedModel,
  SEEN,
  TEXT,
} from './reviewed-model.ts';

const HOUR_CACHE: Correction = {
  reason: 'one-hour cache writes at twice the input, which the package leaves out or takes for five-minute ones',
  rates: [{ is: 'cacheWrite1h', of: 'input', percent: 200 }],
};

interface BedrockModel {
  readonly id: string;
  /** Entries of the package, and what stands before the id in the names that each of them is for. */
  readonly entries: { readonly [entry: string]: readonly string[] };
  readonly contextWindow?: number;
  readonly maxOutputTokens: number;
  readonly accepts: ModelPrice['accepts'];
  readonly corrections?: readonly Correction[];
  readonly limits: readonly NamedSource[];
  readonly unverified?: string;
}
const bedrock = ({ id, entries, corrections = [], ...model }: BedrockModel): ReviewedModel[] =>
  Object.entries(entries).map(([entry, prefixes]) => ({
    provider: 'bedrock',
    entry,
    names: prefixes.map((prefix) => `${prefix}${id}`),
    corrections,
    ...model,
  }));

const REGIONS = ['', 'us.', 'eu.', 'jp.', 'au.'];
type Claude = Pick<BedrockModel, 'id' | 'accepts' | 'unverified'> & {
  /** The package's, without the kind of profile; the id where absent. */
  readonly entry?: string;
  readonly limits: readonly NamedSource[];
  readonly maxOutputTokens?: number;
  readonly regions?: readonly string[];
};
/** Claude from 4.5 on: the bare id and the regions' profiles at the regional rates, the global profile at its own. */
const claude = ({ limits, regions = REGIONS, entry, maxOutputTokens = 128_000, ...model }: Claude): ReviewedModel[] =>
  bedrock({
    ...model,
    entries: { [`regional.${entry ?? model.id}`]: regions, [`global.${entry ?? model.id}`]: ['global.'] },
    maxOutputTokens,
    corrections: [HOUR_CACHE],
    limits: claudeLimits(limits),
  });

const LISTS: readonly NamedSource[] = [LITELLM, MODELS_DEV];

/**
 * What Amazon sells by its own list: the price in eu-* differs and is not in the package, but for Nova 2. Windows are
 * given in K, which is taken for 1,024.
 */
type OnDemand = Pick<BedrockModel, 'id' | 'maxOutputTokens' | 'limits' | 'unverified'> & {
  readonly contextK: number;
  readonly accepts?: ModelPrice['accepts'];
};
const onDemand = ({ contextK, accepts = TEXT, ...model }: OnDemand): ReviewedModel[] =>
  bedrock({ ...model, entries: { [model.id]: ['', 'us.'] }, contextWindow: contextK * 1024, accepts });

/** The card says 5K and the guide 10K; Bedrock itself refuses more than 10,000. */
const novaLimits = (card: string): readonly NamedSource[] => [
  bedrockRefuses('Nova Micro, Lite and Pro', 10_000, '2026-07-17'),
  NOVA_GUIDE,
  bedrockCard(card),
];
/** The card says 8K, but Bedrock refuses more than 2,048, and a call that names no ceiling goes out with this one. */
const llama3Limits = (card: string): readonly NamedSource[] => [
  bedrockRefuses('Llama 3 8B and 70B', 2048, '2026-09-09'),
  bedrockCard(card),
];

export const BEDROCK_MODELS: readonly ReviewedModel[] = [
  ...claude({
    id: 'anthropic.claude-haiku-4-5-20251001-v1:0',
    limits: CLAUDE_LIMITS['haiku-4-5'],
    maxOutputTokens: 64_000,
    accepts: CLAUDE_SEES,
  }),
  ...claude({
    id: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
    limits: CLAUDE_LIMITS['sonnet-4-5'],
    maxOutputTokens: 64_000,
    accepts: CLAUDE_SEES,
  }),
  ...claude({
    id: 'anthropic.claude-opus-4-5-20251101-v1:0',
    entry: 'anthropic.claude-opus-4-5-v1:0',
    limits: CLAUDE_LIMITS['opus-4-5'],
    maxOutputTokens: 64_000,
    accepts: CLAUDE_SEES,
  }),
  ...claude({
    id: 'anthropic.claude-sonnet-4-6',
    entry: 'anthropic.claude-sonnet-4-6-v1:0',
    limits: [bedrockCard('anthropic-claude-sonnet-4-6'), claudePage('sonnet-4-6')],
    accepts: CLAUDE_SEES,
    unverified: "Amazon's card says 64K of output and Anthropic's page 128K: the higher is taken",
  }),
  ...claude({
    id: 'anthropic.claude-opus-4-6-v1',
    entry: 'anthropic.claude-opus-4-6-v1:0',
    limits: CLAUDE_LIMITS['opus-4-6'],
    accepts: CLAUDE_SEES,
  }),
  ...claude({
    id: 'anthropic.claude-opus-4-7',
    entry: 'anthropic.claude-opus-4-7-v1:0',
    limits: CLAUDE_LIMITS['opus-4-7'],
    accepts: CLAUDE_SEES_MORE,
  }),
  ...claude({
    id: 'anthropic.claude-opus-4-8',
    entry: 'anthropic.claude-opus-4-8-v1:0',
    limits: CLAUDE_LIMITS['opus-4-8'],
    accepts: CLAUDE_SEES_MORE,
  }),
  ...claude({
    id: 'anthropic.claude-sonnet-5',
    entry: 'anthropic.claude-sonnet-5-v1:0',
    limits: CLAUDE_LIMITS['sonnet-5'],
    accepts: CLAUDE_SEES_MORE,
  }),
  ...claude({ id: 'anthropic.claude-opus-5', limits: CLAUDE_LIMITS['opus-5'], accepts: CLAUDE_SEES_MORE }),
  ...claude({ id: 'anthropic.claude-opus-5-5', limits: CLAUDE_LIMITS['opus-5-5'], accepts: CLAUDE_SEES_MORE }),
  // The package has no regional profile of either under the names that Bedrock uses.
  ...claude({
    id: 'anthropic.claude-fable-5',
    entry: 'anthropic.claude-fable-5-v1:0',
    limits: CLAUDE_LIMITS['fable-5'],
    accepts: CLAUDE_SEES_MORE,
    regions: [''],
  }),
  ...claude({
    id: 'anthropic.claude-fable-5-1',
    entry: 'anthropic.claude-fable-5-1-v1:0',
    limits: CLAUDE_LIMITS['fable-5-1'],
    accepts: CLAUDE_SEES_MORE,
    regions: [''],
  }),
  ...bedrock({
    id: 'anthropic.claude-sonnet-4-20250514-v1:0',
    entries: {
      'regional.anthropic.claude-sonnet-4-20250514-v1:0': ['', 'us.', 'eu.', 'apac.'],
      'global.anthropic.claude-sonnet-4-20250514-v1:0': ['global.'],
    },
    maxOutputTokens: 64_000,
    accepts: CLAUDE_SEES,
    limits: claudeLimits(LISTS),
  }),
  ...bedrock({
    id: 'anthropic.claude-opus-4-1-20250805-v1:0',
    entries: { 'regional.anthropic.claude-opus-4-1-20250805-v1:0': ['', 'us.'] },
    maxOutputTokens: 32_000,
    accepts: CLAUDE_SEES,
    limits: claudeLimits(LISTS),
  }),
  ...bedrock({
    id: 'anthropic.claude-3-haiku-20240307-v1:0',
    entries: { 'regional.anthropic.claude-3-haiku-20240307-v1:0': ['', 'us.', 'eu.', 'apac.'] },
    maxOutputTokens: 4096,
    accepts: CLAUDE_SEES,
    limits: claudeLimits([bedrockCard('anthropic-claude-3-haiku'), MODELS_DEV]),
  }),
  ...onDemand({
    id: 'amazon.nova-micro-v1:0',
    contextK: 128,
    maxOutputTokens: 10_000,
    limits: novaLimits('amazon-nova-micro'),
  }),
  ...onDemand({
    id: 'amazon.nova-lite-v1:0',
    contextK: 300,
    maxOutputTokens: 10_000,
    accepts: SEEN,
    limits: novaLimits('amazon-nova-lite'),
  }),
  ...onDemand({
    id: 'amazon.nova-pro-v1:0',
    contextK: 300,
    maxOutputTokens: 10_000,
    accepts: SEEN,
    limits: novaLimits('amazon-nova-pro'),
  }),
  ...onDemand({
    id: 'amazon.nova-premier-v1:0',
    contextK: 1024,
    maxOutputTokens: 32_000,
    accepts: SEEN,
    limits: [bedrockRefuses('Nova Premier', 32_000), bedrockCard('amazon-nova-premier'), NOVA_GUIDE],
    unverified: 'the guide says 10K of output, the card 25K, and a refusal of Bedrock 32,000: the highest is taken',
  }),
  ...bedrock({
    id: 'amazon.nova-2-lite-v1:0',
    entries: {
      'regional.amazon.nova-2-lite-v1:0': ['us.', 'eu.', 'jp.'],
      'global.amazon.nova-2-lite-v1:0': ['global.'],
    },
    contextWindow: 1024 * 1024,
    maxOutputTokens: 65_535,
    accepts: SEEN,
    limits: [bedrockCard('amazon-nova-2-lite'), LITELLM],
    unverified: 'the card says 64K of output and no exact number, a list 64,000: 65,535 is taken',
  }),
  ...['8b', '70b'].flatMap((size) =>
    onDemand({
      id: `meta.llama3-${size}-instruct-v1:0`,
      contextK: 8,
      maxOutputTokens: 2048,
      limits: llama3Limits(`meta-llama-3-${size}-instruct`),
    }),
  ),
  ...['8b', '70b'].flatMap((size) =>
    onDemand({
      id: `meta.llama3-1-${size}-instruct-v1:0`,
      contextK: 128,
      maxOutputTokens: 4096,
      limits: [bedrockCard(`meta-llama-3-1-${size}-instruct`), LITELLM, MODELS_DEV],
    }),
  ),
  ...['1b', '3b'].flatMap((size) =>
    onDemand({
      id: `meta.llama3-2-${size}-instruct-v1:0`,
      contextK: 128,
      maxOutputTokens: 4096,
      limits: [LITELLM],
      unverified: 'one list only has it; the limits are those of the larger ones of its generation',
    }),
  ),
  ...['11b', '90b'].flatMap((size) =>
    onDemand({
      id: `meta.llama3-2-${size}-instruct-v1:0`,
      contextK: 128,
      maxOutputTokens: 4096,
      accepts: PICTURES,
      limits: [bedrockCard(`meta-llama-3-2-${size}-instruct`), LITELLM],
      ...(size === '11b'
        ? { unverified: 'the card says 4K of output, one report of a refusal 8,192: the card is taken' }
        : {}),
    }),
  ),
  ...onDemand({
    id: 'meta.llama3-3-70b-instruct-v1:0',
    contextK: 128,
    maxOutputTokens: 4096,
    limits: [bedrockCard('meta-llama-3-3-70b-instruct'), LITELLM, MODELS_DEV],
  }),
  ...[['scout', 10_240] as const, ['maverick', 1024] as const].flatMap(([kind, contextK]) =>
    onDemand({
      id: `meta.llama4-${kind}-17b-instruct-v1:0`,
      contextK,
      maxOutputTokens: 8192,
      accepts: PICTURES,
      limits: [bedrockCard(`meta-llama-4-${kind}-17b-instruct`), LITELLM],
    }),
  ),
];
