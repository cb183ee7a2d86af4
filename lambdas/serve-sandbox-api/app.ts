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

type Route = (body: unknown, authorization: string | undefined, sourceIp: string | undefined) => Promise<object>;

/** What API Gateway says of a call, as far as it is used. Absent where something else calls. */
export interface SandboxApiBindings {
  readonly event?: { readonly requestContext?: { readonly identity?: { readonly sourceIp?: string } } };
}

/** The sandbox API: what `lib/sandbox/protocol.ts` describes, over these ports. */
export function createSandboxApi(ports: SandboxApiPorts): Hono<{ Bindings: SandboxApiBindings }> {
  const routes: Readonly<Record<string, Route>> = {
    claim: (body, _token, sourceIp) => claim(ports, parseRequest(claimRequest, body), sourceIp),
    heartbeat: (body, token) => heartbeat(ports, parseRequest(heartbeatRequest, body), token),
    events: (body, token) => events(ports, parseRequest(eventsRequest, body), token),
    urls: (body, token) => urls(ports, parseRequest(urlsRequest, body), token),
    complete: (body, token) => complete(ports, parseRequest(completeRequest, body), token),
  };
  const app = new Hono<{ Bindings: SandboxApiBindings }>();
  for (const [verb, route] of Object.entries(routes)) {
    app.post(`/v1/${verb}`, async (context) => {
      const body: unknown = await context.req.json().catch(() => {
        throw new WfloError('invalid_request', 'the body is not JSON');
      });
      const sourceIp = context.env?.event?.requestContext?.identity?.sourceIp;
      return context.json(await route(body, context.req.header('authorization'), sourceIp));
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
