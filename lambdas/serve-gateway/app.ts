import { type Context, Hono } from 'hono';
import { lookupOf } from '../../lib/budget/prices/lookup.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { callModel, type Gateway, type IncomingCall } from './call-model.ts';
import { exceededAnnouncer } from './exceeded.ts';
import { InFlight } from './in-flight.ts';
import { rememberedLeases } from './lease.ts';
import { modelsAnswer } from './list-models.ts';
import { type Answer, jsonAnswer, nativeAnswer } from './native-answer.ts';
import type { GatewayPorts } from './ports.ts';
import { type BodyReader, bodyReader } from './read-body.ts';
import { refusal } from './refusals.ts';

/** What a server of the gateway may hand over beside a request. */
export interface GatewayBindings {
  /** Reads the body, where the request was made without it. */
  readonly readBody?: BodyReader;
}

export interface GatewayApp {
  readonly app: Hono<{ Bindings: GatewayBindings }>;
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
  const app = new Hono<{ Bindings: GatewayBindings }>();
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

async function serve(gateway: Gateway, { req, env }: Context<{ Bindings: GatewayBindings }>): Promise<Answer> {
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

  const incoming: Omit<IncomingCall, 'format'> = {
    method: req.method,
    path,
    query: url.searchParams,
    headers: new Map(req.raw.headers),
    readBody: env?.readBody ?? bodyReader(req.raw),
    gone: req.raw.signal,
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
  return callModel(gateway, { ...incoming, format });
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
  // Of these statuses, which a provider may choose, a `Response` takes no body, not even an empty one.
  return new Response(status === 204 || status === 205 ? null : body, { status, headers });
}
