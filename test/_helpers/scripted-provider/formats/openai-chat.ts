import type { Answer } from '../answer.ts';
import { type Body, type Call, record } from '../call.ts';
import { openaiError } from '../errors.ts';
import { sse, type Wire, WRONG } from '../wire.ts';

const FINISH = { end: 'stop', length: 'length', tools: 'tool_calls' } as const;

export const openaiChat: Wire = {
  plain(call, answer) {
    const message = {
      role: 'assistant',
      content: answer.text === '' ? null : answer.text,
      refusal: null,
      annotations: [],
      ...(answer.toolCalls.length === 0 ? {} : { tool_calls: answer.toolCalls.map(toolCall) }),
    };
    const choices = Array.from({ length: call.choices }, (_, index) => ({
      index,
      message,
      logprobs: null,
      finish_reason: FINISH[answer.stop],
    }));
    return {
      body: {
        ...head(call, answer, 'chat.completion'),
        choices,
        ...usageOf(answer),
        service_tier: 'default',
        system_fingerprint: null,
      },
    };
  },

  stream(call, answer) {
    const withUsage = record(call.body.stream_options).include_usage === true;
    const chunk = (index: number, delta: Body, finish: string | null = null) =>
      sse({
        ...head(call, answer, 'chat.completion.chunk'),
        service_tier: 'default',
        system_fingerprint: null,
        choices: [{ index, delta, logprobs: null, finish_reason: finish }],
        ...(withUsage ? { usage: null } : {}),
      });
    const parts = Array.from({ length: call.choices }, (_, index) => [
      chunk(index, { role: 'assistant', content: answer.text === '' ? null : '', refusal: null }),
      ...answer.pieces.map((content) => chunk(index, { content })),
      ...answer.toolCalls.flatMap(({ id, name, arguments: given }, at) => [
        chunk(index, { tool_calls: [{ index: at, id, type: 'function', function: { name, arguments: '' } }] }),
        ...halves(JSON.stringify(given)).map((half) =>
          chunk(index, { tool_calls: [{ index: at, function: { arguments: half } }] }),
        ),
      ]),
      chunk(index, {}, FINISH[answer.stop]),
    ]).flat();
    // After the finish reason, and without a choice.
    if (withUsage && answer.usage !== 'none') {
      parts.push(
        sse({
          ...head(call, answer, 'chat.completion.chunk'),
          service_tier: 'default',
          system_fingerprint: null,
          choices: [],
          ...usageOf(answer),
        }),
      );
    }
    return { contentType: 'text/event-stream; charset=utf-8', parts: [...parts, sse('[DONE]')] };
  },

  streamedError: (error) => sse(openaiError(error)),
};

function head(call: Call, answer: Answer, object: string): Body {
  return { id: `chatcmpl-${call.number}`, object, created: answer.created, model: call.model };
}

function toolCall({ id, name, arguments: given }: Answer['toolCalls'][number]): Body {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(given) } };
}

export function halves(text: string): readonly [string, string] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

/** The input includes what is cached, the output includes the reasoning. */
function usageOf({ usage, tokens }: Answer): Body {
  if (usage === 'none') return {};
  const { input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning } = tokens;
  if (usage === 'wrong') {
    return { usage: { prompt_tokens: WRONG.input, completion_tokens: WRONG.output, total_tokens: WRONG.total } };
  }
  const written = cacheWrite + cacheWrite1h;
  return {
    usage: {
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      prompt_tokens_details: {
        cached_tokens: cacheRead,
        audio_tokens: 0,
        ...(written > 0 ? { cache_write_tokens: written } : {}),
      },
      completion_tokens_details: {
        reasoning_tokens: reasoning,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
  };
}
