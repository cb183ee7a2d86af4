import type { ModelPrice } from '../../lib/budget/price-book.ts';
import type { Correction, ReviewedModel } from './reviewed-model.ts';

/** The package's rates change on days that are known ahead; the book takes those of this day and all later ones. */
export const AS_OF = '2026-11-26';

type Accepts = ModelPrice['accepts'];
const TEXT: Accepts = { images: false, documents: false, audio: false };
const SEEN: Accepts = { images: true, documents: true, audio: false };
const HEARD: Accepts = { images: true, documents: true, audio: true };

/**
 * The most tokens of an image, with a margin, where a provider documents that it scales images of any shape down to a known
 * number: Claude to about 1,600 and from 4.7 on to 4,784. For the models of OpenAI and Gemini no such number is known to
 * hold for every image and every detail, so one of theirs counts as a whole window.
 */
const CLAUDE_SEES: Accepts = { ...SEEN, maxTokensPerImage: 2000 };
const CLAUDE_SEES_MORE: Accepts = { ...SEEN, maxTokensPerImage: 5000 };

const CACHED_AS_INPUT: Correction = {
  reason: 'no rate for cached input is listed, so that it costs what input costs',
  rates: [{ is: 'cacheRead', of: 'input', percent: 100 }],
};
const AUDIO_AS_TEXT: Correction = {
  reason: 'one input rate for text and audio',
  rates: [
    { is: 'inputAudio', of: 'input', percent: 100 },
    { is: 'cacheReadAudio', of: 'cacheRead', percent: 100 },
  ],
};
const PREVIEW_SEARCH: Correction = {
  reason: 'a search of a model that does not reason may be the preview kind, at 25 dollars for a thousand',
  feesPerThousand: { webSearch: '25' },
};
const HOUR_CACHE: Correction = {
  reason: 'one-hour cache writes at twice the input, which the package leaves out or takes for five-minute ones',
  rates: [{ is: 'cacheWrite1h', of: 'input', percent: 200 }],
};

type Model = Omit<ReviewedModel, 'provider' | 'corrections'> & { readonly corrections?: readonly Correction[] };

const openai = (model: Model): ReviewedModel => ({ provider: 'openai', corrections: [], ...model });
const anthropic = (names: readonly string[], maxOutputTokens: number, accepts: Accepts): ReviewedModel => ({
  provider: 'anthropic',
  entry: names[0] ?? '',
  names,
  maxOutputTokens,
  accepts,
  corrections: [],
});

/** Gemini limits input and output apart, so that both together are the window. */
const GEMINI_WINDOW = 1_048_576 + 65_536;
const gemini = (model: Omit<Model, 'maxOutputTokens' | 'contextWindow'>, maxOutputTokens = 65_536): ReviewedModel => ({
  provider: 'gemini',
  contextWindow: GEMINI_WINDOW,
  corrections: [],
  maxOutputTokens,
  ...model,
});

interface BedrockModel {
  readonly id: string;
  /** Entries of the package, and what stands before the id in the names that each of them is for. */
  readonly entries: { readonly [entry: string]: readonly string[] };
  readonly contextWindow?: number;
  readonly maxOutputTokens: number;
  readonly accepts: Accepts;
  readonly corrections?: readonly Correction[];
}
const bedrock = ({ id, entries, corrections = [], ...model }: BedrockModel): ReviewedModel[] =>
  Object.entries(entries).map(([entry, prefixes]) => ({
    provider: 'bedrock',
    entry,
    names: prefixes.map((prefix) => `${prefix}${id}`),
    corrections,
    ...model,
  }));

/** Claude from 4.5 on: the bare id and the regions' profiles at the regional rates, the global profile at its own. */
const claude = (
  id: string,
  entry: string,
  maxOutputTokens: number,
  accepts: Accepts,
  regions: readonly string[] = ['', 'us.', 'eu.', 'jp.', 'au.'],
): ReviewedModel[] =>
  bedrock({
    id,
    entries: { [`regional.${entry}`]: regions, [`global.${entry}`]: ['global.'] },
    maxOutputTokens,
    accepts,
    corrections: [HOUR_CACHE],
  });
