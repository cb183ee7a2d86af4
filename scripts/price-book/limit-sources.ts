import type { LimitFact } from '../../lib/budget/price-book.ts';
import type { NamedSource } from './reviewed-model.ts';

const SIZES: readonly LimitFact[] = ['window', 'output'];
const LIMITS: readonly LimitFact[] = ['window', 'output', 'accepts'];

/** Lists of others: two that agree are taken where the provider's own page was not at hand. */
export const LITELLM: NamedSource = {
  key: 'litellm',
  at: 'litellm 1.110.2, model_prices_and_context_window',
  of: LIMITS,
};
/** It still has the models that the newer one has dropped since they are no longer served. */
export const LITELLM_BEFORE: NamedSource = {
  key: 'litellm-before',
  at: 'litellm, model_prices_and_context_window',
  of: LIMITS,
  date: '2026-07-24',
};
export const MODELS_DEV: NamedSource = { key: 'models.dev', at: 'models.dev', of: LIMITS, date: '2026-07-02' };

export const openaiPage = (model: string): NamedSource => ({
  key: `openai/${model}`,
  at: `developers.openai.com/api/docs/models/${model}`,
  of: LIMITS,
});
export const OPENAI_CEILING: NamedSource = {
  key: 'openai-ceiling',
  at: 'platform.openai.com/docs/api-reference/responses/create, max_output_tokens',
  of: ['reasoning'],
};
export const OPENAI_FILES: NamedSource = {
  key: 'openai-files',
  at: 'developers.openai.com/api/docs/guides/file-inputs',
  of: ['accepts'],
};
export const OPENAI_TOOLS: NamedSource = {
  key: 'openai-tools',
  at: 'developers.openai.com/api/docs/pricing',
  of: ['fees'],
};
export const OPENAI_EMBEDDINGS: NamedSource = {
  key: 'openai-embeddings',
  at: 'developers.openai.com/api/docs/guides/embeddings',
  of: ['window'],
};

export const claudePage = (model: string): NamedSource => ({
  key: `claude/${model}`,
  at: `platform.claude.com/docs/en/models/${model}/overview`,
  of: LIMITS,
});
export const CLAUDE_OVERVIEW: NamedSource = {
  key: 'claude-overview',
  at: 'platform.claude.com/docs/en/models/overview',
  of: LIMITS,
};
/** Anthropic's own list for agents that write code. */
export const CLAUDE_SKILL: NamedSource = {
  key: 'claude-skill',
  at: 'github.com/anthropics/skills, skills/claude-api/shared/models.md',
  of: SIZES,
  date: '2026-07-01',
};
export const CLAUDE_VISION: NamedSource = {
  key: 'claude-vision',
  at: 'platform.claude.com/docs/en/build-with-claude/vision',
  of: ['image'],
};
export const CLAUDE_THINKING: NamedSource = {
  key: 'claude-thinking',
  at: 'platform.claude.com/docs/en/build-with-claude/extended-thinking',
  of: ['reasoning'],
};
export const CLAUDE_SEARCH: NamedSource = {
  key: 'claude-search',
  at: 'platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool',
  of: ['fees'],
};

export const geminiPage = (model: string): NamedSource => ({
  key: `gemini/${model}`,
  at: `ai.google.dev/gemini-api/docs/models/${model}`,
  of: LIMITS,
});
export const VERCEL_GEMINI_3_8: NamedSource = {
  key: 'vercel/gemini-3.8-flash',
  at: 'vercel.com/ai-gateway/models/gemini-3.8-flash',
  of: SIZES,
};

/** The page that Amazon has of each model; its numbers are in K. */
export const bedrockCard = (model: string): NamedSource => ({
  key: `bedrock/${model}`,
  at: `docs.aws.amazon.com/bedrock/latest/userguide/model-card-${model}.html`,
  of: LIMITS,
});
export const NOVA_GUIDE: NamedSource = {
  key: 'nova-guide',
  at: 'docs.aws.amazon.com/nova/latest/userguide/what-is-nova.html',
  of: LIMITS,
};
/** What Bedrock itself refuses is exact, where its pages round or disagree. */
export const bedrockRefuses = (models: string, limit: number, date?: string): NamedSource => ({
  key: `bedrock-refuses/${models}`,
  at: `Bedrock to ${models}: "The maximum tokens you requested exceeds the model limit of ${limit}"`,
  of: ['output'],
  ...(date === undefined ? {} : { date }),
});
