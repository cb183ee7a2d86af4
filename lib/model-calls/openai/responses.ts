import { generationFormat } from './generation-format.ts';
import { ResponsesAnswer } from './responses-answer.ts';
import { parseResponsesRequest } from './responses-request.ts';

/** `POST /v1/responses` of OpenAI. Shapes: npm `openai` 7.57.0, `resources/responses`. */
export const openaiResponses = generationFormat({
  name: 'openai-responses',
  path: '/v1/responses',
  parse: parseResponsesRequest,
  reader: (request, price, models) => new ResponsesAnswer(request, price, models),
});
