import type { Answer } from '../answer.ts';
import type { Body, Call } from '../call.ts';
import { eventMessage, exceptionMessage } from '../event-stream.ts';
import { type Wire, WRONG } from '../wire.ts';
import { message, messageEvents } from './anthropic-messages.ts';
import { bedrockConverse, converseEvents, EVENT_STREAM } from './bedrock-converse.ts';

/** Claude models speak the Messages API here, Nova models nearly that of Converse. */
export const bedrockInvoke: Wire = {
  plain(call, answer) {
    const { body } = isClaude(call) ? { body: message(call, answer) } : bedrockConverse.plain(call, answer);
    return { body, headers: countHeaders(answer) };
  },

  stream(call, answer) {
    const events: readonly Body[] = isClaude(call)
      ? messageEvents(call, answer)
      : converseEvents(answer).map(([type, payload]) => ({ [type]: payload }));
    const parts = events.map((event, index) => {
      const last = index === events.length - 1 && answer.usage !== 'none';
      return chunkMessage(last ? { ...event, 'amazon-bedrock-invocationMetrics': metricsOf(answer) } : event);
    });
    return {
      contentType: EVENT_STREAM,
      headers: { 'x-amzn-bedrock-content-type': 'application/json' },
      parts,
    };
  },

  streamedError: ({ message }) => exceptionMessage('modelStreamErrorException', message),
};

/** True also behind the name of an inference profile: `us.anthropic.claude-…`. */
export function isClaude({ model }: Call): boolean {
  return model.includes('anthropic.');
}

export function isNova({ model }: Call): boolean {
  return model.includes('amazon.nova');
}

function chunkMessage(event: Body): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(event)).toString('base64');
  return eventMessage('chunk', { bytes, p: 'abcdefghij' });
}

function metricsOf({ usage, tokens }: Answer): Body {
  if (usage === 'wrong') return { inputTokenCount: WRONG.input, outputTokenCount: WRONG.output };
  return {
    inputTokenCount: tokens.uncached,
    outputTokenCount: tokens.output,
    invocationLatency: 12,
    firstByteLatency: 5,
    ...(tokens.cacheRead === 0 ? {} : { cacheReadInputTokenCount: tokens.cacheRead }),
    ...(tokens.cacheWrite + tokens.cacheWrite1h === 0
      ? {}
      : { cacheWriteInputTokenCount: tokens.cacheWrite + tokens.cacheWrite1h }),
  };
}

function countHeaders({ usage, tokens }: Answer): { readonly [name: string]: string } {
  if (usage === 'none') return {};
  const { uncached, output } = tokens;
  return {
    'x-amzn-bedrock-invocation-latency': '12',
    'x-amzn-bedrock-input-token-count': String(usage === 'wrong' ? WRONG.input : uncached),
    'x-amzn-bedrock-output-token-count': String(usage === 'wrong' ? WRONG.output : output),
  };
}
