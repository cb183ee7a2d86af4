import { AnswerMeter } from '../answer-meter.ts';
import { parseBody } from '../parse-body.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import type { WireFormat } from '../wire-format.ts';
import { ChatAnswer } from './chat-answer.ts';
import { parseChatRequest } from './chat-request.ts';
import { openaiPrice, refuseExtras } from './common-fields.ts';
import { refuseOpenai } from './refuse.ts';

const PATH = '/v1/chat/completions';

/** `POST /v1/chat/completions` of OpenAI. Shapes: npm `openai` 7.57.0, `resources/chat/completions`. */
export const openaiChat: WireFormat = {
  name: 'openai-chat',
  provider: 'openai',
  serves: (method, path) => method === 'POST' && path === PATH,
  parse(call, models) {
    refuseExtras(call);
    const body = parseBody(call.body);
    const price = openaiPrice(body, models);
    const request = parseChatRequest(body, price);
    return {
      format: 'openai-chat',
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
      meter: () => new AnswerMeter(new ChatAnswer(request, price, models)),
    };
  },
  refuse: refuseOpenai,
};