/**
 * What Amazon sells by its own list: the price in eu-* differs and is not in the package, but for Nova 2. Windows are
 * given in K, which is taken for 1,024.
 */
const onDemand = (id: string, contextK: number, maxOutputTokens: number, accepts = TEXT): ReviewedModel[] =>
  bedrock({ id, entries: { [id]: ['', 'us.'] }, contextWindow: contextK * 1024, maxOutputTokens, accepts });

/**
 * Every model that may be called. Windows are never too small and ceilings never too large: a call is bounded by both.
 * A model whose window or ceiling is not known is not here, nor one whose use cannot be bounded by its request
 * (built-in search, deep research) or that none of the wire formats calls (realtime, speech, transcription).
 */
export const REVIEWED_MODELS: readonly ReviewedModel[] = [
  openai({
    entry: 'gpt-3.5-turbo',
    names: ['gpt-3.5-turbo', 'gpt-3.5-turbo-0125'],
    maxOutputTokens: 4096,
    accepts: TEXT,
  }),
  openai({ entry: 'gpt-4', names: ['gpt-4', 'gpt-4-0613'], maxOutputTokens: 4096, accepts: TEXT }),
  openai({
    entry: 'gpt-4-turbo',
    names: ['gpt-4-turbo', 'gpt-4-turbo-2024-04-09'],
    maxOutputTokens: 4096,
    accepts: { ...TEXT, images: true },
  }),
  openai({
    entry: 'gpt-4o',
    names: ['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-2024-11-20'],
    maxOutputTokens: 16_384,
    accepts: SEEN,
    corrections: [PREVIEW_SEARCH],
  }),
  openai({
    entry: 'gpt-4o-2024-05-13',
    names: ['gpt-4o-2024-05-13'],
    maxOutputTokens: 4096,
    accepts: SEEN,
    corrections: [CACHED_AS_INPUT, PREVIEW_SEARCH],
  }),
  openai({
    entry: 'gpt-4o-mini',
    names: ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18'],
    maxOutputTokens: 16_384,
    accepts: SEEN,
    corrections: [PREVIEW_SEARCH],
  }),
  ...['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano'].map((entry) =>
    openai({
      entry,
      names: [entry, `${entry}-2025-04-14`],
      contextWindow: 1_047_576,
      maxOutputTokens: 32_768,
      accepts: entry === 'gpt-4.1' ? SEEN : SEEN,
      corrections: entry === 'gpt-4.1-nano' ? [] : [PREVIEW_SEARCH],
    }),
  ),
  openai({ entry: 'o1', names: ['o1', 'o1-2024-12-17'], maxOutputTokens: 100_000, accepts: SEEN }),
  openai({
    entry: 'o1-pro',
    names: ['o1-pro', 'o1-pro-2025-03-19'],
    maxOutputTokens: 100_000,
    accepts: SEEN,
    corrections: [CACHED_AS_INPUT],
  }),
  openai({ entry: 'o3', names: ['o3', 'o3-2025-04-16'], maxOutputTokens: 100_000, accepts: SEEN }),
  openai({
    entry: 'o3-pro',
    names: ['o3-pro', 'o3-pro-2025-06-10'],
    maxOutputTokens: 100_000,
    accepts: SEEN,
    corrections: [CACHED_AS_INPUT],
  }),
  openai({ entry: 'o3-mini', names: ['o3-mini', 'o3-mini-2025-01-31'], maxOutputTokens: 100_000, accepts: TEXT }),
  openai({ entry: 'o4-mini', names: ['o4-mini', 'o4-mini-2025-04-16'], maxOutputTokens: 100_000, accepts: SEEN }),
  openai({
    entry: 'gpt-5',
    names: ['gpt-5', 'gpt-5-2025-08-07', 'gpt-5-codex'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
  }),
  openai({ entry: 'gpt-5', names: ['gpt-5-chat-latest'], maxOutputTokens: 16_384, accepts: SEEN }),
  openai({
    entry: 'gpt-5-mini',
    names: ['gpt-5-mini', 'gpt-5-mini-2025-08-07'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
  }),
  openai({
    entry: 'gpt-5-nano',
    names: ['gpt-5-nano', 'gpt-5-nano-2025-08-07'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
  }),
  openai({
    entry: 'gpt-5-pro',
    names: ['gpt-5-pro', 'gpt-5-pro-2025-10-06'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
    corrections: [CACHED_AS_INPUT],
  }),
  openai({
    entry: 'gpt-5.1',
    names: ['gpt-5.1', 'gpt-5.1-2025-11-13', 'gpt-5.1-codex', 'gpt-5.1-codex-max'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
  }),
  openai({ entry: 'gpt-5.1', names: ['gpt-5.1-chat-latest'], maxOutputTokens: 16_384, accepts: SEEN }),
  openai({ entry: 'gpt-5.1-codex-mini', names: ['gpt-5.1-codex-mini'], maxOutputTokens: 128_000, accepts: SEEN }),
  openai({
    entry: 'gpt-5.2',
    names: ['gpt-5.2', 'gpt-5.2-2025-12-11', 'gpt-5.2-codex'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
  }),
  openai({ entry: 'gpt-5.2', names: ['gpt-5.2-chat-latest'], maxOutputTokens: 16_384, accepts: SEEN }),
  openai({
    entry: 'gpt-5.2-pro',
    names: ['gpt-5.2-pro', 'gpt-5.2-pro-2025-12-11'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
    corrections: [CACHED_AS_INPUT],
  }),
  openai({ entry: 'gpt-5.3', names: ['gpt-5.3-chat-latest'], maxOutputTokens: 16_384, accepts: SEEN }),
  openai({ entry: 'gpt-5.3-codex', names: ['gpt-5.3-codex'], maxOutputTokens: 128_000, accepts: SEEN }),
  openai({ entry: 'gpt-5.4', names: ['gpt-5.4', 'gpt-5.4-2026-03-05'], maxOutputTokens: 128_000, accepts: SEEN }),
  openai({
    entry: 'gpt-5.4-pro',
    names: ['gpt-5.4-pro', 'gpt-5.4-pro-2026-03-05'],
    maxOutputTokens: 128_000,
    accepts: SEEN,
    corrections: [CACHED_AS_INPUT],
  }),
  ...['gpt-5.4-mini', 'gpt-5.4-nano'].map((entry) =>
    openai({
      entry,
      names: [entry, `${entry}-2026-03-17`],
      contextWindow: 1_050_000,
      maxOutputTokens: 128_000,
      accepts: SEEN,
    }),
  ),
  openai({
    entry: 'gpt-5.5',
    names: ['gpt-5.5', 'gpt-5.5-2026-04-23'],
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    accepts: SEEN,
  }),
  openai({
    entry: 'gpt-5.5-pro',
    names: ['gpt-5.5-pro', 'gpt-5.5-pro-2026-04-23'],
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    accepts: SEEN,
    corrections: [CACHED_AS_INPUT],
  }),
  openai({ entry: 'gpt-5.6-sol', names: ['gpt-5.6', 'gpt-5.6-sol'], maxOutputTokens: 128_000, accepts: SEEN }),
  openai({ entry: 'gpt-5.6-terra', names: ['gpt-5.6-terra'], maxOutputTokens: 128_000, accepts: SEEN }),
  openai({ entry: 'gpt-5.6-luna', names: ['gpt-5.6-luna'], maxOutputTokens: 128_000, accepts: SEEN }),
  ...['text-embedding-3-small', 'text-embedding-3-large', 'text-embedding-ada-002'].map((entry) =>
    openai({ entry, names: [entry], maxOutputTokens: 0, accepts: TEXT }),
  ),

  anthropic(['claude-opus-4-0', 'claude-opus-4-20250514'], 32_000, CLAUDE_SEES),
  anthropic(['claude-sonnet-4-0', 'claude-sonnet-4-20250514'], 64_000, CLAUDE_SEES),
  anthropic(['claude-opus-4-1', 'claude-opus-4-1-20250805'], 32_000, CLAUDE_SEES),
  anthropic(['claude-haiku-4-5', 'claude-haiku-4-5-20251001'], 64_000, CLAUDE_SEES),
  anthropic(['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'], 64_000, CLAUDE_SEES),
  anthropic(['claude-opus-4-5', 'claude-opus-4-5-20251101'], 64_000, CLAUDE_SEES),
  anthropic(['claude-sonnet-4-6'], 64_000, CLAUDE_SEES),
  anthropic(['claude-opus-4-6'], 128_000, CLAUDE_SEES),
  anthropic(['claude-opus-4-7'], 128_000, CLAUDE_SEES_MORE),
  anthropic(['claude-opus-4-8'], 128_000, CLAUDE_SEES_MORE),
  anthropic(['claude-sonnet-5'], 128_000, CLAUDE_SEES_MORE),
  anthropic(['claude-opus-5'], 128_000, CLAUDE_SEES_MORE),
  anthropic(['claude-opus-5-5'], 128_000, CLAUDE_SEES_MORE),
  anthropic(['claude-fable-5'], 128_000, CLAUDE_SEES_MORE),
  anthropic(['claude-fable-5-1'], 128_000, CLAUDE_SEES_MORE),

  gemini({ entry: 'gemini-2.0-flash', names: ['gemini-2.0-flash', 'gemini-2.0-flash-001'], accepts: HEARD }, 8192),
  gemini(
    {
      entry: 'gemini-2.0-flash-lite',
      names: ['gemini-2.0-flash-lite', 'gemini-2.0-flash-lite-001'],
      accepts: HEARD,
      corrections: [CACHED_AS_INPUT, AUDIO_AS_TEXT],
    },
    8192,
  ),
  gemini({ entry: 'gemini-2.5-flash-lite', names: ['gemini-2.5-flash-lite'], accepts: HEARD }),
  gemini({ entry: 'gemini-2.5-flash', names: ['gemini-2.5-flash'], accepts: HEARD }),
  gemini({ entry: 'gemini-2.5-pro', names: ['gemini-2.5-pro'], accepts: HEARD, corrections: [AUDIO_AS_TEXT] }),
  gemini({ entry: 'gemini-3-flash-preview', names: ['gemini-3-flash-preview'], accepts: HEARD }),
  gemini({
    entry: 'gemini-3-pro-preview',
    names: ['gemini-3-pro-preview'],
    accepts: HEARD,
    corrections: [AUDIO_AS_TEXT],
  }),
  gemini({
    entry: 'gemini-3.1-pro-preview',
    names: ['gemini-3.1-pro-preview'],
    accepts: HEARD,
    corrections: [AUDIO_AS_TEXT],
  }),
  gemini({
    entry: 'gemini-3.1-flash-lite',
    names: ['gemini-3.1-flash-lite', 'gemini-3.1-flash-lite-preview'],
    accepts: HEARD,
  }),
  ...['gemini-3.5-flash-lite', 'gemini-3.5-flash', 'gemini-3.6-flash', 'gemini-3.7-flash', 'gemini-3.8-flash'].map(
    (entry) => gemini({ entry, names: [entry], accepts: HEARD, corrections: [AUDIO_AS_TEXT] }),
  ),

  ...claude(
    'anthropic.claude-haiku-4-5-20251001-v1:0',
    'anthropic.claude-haiku-4-5-20251001-v1:0',
    64_000,
    CLAUDE_SEES,
  ),
  ...claude(
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    64_000,
    CLAUDE_SEES,
  ),
  ...claude('anthropic.claude-opus-4-5-20251101-v1:0', 'anthropic.claude-opus-4-5-v1:0', 64_000, CLAUDE_SEES),
  ...claude('anthropic.claude-sonnet-4-6', 'anthropic.claude-sonnet-4-6-v1:0', 64_000, CLAUDE_SEES),
  ...claude('anthropic.claude-opus-4-6-v1', 'anthropic.claude-opus-4-6-v1:0', 128_000, CLAUDE_SEES),
  ...claude('anthropic.claude-opus-4-7', 'anthropic.claude-opus-4-7-v1:0', 128_000, CLAUDE_SEES_MORE),
  ...claude('anthropic.claude-opus-4-8', 'anthropic.claude-opus-4-8-v1:0', 128_000, CLAUDE_SEES_MORE),
  ...claude('anthropic.claude-sonnet-5', 'anthropic.claude-sonnet-5-v1:0', 128_000, CLAUDE_SEES_MORE),
  ...claude('anthropic.claude-opus-5', 'anthropic.claude-opus-5', 128_000, CLAUDE_SEES_MORE),
  ...claude('anthropic.claude-opus-5-5', 'anthropic.claude-opus-5-5', 128_000, CLAUDE_SEES_MORE),
  // The package has no regional profile of either under the names that Bedrock uses.
  ...claude('anthropic.claude-fable-5', 'anthropic.claude-fable-5-v1:0', 128_000, CLAUDE_SEES_MORE, ['']),
  ...claude('anthropic.claude-fable-5-1', 'anthropic.claude-fable-5-1-v1:0', 128_000, CLAUDE_SEES_MORE, ['']),
  ...bedrock({
    id: 'anthropic.claude-sonnet-4-20250514-v1:0',
    entries: {
      'regional.anthropic.claude-sonnet-4-20250514-v1:0': ['', 'us.', 'eu.', 'apac.'],
      'global.anthropic.claude-sonnet-4-20250514-v1:0': ['global.'],
    },
    maxOutputTokens: 64_000,
    accepts: CLAUDE_SEES,
  }),
  ...bedrock({
    id: 'anthropic.claude-opus-4-1-20250805-v1:0',
    entries: { 'regional.anthropic.claude-opus-4-1-20250805-v1:0': ['', 'us.'] },
    maxOutputTokens: 32_000,
    accepts: CLAUDE_SEES,
  }),
  ...bedrock({
    id: 'anthropic.claude-3-haiku-20240307-v1:0',
    entries: { 'regional.anthropic.claude-3-haiku-20240307-v1:0': ['', 'us.', 'eu.', 'apac.'] },
    maxOutputTokens: 4096,
    accepts: CLAUDE_SEES,
  }),
  ...onDemand('amazon.nova-micro-v1:0', 128, 10_000, TEXT),
  ...onDemand('amazon.nova-lite-v1:0', 300, 10_000, SEEN),
  ...onDemand('amazon.nova-pro-v1:0', 300, 10_000, SEEN),
  ...onDemand('amazon.nova-premier-v1:0', 1024, 10_000, SEEN),
  ...bedrock({
    id: 'amazon.nova-2-lite-v1:0',
    entries: {
      'regional.amazon.nova-2-lite-v1:0': ['us.', 'eu.', 'jp.'],
      'global.amazon.nova-2-lite-v1:0': ['global.'],
    },
    contextWindow: 1024 * 1024,
    maxOutputTokens: 65_535,
    accepts: SEEN,
  }),
  ...onDemand('meta.llama3-8b-instruct-v1:0', 8, 2048),
  ...onDemand('meta.llama3-70b-instruct-v1:0', 8, 2048),
  ...onDemand('meta.llama3-1-8b-instruct-v1:0', 128, 2048),
  ...onDemand('meta.llama3-1-70b-instruct-v1:0', 128, 2048),
  ...onDemand('meta.llama3-2-1b-instruct-v1:0', 128, 4096),
  ...onDemand('meta.llama3-2-3b-instruct-v1:0', 128, 4096),
  ...onDemand('meta.llama3-2-11b-instruct-v1:0', 128, 4096, { ...TEXT, images: true }),
  ...onDemand('meta.llama3-2-90b-instruct-v1:0', 128, 4096, { ...TEXT, images: true }),
  ...onDemand('meta.llama3-3-70b-instruct-v1:0', 128, 4096),
  ...onDemand('meta.llama4-scout-17b-instruct-v1:0', 10240, 4096, { ...TEXT, images: true }),
  ...onDemand('meta.llama4-maverick-17b-instruct-v1:0', 1024, 4096, { ...TEXT, images: true }),
];
