import type { Body } from '../call.ts';
import { type Wire, WRONG } from '../wire.ts';

const DIMENSIONS = 8;

export const openaiEmbeddings: Wire = {
  plain(call, { tokens, usage }) {
    const texts = inputsOf(call.body.input);
    const dimensions = typeof call.body.dimensions === 'number' ? call.body.dimensions : DIMENSIONS;
    const base64 = call.body.encoding_format === 'base64';
    const data = texts.map((_, index) => {
      const vector = Float32Array.from({ length: dimensions }, (_, at) => 1 / (1 + index + at));
      const embedding = base64 ? Buffer.from(vector.buffer).toString('base64') : [...vector];
      return { object: 'embedding', index, embedding };
    });
    const told: Body =
      usage === 'wrong'
        ? { prompt_tokens: WRONG.input, total_tokens: WRONG.total }
        : { prompt_tokens: tokens.input, total_tokens: tokens.input };
    return { body: { object: 'list', data, model: call.model, ...(usage === 'none' ? {} : { usage: told }) } };
  },
};

export const openaiModels: Wire = {
  plain: () => ({
    body: {
      object: 'list',
      data: ['gpt-4o-mini', 'gpt-4o'].map((id) => ({
        id,
        object: 'model',
        created: 1_721_172_741,
        owned_by: 'system',
      })),
    },
  }),
};

export const openaiCount: Wire = {
  plain: (_call, { tokens }) => ({ body: { object: 'response.input_tokens', input_tokens: tokens.input } }),
};

/** One text, several, one list of tokens, or several. */
function inputsOf(input: unknown): readonly unknown[] {
  if (!Array.isArray(input)) return [input];
  return typeof input[0] === 'number' ? [input] : input;
}
