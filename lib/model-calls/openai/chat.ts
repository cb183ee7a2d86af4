import { ChatAnswer } from './chat-answer.ts';
import { parseChatRequest } from './chat-request.ts';
import { generationFormat } from './generation-format.ts';

/** `POST /v1/chat/completions` of OpenAI. Shapes: npm `openai` 7.57.0, `resources/chat/completions`. */
export const openaiChat = generationFormat({
  name: 'openai-chat',
  path: '/v1/chat/completions',
  parse: parseChatRequest,
  reader: (request, price, models) => new ChatAnswer(request, price, models),
});
