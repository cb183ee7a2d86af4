import { lookupOf } from '../../lib/budget/prices/lookup.ts';
import { openaiChat } from '../../lib/model-calls/openai/chat.ts';
import { type Directive, directiveText } from './directive.ts';
import { MODEL, PRICES } from './prices.ts';

const MODELS = lookupOf(PRICES);

/**
 * A chat request whose worst case is exactly so many tokens of input and of output. The provider reports and charges just
 * these, unless the directive says otherwise.
 */
export function chatBody(
  inputTokens: number,
  outputTokens: number,
  options: { readonly stream?: boolean; readonly directive?: Directive } = {},
): string {
  const bodyWith = (padding: string) =>
    JSON.stringify({
      model: MODEL.model,
      messages: [
        { role: 'system', content: 'You are a helpful assistant.' },
        {
          role: 'user',
          content: `${directiveText({ input: inputTokens, output: outputTokens, ...options.directive })}${padding}`,
        },
      ],
      max_tokens: outputTokens,
      ...(options.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    });
  const missing = inputTokens - boundOf(bodyWith(''));
  if (missing < 0) throw new Error(`the request alone counts ${-missing} tokens more than ${inputTokens}`);
  return bodyWith('x'.repeat(missing));
}

function boundOf(body: string): number {
  return openaiChat.parse(
    {
      method: 'POST',
      path: '/v1/chat/completions',
      query: new URLSearchParams(),
      headers: new Map(),
      body: new TextEncoder().encode(body),
    },
    MODELS,
  ).bound.inputTokens;
}
