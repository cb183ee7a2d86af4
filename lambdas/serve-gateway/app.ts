import { type Context, Hono } from 'hono';
import { lookupOf } from '../../lib/budget/prices/lookup.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { bodyTooLarge } from '../../lib/model-calls/refusals.ts';
import { callModel, type Gateway, type IncomingCall } from './call-model.ts';
import { exceededAnnouncer } from './exceeded.ts';
import { InFlight } from './in-flight.ts';
import { rememberedLeases } from './lease.ts';
import { REQUEST_LIMIT_BYTES } from './limits.ts';
import { modelsAnswer } from './list-models.ts';
import { type Answer, jsonAnswer, nativeAnswer } from './native-answer.ts';
import type { GatewayPorts } from './ports.ts';
import { bodyOf } from './read-body.ts';
import { refusal } from './refusals.ts';

/** What a server knows of a request already, and need not put into a `Request` to be taken out again. */
export interface Received {
  readonly body?: Uint8Array;
  /** Ends when the client goes away. */
  readonly gone?: AbortSignal;
}

export interface GatewayApp {
  readonly app: Hono<{ Bindings: Received }>;
  /** Until every call of this process is settled, also those whose client has gone. */
  idle(): Promise<void>;
  /** Takes no more calls, and ends those that have not ended within the time. */
  stop(graceMs: number): Promise<void>;
  /** Calls that run. */
  calls(): number;
}

/** Below this path each provider's own API is found, as far as it can be paid for: `/models/openai/v1/chat/completions`. */
const ROOT = '/models';

/** The gateway over these ports. What no wire format serves does not exist: nothing is passed on unseen. */
export function createGateway(ports: GatewayPorts): GatewayApp {
  const inFlight = new InFlight();
  const gateway: Gateway = {
    ports,
    inFlight,
    leases: rememberedLeases(ports),
    announceExceeded: exceededAnnouncer(ports),
    models: lookupOf(ports.prices),
  };
  const app = new Hono<{ Bindings: Received }>();
  app.all(`${ROOT}/:provider/*`, async (context) => responseOf(await serve(gateway, context)));
  app.notFound((context) => context.json(error('invalid_request', `there is no ${context.req.path}`), 404));
  app.onError((failure, context) => {
    ports.signals.failed('a request could not be served', failure, { path: context.req.path });
    return context.json(error('internal', 'an unexpected failure of the gateway'), 503);
  });
  return {
    app,
    idle: () => inFlight.idle(),
    stop: (graceMs) => inFlight.stop(graceMs),
    calls: () => inFlight.calls,
  };
}

async function serve(gateway: Gateway, { req, env }: Context<{ Bindings: Received }>): Promise<Answer> {
  // A server that knows nothing more gives none.
  const received: Received | undefined = env;
  const { ports } = gateway;
  const startedAt = ports.clock.now().getTime();
  const url = new URL(req.url);
  const [, , provider, ...rest] = url.pathname.split('/');
  const formats = ports.formats.filter((format) => format.provider === provider);
  const [native] = formats;
  if (native === undefined) return jsonAnswer(404, error('invalid_request', `there is no provider ${provider}`));
  const path = decoded(`/${rest.join('/')}`);
  if (path === undefined) {
    return nativeAnswer(native, refusal('invalid_request', 'the path is not encoded as URLs are', { status: 400 }));
  }

  const incoming: Omit<IncomingCall, 'format' | 'body'> = {
    method: req.method,
    path,
    query: url.searchParams,
    headers: new Map(req.raw.headers),
    gone: received?.gone ?? req.raw.signal,
    startedAt,
  };
  const listed =
    req.method === 'GET' && provider === 'openai' ? await modelsAnswer(gateway, native, incoming) : undefined;
  if (listed !== undefined) return listed;
  const format = formats.find((each) => each.serves(req.method, path));
  if (format === undefined) {
    const message = `the gateway does not serve ${req.method} ${path}`;
    return nativeAnswer(native, refusal('invalid_request', message, { status: 404 }));
  }
  if (gateway.inFlight.stopping) {
    const stopping = { status: 503, retryAfterSeconds: 1 };
    return nativeAnswer(format, refusal('provider_failed', 'the gateway is stopping', stopping));
  }
  const body = received?.body ?? (await bodyOf(req.raw, REQUEST_LIMIT_BYTES));
  if (body === 'too_large' || body.length > REQUEST_LIMIT_BYTES)
    return nativeAnswer(format, bodyTooLarge(REQUEST_LIMIT_BYTES));
  const answer = callModel(gateway, { ...incoming, format, body });
  gateway.inFlight.follow(answer);
  return answer;
}

/** Undefined for what is not percent-encoded text. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function error(code: ErrorCode, message: string): object {
  return { error: { code, message } };
}

function responseOf({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers });
}
