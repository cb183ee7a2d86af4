import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import type { JsonObject } from '../../json.ts';
import { AnswerMeter, type AnswerReader } from '../answer-meter.ts';
import { parseBody } from '../parse-body.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import type { WireFormat } from '../wire-format.ts';
import { openaiPrice, refuseExtras } from './common-fields.ts';
import { refuseOpenai } from './refuse.ts';

interface GenerationRequest {
  readonly stream: boolean;
  readonly bound: UsageBound;
  readonly boundWithOutput: (maxOutputTokens: number) => UsageBound;
  readonly upstreamBody: JsonObject;
  readonly ceiling: { readonly notes: { readonly [header: string]: string } };
}

interface Generation<R extends GenerationRequest> {
  readonly name: 'openai-chat' | 'openai-responses';
  readonly path: string;
  parse(body: JsonObject, price: ModelPrice): R;
  reader(request: R, price: ModelPrice, models: ModelLookup): AnswerReader;
}

/** A wire format of OpenAI in which a model writes. */
export function generationFormat<R extends GenerationRequest>({
  name,
  path,
  parse,
  reader,
}: Generation<R>): WireFormat {
  return {
    name,
    provider: 'openai',
    serves: (method, asked) => method === 'POST' && asked === path,
    parse(call, models) {
      refuseExtras(call);
      const body = parseBody(call.body);
      const price = openaiPrice(body, models);
      const request = parse(body, price);
      return {
        format: name,
        provider: 'openai',
        price,
        stream: request.stream,
        bound: request.bound,
        boundWithOutput: request.boundWithOutput,
        upstream: {
          method: 'POST',
          path,
          headers: upstreamHeaders(call),
          body: new TextEncoder().encode(JSON.stringify(request.upstreamBody)),
        },
        notes: request.ceiling.notes,
        meter: () => new AnswerMeter(reader(request, price, models)),
      };
    },
    refuse: refuseOpenai,
  };
}
