import type { Answer } from '../answer.ts';
import type { Body, Call } from '../call.ts';
import { sse, type Wire, WRONG } from '../wire.ts';
import { halves } from './openai-chat.ts';

export const openaiResponses: Wire = {
  plain(call, answer) {
    return { body: response(call, answer, 'final') };
  },

  stream(call, answer) {
    let sequence = 0;
    const event = (type: string, data: Body) => sse({ type, sequence_number: sequence++, ...data }, type);
    const parts = [
      event('response.created', { response: response(call, answer, 'in_progress') }),
      event('response.in_progress', { response: response(call, answer, 'in_progress') }),
    ];
    for (const [index, item] of outputOf(call, answer).entries()) {
      const place = { item_id: item.id, output_index: index };
      if (item.type === 'message') {
        const begun = { ...item, status: 'in_progress', content: [] };
        parts.push(event('response.output_item.added', { output_index: index, item: begun }));
        const part = { ...place, content_index: 0 };
        parts.push(event('response.content_part.added', { ...part, part: textPart('') }));
        for (const delta of answer.pieces) {
          parts.push(event('response.output_text.delta', { ...part, delta, logprobs: [] }));
        }
        parts.push(event('response.output_text.done', { ...part, text: answer.text, logprobs: [] }));
        parts.push(event('response.content_part.done', { ...part, part: textPart(answer.text) }));
      } else {
        const begun = { ...item, status: 'in_progress', arguments: '' };
        parts.push(event('response.output_item.added', { output_index: index, item: begun }));
        for (const delta of halves(String(item.arguments))) {
          parts.push(event('response.function_call_arguments.delta', { ...place, delta }));
        }
        const done = { ...place, name: item.name, arguments: item.arguments };
        parts.push(event('response.function_call_arguments.done', done));
      }
      parts.push(event('response.output_item.done', { output_index: index, item }));
    }
    const last = answer.stop === 'length' ? 'response.incomplete' : 'response.completed';
    parts.push(event(last, { response: response(call, answer, 'final') }));
    return { contentType: 'text/event-stream; charset=utf-8', parts };
  },

  streamedError: ({ message }) =>
    sse({ type: 'error', sequence_number: 0, code: 'server_error', message, param: null }, 'error'),
};

function response(call: Call, answer: Answer, state: 'in_progress' | 'final'): Body {
  const final = state === 'final';
  const cut = answer.stop === 'length';
  return {
    id: `resp_${call.number}`,
    object: 'response',
    created_at: answer.created,
    status: final ? (cut ? 'incomplete' : 'completed') : 'in_progress',
    background: false,
    error: null,
    incomplete_details: final && cut ? { reason: 'max_output_tokens' } : null,
    instructions: call.body.instructions ?? null,
    max_output_tokens: call.maxOutputTokens ?? null,
    max_tool_calls: null,
    model: call.model,
    output: final ? outputOf(call, answer) : [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: final ? 'default' : 'auto',
    store: call.body.store ?? true,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: call.body.tools ?? [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    usage: final ? usageOf(answer) : null,
    user: null,
    metadata: {},
  };
}

function outputOf(call: Call, answer: Answer): Body[] {
  const status = answer.stop === 'length' ? 'incomplete' : 'completed';
  const message = {
    id: `msg_${call.number}`,
    type: 'message',
    status,
    role: 'assistant',
    content: [textPart(answer.text)],
  };
  const calls = answer.toolCalls.map(({ id, name, arguments: given }) => ({
    id: `fc_${id}`,
    type: 'function_call',
    status: 'completed',
    arguments: JSON.stringify(given),
    call_id: id,
    name,
  }));
  return answer.text === '' && calls.length > 0 ? calls : [message, ...calls];
}

function textPart(text: string): Body {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

function usageOf({ usage, tokens }: Answer): Body | null {
  if (usage === 'none') return null;
  if (usage === 'wrong') {
    return { input_tokens: WRONG.input, output_tokens: WRONG.output, total_tokens: WRONG.total };
  }
  const { input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning } = tokens;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite + cacheWrite1h },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}
