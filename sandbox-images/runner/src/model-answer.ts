import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Provider } from '../../../lib/sandbox/model-providers.ts';

/** To an agent, in either version of HTTP. */
export type AgentResponse = ServerResponse | Http2ServerResponse;

export interface OwnAnswer {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  /** One sentence for a person. */
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/**
 * What the runner itself says instead of the gateway. One shape that the SDKs of all providers show: `error.message` is
 * read by those of OpenAI, Anthropic and Gemini, `message` by those of AWS.
 */
export function answerItself(response: AgentResponse, provider: Provider | undefined, own: OwnAnswer): void {
  const { status, code, message, retryAfterSeconds } = own;
  const type = status >= 500 ? 'provider_failed' : 'invalid_request_error';
  const body = JSON.stringify({ type: 'error', error: { type, code, message }, message });
  writeHead(response, status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(provider === 'bedrock' ? { 'x-amzn-errortype': errorTypeOf(status) } : {}),
  });
  response.end(body);
}

/** At once: a stream may have nothing to say for a while. Both versions have these calls, with types that do not meet. */
export function writeHead(response: AgentResponse, status: number, headers: OutgoingHttpHeaders): void {
  if ('stream' in response) response.writeHead(status, headers);
  else response.writeHead(status, headers).flushHeaders();
}

/** False: wait for `drain`. */
export function writeChunk(response: AgentResponse, chunk: Buffer): boolean {
  return 'stream' in response ? response.write(chunk) : response.write(chunk);
}

/** The agent sees that it has not got all of the answer. */
export function breakOff(response: AgentResponse): void {
  // 2 is INTERNAL_ERROR of HTTP/2.
  if ('stream' in response) response.stream.close(2);
  else response.destroy();
}

function errorTypeOf(status: number): string {
  if (status === 429) return 'ThrottlingException';
  return status >= 500 ? 'ServiceUnavailableException' : 'ValidationException';
}
