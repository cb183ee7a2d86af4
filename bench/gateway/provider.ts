import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answering } from './answering.ts';
import { type Directive, directiveOf } from './directive.ts';

/**
 * A provider that speaks OpenAI chat completions and answers at once, as a process of its own: the fastest that Node
 * serves, so that what is measured is what stands before it. What a call asks for stands in its prompt.
 */
let charged = { calls: 0, input: 0, output: 0 };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    const directive = directiveOf(body);
    if (directive.delayMs === undefined) serve(response, directive, body);
    else setTimeout(() => serve(response, directive, body), directive.delayMs);
  });
});
// Nobody reuses a connection that is closed just now.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  answering({ port: (server.address() as AddressInfo).port }, ({ reset }: { readonly reset?: boolean }) => {
    const before = charged;
    if (reset === true) charged = { calls: 0, input: 0, output: 0 };
    return before;
  });
});

function serve(response: ServerResponse, directive: Directive, body: string): void {
  const { input = 12, output = 16, fails } = directive;
  if (fails === 'status') {
    const text = '{"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}';
    response.writeHead(500, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
    return;
  }
  // What is produced is charged for, whoever is there to read it.
  charged = { calls: charged.calls + 1, input: charged.input + input, output: charged.output + output };
  if (/"stream":true/.test(body)) stream(response, directive, { input, output });
  else {
    if (fails === 'break') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 4000 });
      response.write('{"id":"chatcmpl-1",');
      setImmediate(() => response.destroy());
      return;
    }
    const text = answerText(input, output);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
  }
}

function stream(
  response: ServerResponse,
  { fails, events = 4, eventDelayMs }: Directive,
  usage: { readonly input: number; readonly output: number },
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let at = 0;
  const next = () => {
    if (at === 2 && fails === 'break') {
      response.destroy();
      return;
    }
    if (at < events) {
      at += 1;
      response.write(eventText({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] }));
      if (eventDelayMs === undefined) setImmediate(next);
      else setTimeout(next, eventDelayMs);
      return;
    }
    response.write(eventText({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
    response.write(eventText({ choices: [], usage: usageOf(usage) }));
    response.end('data: [DONE]\n\n');
  };
  next();
}

function eventText(fields: object): string {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o' };
  return `data: ${JSON.stringify({ ...head, ...fields })}\n\n`;
}

function answerText(input: number, output: number): string {
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'A short answer of the model.', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: usageOf({ input, output }),
  });
}

function usageOf({ input, output }: { readonly input: number; readonly output: number }): object {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
