import { Hono } from 'hono';
import { WfloError } from '../../lib/errors.ts';
import { claim } from './claim.ts';
import { complete } from './complete.ts';
import { errorAnswer } from './error-answer.ts';
import { events } from './events.ts';
import { heartbeat } from './heartbeat.ts';
import type { SandboxApiPorts } from './ports.ts';
import {
  claimRequest,
  completeRequest,
  eventsRequest,
  heartbeatRequest,
  parseRequest,
  urlsRequest,
} from './requests.ts';
import { urls } from './urls.ts';

type Route = (body: unknown, authorization: string | undefined) => Promise<object>;

/** The sandbox API: what `lib/sandbox/protocol.ts` describes, over these ports. */
export function createSandboxApi(ports: SandboxApiPorts): Hono {
  const routes: Readonly<Record<string, Route>> = {
    claim: (body) => claim(ports, parseRequest(claimRequest, body)),
    heartbeat: (body, token) => heartbeat(ports, parseRequest(heartbeatRequest, body), token),
    events: (body, token) => events(ports, parseRequest(eventsRequest, body), token),
    urls: (body, token) => urls(ports, parseRequest(urlsRequest, body), token),
    complete: (body, token) => complete(ports, parseRequest(completeRequest, body), token),
  };
  const app = new Hono();
  for (const [verb, route] of Object.entries(routes)) {
    app.post(`/v1/${verb}`, async (context) => {
      const body: unknown = await context.req.json().catch(() => {
        throw new WfloError('invalid_request', 'the body is not JSON');
      });
      return context.json(await route(body, context.req.header('authorization')));
    });
  }
  app.notFound((context) => {
    const message = `there is no ${context.req.method} ${context.req.path}`;
    return context.json({ error: { code: 'invalid_request', message } }, 404);
  });
  app.onError((error, context) => {
    const { status, body } = errorAnswer(error);
    if (status === 500) ports.signals.failed(context.req.path, error);
    return context.json(body, status);
  });
  return app;
}
