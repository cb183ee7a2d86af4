import type { Call } from './call.ts';
import { isClaude, isNova } from './formats/bedrock-invoke.ts';
import type { WireError } from './wire.ts';

/** What a provider refuses before it does anything. */
export function refusalOfRequest(call: Call): WireError | undefined {
  const bad = (message: string): WireError => ({ status: 400, message });
  const { body } = call;
  switch (call.format) {
    case 'openai-chat':
      if (call.model === '') return bad('you must provide a model parameter');
      return Array.isArray(body.messages) ? undefined : bad("Missing required parameter: 'messages'.");
    case 'openai-responses':
      return call.model === '' ? bad("Missing required parameter: 'model'.") : undefined;
    case 'openai-embeddings':
      return body.input === undefined ? bad("Missing required parameter: 'input'.") : undefined;
    case 'anthropic-messages':
      if (call.maxOutputTokens === undefined) return bad('max_tokens: Field required');
      return Array.isArray(body.messages) ? undefined : bad('messages: Field required');
    case 'gemini-generate':
      return Array.isArray(body.contents)
        ? undefined
        : bad('* GenerateContentRequest.contents: contents is not specified');
    case 'bedrock-invoke':
      if (isNova(call)) return undefined;
      if (!isClaude(call)) return bad('The provided model identifier is invalid.');
      if (typeof body.anthropic_version !== 'string')
        return bad('Malformed input request: #: required key [anthropic_version] not found');
      return call.maxOutputTokens === undefined
        ? bad('Malformed input request: #: required key [max_tokens] not found')
        : undefined;
    default:
      return undefined;
  }
}
