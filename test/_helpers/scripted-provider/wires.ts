import type { Format } from './call.ts';
import { anthropicCount, anthropicMessages, anthropicModels } from './formats/anthropic-messages.ts';
import { bedrockConverse, bedrockCount } from './formats/bedrock-converse.ts';
import { bedrockInvoke } from './formats/bedrock-invoke.ts';
import { geminiCount, geminiGenerate } from './formats/gemini-generate.ts';
import { openaiChat } from './formats/openai-chat.ts';
import { openaiCount, openaiEmbeddings, openaiModels } from './formats/openai-others.ts';
import { openaiResponses } from './formats/openai-responses.ts';
import type { Wire } from './wire.ts';

export const WIRES: Readonly<Record<Format, Wire>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'openai-embeddings': openaiEmbeddings,
  'openai-models': openaiModels,
  'openai-count': openaiCount,
  'anthropic-messages': anthropicMessages,
  'anthropic-count': anthropicCount,
  'anthropic-models': anthropicModels,
  'gemini-generate': geminiGenerate,
  'gemini-count': geminiCount,
  'bedrock-converse': bedrockConverse,
  'bedrock-invoke': bedrockInvoke,
  'bedrock-count': bedrockCount,
};
