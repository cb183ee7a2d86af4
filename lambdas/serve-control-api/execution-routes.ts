import type { Context } from 'hono';
import type { CancelRequest, StartRequest } from '../../lib/client/api.ts';
import { cancelExecution } from './cancel-execution.ts';
import type { Serve } from './control-api.ts';
import type { ControlApiPorts } from './ports.ts';
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
  withoutUndefined,
} from './requests.ts';
import { startExecution } from './start-execution.ts';

export function serveExecutions(serve: Serve, ports: ControlApiPorts): void {
  serve('POST /v1/executions', async (c) => {
    const request: StartRequest = withoutUndefined(checked(StartBody, 'body', parsedBody(await c.req.text())));
    const principal = c.get('principal');
    const { executionId, created } = await startExecution(ports, principal, request, traceIdOf(c));
    const record = await loadExecution(ports, principal, executionId);
    return c.json(await viewOf(ports, record), created ? 201 : 200);
  });

  serve('GET /v1/executions', async (c) => {
    const query: ListQuery = withoutUndefined(checked(ListParameters, 'query', c.req.query()));
    return c.json(await listExecutions(ports, c.get('principal'), query));
  });

  serve('GET /v1/executions/:id', async (c) => {
    const record = await loadExecution(ports, c.get('principal'), c.req.param('id'));
    return c.json(await viewOf(ports, record));
  });

  serve('GET /v1/executions/:id/events', async (c) => {
    const query = checked(EventsParameters, 'query', c.req.query());
    const record = await loadExecution(ports, c.get('principal'), c.req.param('id'));
    return c.json(await readEvents(ports, record, query));
  });

  serve('GET /v1/executions/:id/logs', async (c) => {
    const { step, cursor, limit } = checked(LogsParameters, 'query', c.req.query());
    const record = await loadExecution(ports, c.get('principal'), c.req.param('id'));
    const query = { limit, ...(step === undefined ? {} : { stepPath: step }), ...(cursor ? { cursor } : {}) };
    return c.json(await readLogs(ports, record, query));
  });

  serve('POST /v1/executions/:id/cancel', async (c) => {
    const text = await c.req.text();
    const request: CancelRequest = withoutUndefined(checked(CancelBody, 'body', text === '' ? {} : parsedBody(text)));
    const principal = c.get('principal');
    await cancelExecution(ports, principal, c.req.param('id'), request);
    const record = await loadExecution(ports, principal, c.req.param('id'));
    return c.json(await viewOf(ports, record), 202);
  });

  serve('GET /v1/workflows', async (c) => c.json(await listWorkflows(ports)));
}

/** The root of the X-Ray trace that API Gateway began or goes on. */
function traceIdOf(c: Context): string | undefined {
  return /(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/.exec(c.req.header('x-amzn-trace-id') ?? '')?.[1];
}
