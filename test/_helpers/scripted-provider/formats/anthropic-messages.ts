import type { Answer } from '../answer.ts';
import type { Body, Call } from '../call.ts';
import { anthropicError } from '../errors.ts';
import { sse, type Wire, WRONG } from '../wire.ts';
import { halves } from './openai-chat.ts';

const STOP = { end: 'end_turn', length: 'max_tokens', tools: 'tool_use' } as const;

export const anthropicMessages: Wire = {
  plain(call, answer) {
    return { body: message(call, answer) };
  },

  stream(call, answer) {
    const parts = messageEvents(call, answer).map((event) => sse(event, String(event.type)));
    return { contentType: 'text/event-stream; charset=utf-8', parts };
  },

  streamedError: (error) => sse(anthropicError(error), 'error'),
};

export const anthropicCount: Wire = {
  plain: (_call, { tokens }) => ({ body: { input_tokens: tokens.input } }),
};

export const anthropicModels: Wire = {
  plain: () => ({
    body: {
      data: [
        {
          type: 'model',
          id: 'claude-sonnet-4-5',
          display_name: 'Claude Sonnet 4.5',
          created_at: '2025-09-29T00:00:00Z',
        },
      ],
      has_more: false,
      first_id: 'claude-sonnet-4-5',
      last_id: 'claude-sonnet-4-5',
    },
  }),
};

export function message(call: Call, answer: Answer): Body {
  const text = { type: 'text', text: answer.text };
  const tools = answer.toolCalls.map(({ id, name, arguments: input }) => ({
    type: 'tool_use',
    id: toolId(id),
    name,
    input,
  }));
  return {
    id: `msg_${call.number}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    content: answer.text === '' ? tools : [text, ...tools],
    stop_reason: STOP[answer.stop],
    stop_sequence: null,
    ...(answer.usage === 'none' ? {} : { usage: usageOf(answer, answer.tokens.output) }),
  };
}

/** The usage of `message_start` has one token of output; each later one is of everything until then. */
export function messageEvents(call: Call, answer: Answer): readonly Body[] {
  const { content: _, ...begun } = message(call, answer);
  const started = answer.usage === 'none' ? {} : { usage: usageOf(answer, Math.min(1, answer.tokens.output)) };
  const events: Body[] = [{ type: 'message_start', message: { ...begun, content: [], stop_reason: null, ...started } }];
  let index = 0;
  if (answer.text !== '') {
    events.push({ type: 'content_block_start', index, content_block: { type: 'text', text: '' } });
    events.push({ type: 'ping' });
    for (const text of answer.pieces) {
      events.push({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } });
    }
    events.push({ type: 'content_block_stop', index });
    index += 1;
  }
  for (const { id, name, arguments: input } of answer.toolCalls) {
    const block = { type: 'tool_use', id: toolId(id), name, input: {} };
    events.push({ type: 'content_block_start', index, content_block: block });
    for (const partial_json of halves(JSON.stringify(input))) {
      events.push({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json } });
    }
    events.push({ type: 'content_block_stop', index });
    index += 1;
  }
  const { cache_creation: _c, service_tier: _s, ...cumulative } = usageOf(answer, answer.tokens.output);
  events.push({
    type: 'message_delta',
    delta: { stop_reason: STOP[answer.stop], stop_sequence: null },
    ...(answer.usage === 'none' ? {} : { usage: cumulative }),
  });
  events.push({ type: 'message_stop' });
  return events;
}

function toolId(id: string): string {
  return id.replace('call_', 'toolu_');
}

/** The input is without what is read from a cache and written to one. */
function usageOf({ usage, tokens }: Answer, output: number): Body {
  if (usage === 'wrong') return { input_tokens: WRONG.input, output_tokens: WRONG.output };
  return {
    input_tokens: tokens.uncached,
    cache_creation_input_tokens: tokens.cacheWrite + tokens.cacheWrite1h,
    cache_read_input_tokens: tokens.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: tokens.cacheWrite,
      ephemeral_1h_input_tokens: tokens.cacheWrite1h,
    },
    output_tokens: output,
    service_tier: 'standard',
  };
}
