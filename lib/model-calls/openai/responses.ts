import { AnswerMeter } from '../answer-meter.ts';
import { parseBody } from '../parse-body.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import type { WireFormat } from '../wire-format.ts';
import { openaiPrice, refuseExtras } from './common-fields.ts';
import { refuseOpenai } from './refuse.ts';
import { ResponsesAnswer } from './responses-answer.ts';
import { parseResponsesRequest } from './responses-request.ts';

const PATH = '/v1/responses';

/** `POST /v1/responses` of OpenAI. Shapes: npm `openai` 7.57.0, `resources/responses`. */
export const openaiResponses: WireFormat = {
  name: 'openai-responses',
  provider: 'openai',
  serves: (method, path) => method === 'POST' && path === PATH,
  parse(call, models) {
    refuseExtras(call);
    const body = parseBody(call.body);
    const price = openaiPrice(body, models);
    const request = parseResponsesRequest(body, price);
    return {
      format: 'openai-responses',
      provider: 'openai',
      price,
      stream: request.stream,
      bound: request.bound,
      boundWithOutput: request.boundWithOutput,
      upstream: {
        method: 'POST',
        path: PATH,
        headers: upstreamHeaders(call),
        body: new TextEncoder().encode(JSON.stringify(request.upstreamBody)),
      },
      notes: request.ceiling.notes,
      meter: () => new AnswerMeter(new ResponsesAnswer(request, price, models)),
    };
  },
  refuse: refuseOpenai,
};
