import { Readable } from 'node:stream';
import { HttpResponse } from '@smithy/protocol-http';

export interface SentRequest {
  /** Such as `lambda.us-east-1.amazonaws.com`. */
  readonly host: string;
  readonly method: string;
  readonly query: { readonly [name: string]: string | readonly string[] | null };
  /** `X-Amz-Target` without its service, for the JSON protocols: `PutEvents`. */
  readonly operation: string;
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: unknown;
  /** Instead of a body: as it is, for the protocols that speak XML. */
  readonly text?: string;
}

/** An error as the JSON protocols send it. */
export function awsError(name: string, more: object = {}): ScriptedAnswer {
  return { status: 400, body: { __type: name, message: name, ...more } };
}

/** Settings of an SDK client that answers by a script: no network, and the SDK's own parsing of answers. */
export function scriptedAws(answer: (request: SentRequest, index: number) => ScriptedAnswer | Promise<ScriptedAnswer>) {
  const requests: SentRequest[] = [];
  return {
    requests,
    settings: {
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
      requestHandler: {
        async handle(request: {
          hostname: string;
          method: string;
          path: string;
          query?: SentRequest['query'];
          headers: Record<string, string>;
          body?: Uint8Array | string;
        }) {
          const headers = Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
          );
          const sent = {
            host: request.hostname,
            method: request.method,
            query: request.query ?? {},
            operation: (headers['x-amz-target'] ?? '').replace(/^.*\./, ''),
            path: request.path,
            headers,
            body: textOf(request.body),
          };
          requests.push(sent);
          const { status = 200, headers: more = {}, body, text } = await answer(sent, requests.length - 1);
          return {
            response: new HttpResponse({
              statusCode: status,
              headers: { 'content-type': 'application/x-amz-json-1.0', ...more },
              body: Readable.from([Buffer.from(text ?? (body === undefined ? '{}' : JSON.stringify(body)))]),
            }),
          };
        },
      },
    },
  };
}

/** From the bytes: the SDK's body warns when it is taken for a string. */
function textOf(body: Uint8Array | string | undefined): string {
  if (typeof body === 'string') return body;
  return body === undefined ? '' : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
}
