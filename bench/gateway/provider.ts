import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A provider that speaks OpenAI's chat completions and answers at once: always the same words, 10 tokens in and 2 out. A
 * stream whose user is `idle` says one word, and then nothing. Tells its port to its parent.
 */
const WORDS = { id: 'c', object: 'chat.completion', created: 0, model: 'gpt-4o-mini' };
const USAGE = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
const WHOLE = JSON.stringify({
  ...WORDS,
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: USAGE,
});
const event = (fields: object) =>
  `data: ${JSON.stringify({ ...WORDS, object: 'chat.completion.chunk', ...fields })}\n\n`;
const FIRST = event({ choices: [{ index: 0, delta: { content: 'hello' }, finish_reason: null }] });
const REST = `${event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}${event({ choices: [], usage: USAGE })}data: [DONE]\n\n`;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { stream, user } = JSON.parse(Buffer.concat(chunks).toString()) as { stream?: boolean; user?: string };
    if (stream !== true) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(WHOLE) });
      response.end(WHOLE);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(FIRST);
    if (user !== 'idle') response.end(REST);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
