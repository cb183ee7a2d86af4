import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Retryable } from './retry.ts';

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string | Uint8Array | Readable;
  /** Ends the request, and the reading of its answer. */
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly ok: boolean;
  /** To be read to its end, or discarded, so that the connection can be used again. */
  readonly body: IncomingMessage;
  text(): Promise<string>;
  discard(): void;
}

const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

/**
 * One request, with a time limit for all of it. What no answer came from is `Retryable`; a redirect is an answer, and
 * never followed. The message never holds the URL, which may be signed. Not `fetch`: loading it takes a third of what
 * the runner may add to a step.
 */
export async function request(
  what: string,
  url: string,
  { method = 'GET', headers = {}, body, signal }: HttpRequest,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const options = { method, headers, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) };
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const target = new URL(url);
      const sent =
        target.protocol === 'https:'
          ? httpsRequest(target, { ...options, agent: agents['https:'] }, resolve)
          : httpRequest(target, { ...options, agent: agents['http:'] }, resolve);
      sent.once('error', reject);
      // After an answer that came early the rest of the body has nowhere to go.
      sent.on('error', () => undefined);
      if (body instanceof Readable) {
        body.once('error', (error) => sent.destroy(error));
        body.pipe(sent);
      } else sent.end(body);
    });
    const status = response.statusCode ?? 0;
    return {
      status,
      ok: status >= 200 && status < 300,
      body: response,
      text: () => text(response),
      discard: () => void response.resume(),
    };
  } catch (error) {
    const reason =
      error instanceof Error ? ('code' in error && error.code ? String(error.code) : error.name) : 'unknown';
    throw new Retryable(`${what}: no answer (${timeout.aborted ? 'TimeoutError' : reason})`);
  }
}
