import { geminiPage, LITELLM, LITELLM_BEFORE, MODELS_DEV, VERCEL_GEMINI_3_8 } from './limit-sources.ts';
import { CACHED_AS_INPUT, type Correction, HEARD, type NamedSource, type ReviewedModel } from './reviewed-model.ts';

const AUDIO_AS_TEXT: Correction = {
  reason: 'one input rate for text and audio',
  rates: [
    { is: 'inputAudio', of: 'input', percent: 100 },
    { is: 'cacheReadAudio', of: 'cacheRead', percent: 100 },
  ],
};

/** Gemini limits input and output apart, so that both together are the window. */
const GEMINI_WINDOW = 1_048_576 + 65_536;
const LISTS: readonly NamedSource[] = [LITELLM, MODELS_DEV];

type Model = Pick<ReviewedModel, 'names' | 'limits'> & Partial<ReviewedModel>;
const gemini = (model: Model): ReviewedModel => ({
  provider: 'gemini',
  entry: model.names[0] ?? '',
  contextWindow: GEMINI_WINDOW,
  corrections: [],
  maxOutputTokens: 65_536,
  accepts: HEARD,
  ...model,
});
/** No longer served. Their pages had audio, images, video and text, and no documents. */
const gemini2 = (model: Model): ReviewedModel =>
  gemini({ maxOutputTokens: 8192, accepts: { ...HEARD, documents: false }, ...model });

/** Whether thoughts count within the ceiling is not documented, so that they are bounded as if they came on top of it. */
export const GEMINI_MODELS: readonly ReviewedModel[] = [
  gemini2({ names: ['gemini-2.0-flash', 'gemini-2.0-flash-001'], limits: [MODELS_DEV, LITELLM_BEFORE] }),
  gemini2({
    names: ['gemini-2.0-flash-lite', 'gemini-2.0-flash-lite-001'],
    corrections: [CACHED_AS_INPUT, AUDIO_AS_TEXT],
    limits: [geminiPage('gemini-2.0-flash-lite')],
  }),
  gemini({ names: ['gemini-2.5-flash-lite'], limits: [geminiPage('gemini-2.5-flash-lite')] }),
  gemini({ names: ['gemini-2.5-flash'], limits: LISTS }),
  gemini({ names: ['gemini-2.5-pro'], corrections: [AUDIO_AS_TEXT], limits: LISTS }),
  gemini({ names: ['gemini-3-flash-preview'], limits: LISTS }),
  gemini({ names: ['gemini-3-pro-preview'], corrections: [AUDIO_AS_TEXT], limits: [MODELS_DEV, LITELLM_BEFORE] }),
  gemini({ names: ['gemini-3.1-pro-preview'], corrections: [AUDIO_AS_TEXT], limits: LISTS }),
  gemini({ names: ['gemini-3.1-flash-lite', 'gemini-3.1-flash-lite-preview'], limits: LISTS }),
  gemini({
    names: ['gemini-3.5-flash-lite'],
    corrections: [AUDIO_AS_TEXT],
    limits: [LITELLM],
    unverified: 'one list only has it; the limits are those of all of its generation',
  }),
  ...['gemini-3.5-flash', 'gemini-3.6-flash', 'gemini-3.7-flash'].map((name) =>
    gemini({ names: [name], corrections: [AUDIO_AS_TEXT], limits: [geminiPage(name)] }),
  ),
  gemini({ names: ['gemini-3.8-flash'], corrections: [AUDIO_AS_TEXT], limits: [LITELLM, VERCEL_GEMINI_3_8] }),
];
