import { ANTHROPIC_MODELS } from './anthropic-models.ts';
import { BEDROCK_MODELS } from './bedrock-models.ts';
import { GEMINI_MODELS } from './gemini-models.ts';
import { OPENAI_MODELS } from './openai-models.ts';
import type { ReviewedModel } from './reviewed-model.ts';

/** The package's rates change on days that are known ahead; the book takes those of this day and all later ones. */
export const AS_OF = '2026-11-26';

/**
 * Every model that may be called. Windows are never too small. A ceiling goes out with each call that names none, and the
 * provider enforces it: it is what the provider answers or documents, and where that disagrees the higher, with the doubt
 * as `unverified`. A model whose window or ceiling is not known
 * is not here, nor one whose use cannot be bounded by its request (built-in search, deep research) or that none of the
 * wire formats calls (realtime, speech, transcription).
 */
export const REVIEWED_MODELS: readonly ReviewedModel[] = [
  ...OPENAI_MODELS,
  ...ANTHROPIC_MODELS,
  ...GEMINI_MODELS,
  ...BEDROCK_MODELS,
];
