import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenCall {
  readonly method: string | undefined;
  /** As it came. */
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The request came to its end. */
  whole: boolean;
  /** The connection ended before the answer did. */
  brokenOff: boolean;
}

export type AnswerCall = (request: IncomingMessage, response: ServerResponse, call: SeenCall) => void;

/** Stands for the model gateway on a socket: records what comes, and answers as a test says. */
export interface FakeGateway {
  /** Base URL. */
  readonly url: string;
  readonly seen: SeenCall[];
  /** Replaces how calls are answered. */
  answer: AnswerCall;
  close(): Promise<void>;
}

/** Once the request has come to its end: an answer of OpenAI in one piece, or, where it asks for a stream, in three. */
export const completion: AnswerCall = (request, response, call) => {
  request.once('end', () => {
    const wanted = call.body.length === 0 ? {} : (JSON.parse(call.body.toString()) as { stream?: boolean });
    if (wanted.stream !== true) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"choices":[{"message":{"role":"assistant","content":"hello"}}]}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const word of ['hel', 'lo']) response.write(`data: {"choices":[{"delta":{"content":"${word}"}}]}\n\n`);
    response.end('data: [DONE]\n\n');
  });
};

/** Below the base URL of a provider: what is asked for here is refused, and the step must end. */
export const REFUSED_PATH = '/refused';

/** Ends the step of whoever asks. */
export const refusal: AnswerCall = (_request, response) => {
  response.writeHead(402, { 'x-wflo-stop': 'budget_exceeded', 'x-should-retry': 'false' });
  response.end('{"error":{"message":"the budget of $0.10 is used up","code":"budget_exhausted"}}');
};

export async function fakeGateway(basePath = '/models'): Promise<FakeGateway> {
  const seen: SeenCall[] = [];
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    const chunks: Buffer[] = [];
    const call: SeenCall = {
      method,
      url,
      headers,
      get body() {
        return Buffer.concat(chunks);
      },
      whole: false,
      brokenOff: false,
    };
    seen.push(call);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      call.whole = true;
    });
    request.on('error', () => undefined);
    response.once('close', () => {
      call.brokenOff = !response.writableFinished;
    });
    gateway.answer(request, response, call);
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const gateway: FakeGateway = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${basePath}`,
    seen,
    answer: (...call) => (call[0].url?.endsWith(REFUSED_PATH) ? refusal : completion)(...call),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return gateway;
}
