import type { Usage } from '../../lib/budget/usage.ts';
import {
  type CallRefusal,
  CallRefused,
  type Metered,
  type ModelCall,
  type UsageMeter,
  type WireFormat,
} from '../../lib/model-calls/wire-format.ts';

/**
 * A wire format as small as it can be, in the place of OpenAI's: the request is `{ model, input, output, stream }` with
 * numbers of tokens, an answer is lines of JSON, and the line with `usage: { input, output }` says what was used.
 */
export const plainFormat: WireFormat = {
  name: 'openai-chat',
  provider: 'openai',
  serves: (method, path) => method === 'POST' && (path === '/v1/chat/completions' || path === '/v1/count'),
  parse(request, models): ModelCall {
    const body = bodyOf(request.body);
    const price = models('openai', String(body.model));
    if (price === undefined) {
      throw new CallRefused({ code: 'unknown_model', status: 404, message: `no model ${String(body.model)}` });
    }
    const counts = request.path === '/v1/count';
    const bound = (output: number) => ({
      inputTokens: counts ? 0 : Number(body.input),
      inputClasses: ['input'] as const,
      outputTokens: counts ? 0 : output,
      outputClasses: ['output'] as const,
    });
    return {
      format: 'openai-chat',
      provider: 'openai',
      price,
      stream: body.stream === true,
      bound: bound(Number(body.output)),
      boundWithOutput: bound,
      upstream: {
        method: 'POST',
        path: request.path,
        headers: { 'content-type': 'application/json' },
        body: request.body,
      },
      notes: body.noted === true ? { 'x-wflo-max-output-tokens': String(body.output) } : {},
      meter: () => new PlainMeter(Number(body.input), body.visible === true),
    };
  },
  refuse: (refusal: CallRefusal) => ({
    status: refusal.status,
    headers: {
      'content-type': 'application/json',
      ...(refusal.retryAfterSeconds === undefined ? {} : { 'retry-after': String(refusal.retryAfterSeconds) }),
    },
    body: JSON.stringify({ error: { ...refusal } }),
  }),
};

function bodyOf(bytes: Uint8Array): { readonly [name: string]: unknown } {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as { readonly [name: string]: unknown };
  } catch {
    throw new CallRefused({ code: 'invalid_request', status: 400, message: 'the body is not JSON' });
  }
}

class PlainMeter implements UsageMeter {
  readonly #input: number;
  readonly #visible: boolean;
  #text = '';
  #status = 0;

  constructor(input: number, visible: boolean) {
    this.#input = input;
    this.#visible = visible;
  }

  begin(status: number): void {
    this.#status = status;
  }

  push(chunk: Uint8Array): Uint8Array {
    this.#text += new TextDecoder().decode(chunk);
    return chunk;
  }

  end(): Uint8Array {
    return new Uint8Array();
  }

  result(): Metered {
    if (this.#status >= 400) return { kind: 'not_charged' };
    const [, input, output] = /"usage":\{"input":(\d+),"output":(\d+)\}/.exec(this.#text) ?? [];
    if (input === undefined || output === undefined) {
      const atMost: Usage = { tokens: { input: this.#input, output: this.#text.length } };
      return { kind: 'unknown', reason: 'the answer has no usage', ...(this.#visible ? { atMost } : {}) };
    }
    const usage: Usage = { tokens: { input: Number(input), output: Number(output) } };
    return { kind: 'reported', usage, raw: { input: Number(input), output: Number(output) } };
  }
}
