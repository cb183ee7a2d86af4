import { anthropicMessages } from './anthropic/messages.ts';
import { bedrockConverse } from './bedrock/converse.ts';
import { bedrockInvoke } from './bedrock/invoke.ts';
import { geminiGenerate } from './gemini/generate.ts';
import { openaiChat } from './openai/chat.ts';
import { openaiEmbeddings } from './openai/embeddings.ts';
import { openaiResponses } from './openai/responses.ts';
import type { WireFormat } from './wire-format.ts';

/**
 * Every wire format that the gateway serves; there is no other way to a provider. The first of a provider answers for
 * paths that none serves.
 */
export const FORMATS: readonly WireFormat[] = [
  openaiChat,
  openaiResponses,
  openaiEmbeddings,
  anthropicMessages,
  geminiGenerate,
  bedrockConverse,
  bedrockInvoke,
];
