import { type Context, Hono } from 'hono';
import type { Provider } from '../../lib/budget/price-book.ts';
import { lookupOf } from '../../lib/budget/prices/lookup.ts';
import type { WireFormat } from '../../lib/model-calls/wire-format.ts';
import { type Answer, callModel, type Gateway, type IncomingCall } from './call-model.ts';
import { InFlight } from './in-flight.ts';
import { rememberedLeases } from './lease.ts';
import { REQUEST_LIMIT_BYTES } from './limits.ts';
import { modelsAnswer } from './list-models.ts';
import type { GatewayPorts } from './ports.ts';
import { bodyOf } from './read-body.ts';
import { refusal } from './refusals.ts';

export interface GatewayApp {
  readonly app: Hono;
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
    models: lookupOf(ports.prices),
  };
  const app = new Hono();
  app.all(`${ROOT}/:provider/*`, async (context) => responseOf(await serve(gateway, context)));
  app.notFound((context) =>
    context.json({ error: { code: 'invalid_request', message: `there is no ${context.req.path}` } }, 404),
  );
  app.onError((error, context) => {
    ports.signals.failed('a request could not be served', error, { path: context.req.path });
    return context.json({ error: { code: 'internal', message: 'an unexpected failure of the gateway' } }, 503);
  });
  return {
    app,
    idle: () => inFlight.idle(),
    stop: (graceMs) => inFlight.stop(graceMs),
    calls: () => inFlight.calls,
  };
}

async function serve(gateway: Gateway, { req }: Context): Promise<Answer> {
  const { ports } = gateway;
  const startedAt = ports.clock.now().getTime();
  const url = new URL(req.url);
  const [, , provider = '', ...rest] = url.pathname.split('/');
  const formats = ports.formats.filter((format) => format.provider === (provider as Provider));
  const [native] = formats;
  if (native === undefined) {
    return json(404, { error: { code: 'invalid_request', message: `there is no provider ${provider}` } });
  }
  const path = decoded(`/${rest.join('/')}`);
  const refuse = (format: WireFormat, status: number, message: string): Answer => {
    const { headers, ...answer } = format.refuse(refusal('invalid_request', message, { status }));
    return { ...answer, headers: { ...headers, 'x-wflo-error': 'invalid_request' } };
  };
  if (path === undefined) return refuse(native, 400, 'the path is not encoded as URLs are');

  const incoming: Omit<IncomingCall, 'format' | 'body'> = {
    method: req.method,
    path,
    query: url.searchParams,
    headers: new Map(req.raw.headers),
    gone: req.raw.signal,
    startedAt,
  };
  if (provider === 'openai' && req.method === 'GET') {
    const listed = await modelsAnswer(gateway, native, incoming);
    if (listed !== undefined) return listed;
  }
  const format = formats.find((each) => each.serves(req.method, path));
  if (format === undefined) return refuse(native, 404, `the gateway does not serve ${req.method} ${path}`);
  if (gateway.inFlight.stopping) {
    const stopping = format.refuse(
      refusal('provider_failed', 'this gateway is stopping', { status: 503, retryAfterSeconds: 1 }),
    );
    return { ...stopping, headers: { ...stopping.headers, 'x-wflo-error': 'provider_failed' } };
  }
  const body = await bodyOf(req.raw, REQUEST_LIMIT_BYTES);
  if (body === 'too_large') {
    return refuse(format, 413, `a request may have ${REQUEST_LIMIT_BYTES / 1024 / 1024} MB at most`);
  }
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

function json(status: number, body: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function responseOf({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers });
}
