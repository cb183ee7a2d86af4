import {
  LITELLM,
  MODELS_DEV,
  OPENAI_CEILING,
  OPENAI_EMBEDDINGS,
  OPENAI_FILES,
  OPENAI_TOOLS,
  openaiPage,
} from './limit-sources.ts';
import { CACHED_AS_INPUT, type Correction, PICTURES, type ReviewedModel, SEEN, TEXT } from './reviewed-model.ts';

const PREVIEW_SEARCH: Correction = {
  reason: 'a search of a model that does not reason may be the preview kind, at 25 dollars for a thousand',
  feesPerThousand: { webSearch: '25' },
};

type Model = Omit<ReviewedModel, 'provider' | 'corrections' | 'limits'> & Partial<Pick<ReviewedModel, 'corrections'>>;

/** The first name is the one of the model's page; pages name window, ceiling and what goes in, to the token. */
const openai = (model: Model): ReviewedModel => ({
  provider: 'openai',
  corrections: [],
  limits: [
    openaiPage(model.names[0] ?? model.entry),
    OPENAI_CEILING,
    ...(model.accepts.documents ? [OPENAI_FILES] : []),
    OPENAI_TOOLS,
  ],
  ...model,
});

/** The models that reason and read images, under their name and, where it has one, that of its day. */
const reasoning = (
  model: Omit<Model, 'entry' | 'accepts' | 'maxOutputTokens'> & Partial<Pick<Model, 'entry' | 'maxOutputTokens'>>,
): ReviewedModel => openai({ entry: model.names[0] ?? '', maxOutputTokens: 128_000, accepts: SEEN, ...model });
const chat = (entry: string, name: string): ReviewedModel =>
  openai({ entry, names: [name], maxOutputTokens: 16_384, accepts: SEEN });

export const OPENAI_MODELS: readonly ReviewedModel[] = [
  openai({
    entry: 'gpt-3.5-turbo',
    names: ['gpt-3.5-turbo', 'gpt-3.5-turbo-0125'],
    maxOutputTokens: 4096,
    accepts: TEXT,
  }),
  openai({ entry: 'gpt-4', names: ['gpt-4', 'gpt-4-0613'], maxOutputTokens: 8192, accepts: TEXT }),
  openai({
    entry: 'gpt-4-turbo',
    names: ['gpt-4-turbo', 'gpt-4-turbo-2024-04-09'],
    maxOutputTokens: 4096,
    accepts: PICTURES,
  }),
  openai({
    entry: 'gpt-4o',
    names: ['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-2024-11-20'],
    maxOutputTokens: 16_384,
    accepts: SEEN,
    corrections: [PREVIEW_SEARCH],
  }),
  {
    ...openai({
      entry: 'gpt-4o-2024-05-13',
      names: ['gpt-4o-2024-05-13'],
      maxOutputTokens: 4096,
      accepts: SEEN,
      corrections: [CACHED_AS_INPUT, PREVIEW_SEARCH],
    }),
    // The page of GPT-4o has the ceiling of its newest version.
    limits: [LITELLM, MODELS_DEV, OPENAI_CEILING, OPENAI_FILES, OPENAI_TOOLS],
  },
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
      accepts: SEEN,
      corrections: entry === 'gpt-4.1-nano' ? [] : [PREVIEW_SEARCH],
    }),
  ),
  reasoning({ names: ['o1', 'o1-2024-12-17'], maxOutputTokens: 100_000 }),
  reasoning({ names: ['o1-pro', 'o1-pro-2025-03-19'], maxOutputTokens: 100_000, corrections: [CACHED_AS_INPUT] }),
  reasoning({ names: ['o3', 'o3-2025-04-16'], maxOutputTokens: 100_000 }),
  reasoning({ names: ['o3-pro', 'o3-pro-2025-06-10'], maxOutputTokens: 100_000, corrections: [CACHED_AS_INPUT] }),
  openai({ entry: 'o3-mini', names: ['o3-mini', 'o3-mini-2025-01-31'], maxOutputTokens: 100_000, accepts: TEXT }),
  reasoning({ names: ['o4-mini', 'o4-mini-2025-04-16'], maxOutputTokens: 100_000 }),
  reasoning({ names: ['gpt-5', 'gpt-5-2025-08-07'] }),
  reasoning({ entry: 'gpt-5', names: ['gpt-5-codex'] }),
  chat('gpt-5', 'gpt-5-chat-latest'),
  reasoning({ names: ['gpt-5-mini', 'gpt-5-mini-2025-08-07'] }),
  reasoning({ names: ['gpt-5-nano', 'gpt-5-nano-2025-08-07'] }),
  reasoning({
    names: ['gpt-5-pro', 'gpt-5-pro-2025-10-06'],
    maxOutputTokens: 272_000,
    corrections: [CACHED_AS_INPUT],
  }),
  reasoning({ names: ['gpt-5.1', 'gpt-5.1-2025-11-13'] }),
  reasoning({ entry: 'gpt-5.1', names: ['gpt-5.1-codex'] }),
  reasoning({ entry: 'gpt-5.1', names: ['gpt-5.1-codex-max'] }),
  chat('gpt-5.1', 'gpt-5.1-chat-latest'),
  reasoning({ names: ['gpt-5.1-codex-mini'] }),
  reasoning({ names: ['gpt-5.2', 'gpt-5.2-2025-12-11'] }),
  reasoning({ entry: 'gpt-5.2', names: ['gpt-5.2-codex'] }),
  chat('gpt-5.2', 'gpt-5.2-chat-latest'),
  reasoning({ names: ['gpt-5.2-pro', 'gpt-5.2-pro-2025-12-11'], corrections: [CACHED_AS_INPUT] }),
  chat('gpt-5.3', 'gpt-5.3-chat-latest'),
  reasoning({ names: ['gpt-5.3-codex'] }),
  reasoning({ names: ['gpt-5.4', 'gpt-5.4-2026-03-05'] }),
  reasoning({ names: ['gpt-5.4-pro', 'gpt-5.4-pro-2026-03-05'], corrections: [CACHED_AS_INPUT] }),
  reasoning({ names: ['gpt-5.4-mini', 'gpt-5.4-mini-2026-03-17'] }),
  reasoning({ names: ['gpt-5.4-nano', 'gpt-5.4-nano-2026-03-17'] }),
  reasoning({ names: ['gpt-5.5', 'gpt-5.5-2026-04-23'], contextWindow: 1_050_000 }),
  reasoning({
    names: ['gpt-5.5-pro', 'gpt-5.5-pro-2026-04-23'],
    contextWindow: 1_050_000,
    corrections: [CACHED_AS_INPUT],
  }),
  reasoning({ names: ['gpt-5.6-sol', 'gpt-5.6'] }),
  reasoning({ names: ['gpt-5.6-terra'] }),
  reasoning({ names: ['gpt-5.6-luna'] }),
  ...['text-embedding-3-small', 'text-embedding-3-large', 'text-embedding-ada-002'].map(
    (entry): ReviewedModel => ({
      ...openai({ entry, names: [entry], maxOutputTokens: 0, accepts: TEXT }),
      limits: [OPENAI_EMBEDDINGS],
    }),
  ),
];
