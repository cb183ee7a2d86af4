import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Json } from '../json.ts';

export type Credentials = ConstructorParameters<typeof SignatureV4>[0]['credentials'];

export interface ApiEndpoint {
  /** Base URL of the deployed API, without `/v1`. */
  readonly url: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** PEM text of a certificate authority to trust instead of the usual ones. */
  readonly ca?: string;
}

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the base URL, one entry per segment, not encoded. */
  readonly path: readonly string[];
  readonly query?: { readonly [name: string]: string | undefined };
  readonly body?: Json;
}

export interface ApiResponse {
  readonly status: number;
  readonly text: string;
}

/** No answer came: the connection failed, or broke. `cause` is what Node says of it. */
export class NoAnswer extends Error {
  /** False where trying again soon is no use: no such host, nobody listens, a certificate that is not trusted. */
  readonly transient: boolean;

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message || cause.code || 'the connection failed', { cause });
    this.name = 'NoAnswer';
    this.transient = cause.code !== undefined && TRANSIENT.includes(cause.code);
  }
}

const TRANSIENT = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'];

/** No answer within this long counts as a network failure. API Gateway itself gives up after 29 s. */
const ANSWER_TIMEOUT_MS = 35_000;

/**
 * Signs a call for `execute-api` over the host and path that are really sent, and sends it. Segments are encoded once
 * on the wire; the signer encodes the path again, which is what SigV4 wants of every service but S3. Throws `NoAnswer`,
 * what the credentials throw, or an `AbortError`.
 */
export async function sendSigned(endpoint: ApiEndpoint, call: ApiCall, signal?: AbortSignal): Promise<ApiResponse> {
  const base = new URL(endpoint.url);
  const path = `${base.pathname.replace(/\/+$/, '')}/${call.path.map(escapeUri).join('/')}`;
  const query = Object.fromEntries(
    Object.entries(call.query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const signer = new SignatureV4({
    service: 'execute-api',
    region: endpoint.region,
    credentials: endpoint.credentials,
    sha256: Sha256,
  });
  const signed = await signer.sign(
    new HttpRequest({
      method: call.method,
      protocol: base.protocol,
      hostname: base.hostname,
      path,
      query,
      headers: {
        host: base.host,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    }),
  );
  const search = Object.entries(query).map(([name, value]) => `${escapeUri(name)}=${escapeUri(value)}`);
  return send(base, endpoint.ca, {
    method: call.method,
    target: search.length === 0 ? path : `${path}?${search.join('&')}`,
    headers: signed.headers,
    body,
    signal,
  });
}

/** RFC 3986: everything but letters, digits and `-_.~`, as SigV4 canonicalises queries. */
function escapeUri(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

interface WireRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;
}

function send(base: URL, ca: string | undefined, wire: WireRequest): Promise<ApiResponse> {
  const request = base.protocol === 'http:' ? httpRequest : httpsRequest;
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(wire.signal?.aborted ? error : new NoAnswer(error));
    const outgoing = request(
      {
        hostname: base.hostname.replace(/^\[|\]$/g, ''),
        ...(base.port === '' ? {} : { port: base.port }),
        method: wire.method,
        path: wire.target,
        headers: {
          ...wire.headers,
          ...(wire.body === undefined ? {} : { 'content-length': Buffer.byteLength(wire.body) }),
        },
        ...(ca === undefined ? {} : { ca }),
        ...(wire.signal === undefined ? {} : { signal: wire.signal }),
        timeout: ANSWER_TIMEOUT_MS,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    outgoing.on('timeout', () => {
      const silent = new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`);
      outgoing.destroy(Object.assign(silent, { code: 'ETIMEDOUT' }));
    });
    outgoing.on('error', failed);
    outgoing.end(wire.body);
  });
}
