import type { Answer } from '../answer.ts';
import type { Body } from '../call.ts';
import { eventMessage, exceptionMessage } from '../event-stream.ts';
import { type Wire, WRONG } from '../wire.ts';
import { halves } from './openai-chat.ts';

export const EVENT_STREAM = 'application/vnd.amazon.eventstream';
export const CONVERSE_STOP = { end: 'end_turn', length: 'max_tokens', tools: 'tool_use' } as const;

export const bedrockConverse: Wire = {
  plain(_call, answer) {
    const tools = answer.toolCalls.map(({ id, name, arguments: input }) => ({
      toolUse: { toolUseId: toolId(id), name, input },
    }));
    const content = answer.text === '' ? tools : [{ text: answer.text }, ...tools];
    return {
      body: {
        metrics: { latencyMs: 12 },
        output: { message: { content, role: 'assistant' } },
        stopReason: CONVERSE_STOP[answer.stop],
        ...converseUsage(answer),
      },
    };
  },

  stream(_call, answer) {
    return {
      contentType: EVENT_STREAM,
      parts: converseEvents(answer).map(([type, payload]) => eventMessage(type, payload)),
    };
  },

  streamedError: ({ message }) => exceptionMessage('modelStreamErrorException', message),
};

export const bedrockCount: Wire = {
  plain: (_call, { tokens }) => ({ body: { inputTokens: tokens.input } }),
};

/** `metadata` comes after `messageStop`. */
export function converseEvents(answer: Answer): readonly (readonly [type: string, payload: Body])[] {
  const events: [string, Body][] = [['messageStart', { role: 'assistant' }]];
  let contentBlockIndex = 0;
  if (answer.text !== '') {
    for (const text of answer.pieces) {
      events.push(['contentBlockDelta', { contentBlockIndex, delta: { text } }]);
    }
    events.push(['contentBlockStop', { contentBlockIndex }]);
    contentBlockIndex += 1;
  }
  for (const { id, name, arguments: input } of answer.toolCalls) {
    events.push(['contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId: toolId(id), name } } }]);
    for (const half of halves(JSON.stringify(input))) {
      events.push(['contentBlockDelta', { contentBlockIndex, delta: { toolUse: { input: half } } }]);
    }
    events.push(['contentBlockStop', { contentBlockIndex }]);
    contentBlockIndex += 1;
  }
  events.push(['messageStop', { stopReason: CONVERSE_STOP[answer.stop] }]);
  if (answer.usage !== 'none') events.push(['metadata', { ...converseUsage(answer), metrics: { latencyMs: 12 } }]);
  return events;
}

function toolId(id: string): string {
  return id.replace('call_', 'tooluse_');
}

/** The input is without what is read from a cache and written to one; the total is of all four. */
export function converseUsage({ usage, tokens }: Answer): Body {
  if (usage === 'none') return {};
  if (usage === 'wrong') {
    return { usage: { inputTokens: WRONG.input, outputTokens: WRONG.output, totalTokens: WRONG.total } };
  }
  const { uncached, cacheRead, cacheWrite, cacheWrite1h, input, output } = tokens;
  const details = [
    { ttl: '5m', inputTokens: cacheWrite },
    { ttl: '1h', inputTokens: cacheWrite1h },
  ].filter(({ inputTokens }) => inputTokens > 0);
  return {
    usage: {
      inputTokens: uncached,
      outputTokens: output,
      totalTokens: input + output,
      cacheReadInputTokens: cacheRead,
      cacheWriteInputTokens: cacheWrite + cacheWrite1h,
      ...(details.length === 0 ? {} : { cacheDetails: details }),
    },
  };
}
