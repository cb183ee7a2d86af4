import type { Answer } from '../answer.ts';
import type { Body, Call } from '../call.ts';
import { geminiError } from '../errors.ts';
import { type Wire, WRONG } from '../wire.ts';

export const geminiGenerate: Wire = {
  plain(call, answer) {
    return { body: chunk(call, answer, partsOf(answer, answer.text), answer.tokens.output, true) };
  },

  /** With `alt=sse` as events, otherwise as one JSON array that grows. */
  stream(call, answer) {
    const texts = answer.pieces.length === 0 ? [''] : answer.pieces;
    const chunks = texts.map((text, index) => {
      const last = index === texts.length - 1;
      const output = last ? answer.tokens.output : Math.floor((answer.tokens.output * (index + 1)) / texts.length);
      return chunk(call, answer, last ? partsOf(answer, text) : [{ text }], output, last);
    });
    if (call.query.get('alt') === 'sse') {
      return { contentType: 'text/event-stream', parts: chunks.map(geminiEvent) };
    }
    const parts = chunks.map(
      (each, index) => `${index === 0 ? '[' : ',\r\n'}${JSON.stringify(each)}${index === chunks.length - 1 ? ']' : ''}`,
    );
    return { contentType: 'application/json; charset=UTF-8', parts };
  },

  streamedError: (error) => geminiEvent(geminiError(error)),
};

export const geminiCount: Wire = {
  plain: (_call, { tokens }) => ({
    body: {
      totalTokens: tokens.input,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: tokens.input }],
      ...(tokens.cacheRead === 0 ? {} : { cachedContentTokenCount: tokens.cacheRead }),
    },
  }),
};

function geminiEvent(data: Body): string {
  return `data: ${JSON.stringify(data)}\r\n\r\n`;
}

function partsOf({ toolCalls }: Answer, text: string): readonly Body[] {
  const calls = toolCalls.map(({ name, arguments: args }) => ({ functionCall: { name, args } }));
  return text === '' && calls.length > 0 ? calls : [{ text }, ...calls];
}

function chunk(call: Call, answer: Answer, parts: readonly Body[], output: number, last: boolean): Body {
  const candidates = Array.from({ length: call.choices }, (_, index) => ({
    content: { parts, role: 'model' },
    // A call of a function is a proper end here.
    ...(last ? { finishReason: answer.stop === 'length' ? 'MAX_TOKENS' : 'STOP' } : {}),
    index,
  }));
  return {
    candidates,
    ...usageOf(answer, output),
    modelVersion: call.model,
    responseId: `response-${call.number}`,
  };
}

/** The prompt includes what is cached; the thoughts are beside the candidates. */
function usageOf({ usage, tokens }: Answer, output: number): Body {
  if (usage === 'none') return {};
  if (usage === 'wrong') {
    return {
      usageMetadata: {
        promptTokenCount: WRONG.input,
        candidatesTokenCount: WRONG.output,
        totalTokenCount: WRONG.total,
      },
    };
  }
  const thoughts = Math.min(tokens.reasoning, output);
  return {
    usageMetadata: {
      promptTokenCount: tokens.input,
      candidatesTokenCount: output - thoughts,
      totalTokenCount: tokens.input + output,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: tokens.input }],
      ...(tokens.cacheRead === 0
        ? {}
        : {
            cachedContentTokenCount: tokens.cacheRead,
            cacheTokensDetails: [{ modality: 'TEXT', tokenCount: tokens.cacheRead }],
          }),
      ...(thoughts === 0 ? {} : { thoughtsTokenCount: thoughts }),
    },
  };
}
