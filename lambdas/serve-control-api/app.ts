import { type Context, Hono } from 'hono';
import type { CancelRequest, StartRequest } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { errorAnswer } from './answers.ts';
import { cancelExecution } from './cancel-execution.ts';
import type { ControlApiPorts } from './ports.ts';
import { type Principal, type ProvenIdentity, principalOf } from './principal.ts';
import {
  type ListQuery,
  listExecutions,
  listWorkflows,
  loadExecution,
  readEvents,
  readLogs,
  viewOf,
} from './read-execution.ts';
import {
  CancelBody,
  checked,
  EventsParameters,
  ListParameters,
  LogsParameters,
  parsedBody,
  StartBody,
} from './requests.ts';
import { startExecution } from './start-execution.ts';

/** What API Gateway's proxy event adds to the request; `hono/aws-lambda` passes it on. */
export interface ControlApiBindings {
  readonly requestContext?: { readonly requestId?: string; readonly identity?: ProvenIdentity };
}

interface ControlApiEnv {
  Bindings: ControlApiBindings;
  Variables: { principal: Principal };
}

export interface ControlApiOptions {
  /** Gets what was answered with 500, before it is answered. */
  readonly onUnexpected?: (error: unknown, requestId: string) => void;
}

/** The control API, version 1: `lib/client/api.ts` is its contract. */
export function createControlApi(ports: ControlApiPorts, options: ControlApiOptions = {}): Hono<ControlApiEnv> {
  const app = new Hono<ControlApiEnv>();

  app.use(async (c, next) => {
    c.set('principal', principalOf(c.env.requestContext?.identity));
    await next();
  });

  app.post('/v1/executions', async (c) => {
    const request: StartRequest = withoutUndefined(checked(StartBody, 'body', parsedBody(await c.req.text())));
    const principal = c.get('principal');
    const { executionId, created } = await startExecution(ports, principal, request, traceIdOf(c));
    const record = await loadExecution(ports, principal, executionId);
    return c.json(await viewOf(ports, record), created ? 201 : 200);
  });

  app.get('/v1/executions', async (c) => {
    const query: ListQuery = withoutUndefined(checked(ListParameters, 'query', c.req.query()));
    return c.json(await listExecutions(ports, c.get('principal'), query));
  });

  app.get('/v1/executions/:id', async (c) => {
    const record = await loadExecution(ports, c.get('principal'), c.req.param('id'));
    return c.json(await viewOf(ports, record));
  });

  app.get('/v1/executions/:id/events', async (c) => {
    const query = checked(EventsParameters, 'query', c.req.query());
    const record = await loadExecution(ports, c.get('principal'), c.req.param('id'));
    return c.json(await readEvents(ports, record, query));
  });

  app.get('/v1/executions/:id/logs', async (c) => {
    const { step, cursor, limit } = checked(LogsParameters, 'query', c.req.query());
    const record = await loadExecution(ports, c.get('principal'), c.req.param('id'));
    const query = { limit, ...(step === undefined ? {} : { stepPath: step }), ...(cursor ? { cursor } : {}) };
    return c.json(await readLogs(ports, record, query));
  });

  app.post('/v1/executions/:id/cancel', async (c) => {
    const text = await c.req.text();
    const request: CancelRequest = withoutUndefined(checked(CancelBody, 'body', text === '' ? {} : parsedBody(text)));
    const principal = c.get('principal');
    await cancelExecution(ports, principal, c.req.param('id'), request);
    const record = await loadExecution(ports, principal, c.req.param('id'));
    return c.json(await viewOf(ports, record), 202);
  });

  app.get('/v1/workflows', async (c) => c.json(await listWorkflows(ports)));

  app.notFound((c) => fail(c, new WfloError('unknown_route', `the control API has no ${c.req.method} ${c.req.path}`)));
  app.onError((error, c) => fail(c, error));

  function fail(c: Context<ControlApiEnv>, error: unknown): Response {
    const requestId = c.env.requestContext?.requestId ?? 'unknown';
    const { status, body } = errorAnswer(error, requestId);
    if (status === 500) options.onUnexpected?.(error, requestId);
    return c.json(body, status);
  }

  return app;
}

/** The root of the X-Ray trace that API Gateway began or goes on. */
function traceIdOf(c: Context<ControlApiEnv>): string | undefined {
  return /(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/.exec(c.req.header('x-amzn-trace-id') ?? '')?.[1];
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Zod's optional keys may hold undefined, those of the contract may not. */
function withoutUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as WithoutUndefined<T>;
}
