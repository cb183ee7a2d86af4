import { type Context, type Handler, Hono } from 'hono';
import { WfloError } from '../../lib/errors.ts';
import { errorAnswer } from './answers.ts';
import { serveApprovals } from './approval-routes.ts';
import type { ControlApiEnv, Serve } from './control-api.ts';
import { serveCosts } from './cost-routes.ts';
import { theDoor } from './door.ts';
import { serveExecutions } from './execution-routes.ts';
import { serveFreeze } from './freeze-routes.ts';
import { openApiDocument } from './openapi.ts';
import { servePeople } from './people-routes.ts';
import type { ControlApiPorts } from './ports.ts';

export type { ControlApiBindings } from './control-api.ts';

export interface ControlApiOptions {
  /** Gets what was answered with 500, before it is answered. */
  readonly onUnexpected?: (error: unknown, requestId: string) => void;
}

/** The control API, version 1: `lib/client/api.ts` is its contract, `lib/authorization/routes.ts` says who may what. */
export function createControlApi(ports: ControlApiPorts, options: ControlApiOptions = {}): Hono<ControlApiEnv> {
  const app = new Hono<ControlApiEnv>();
  app.use(theDoor(ports.people));

  const serve: Serve = (route, handler) => {
    const [method = '', path = ''] = route.split(' ');
    app.on(method, path, handler as Handler<ControlApiEnv>);
  };
  serveExecutions(serve, ports);
  serveApprovals(serve, ports);
  serveFreeze(serve, ports);
  serveCosts(serve, ports);
  servePeople(serve, ports);
  serve('GET /v1/openapi.json', (c) => c.json(openApiDocument()));

  app.notFound((c) => fail(c, new WfloError('unknown_route', `the control API has no ${c.req.method} ${c.req.path}`)));
  app.onError((error, c) => fail(c, error));

  function fail(c: Context<ControlApiEnv>, error: unknown): Response {
    const requestId = c.env.requestContext?.requestId ?? 'unknown';
    const { status, body } = errorAnswer(error, requestId, c.get('principal') !== undefined);
    if (status === 500) options.onUnexpected?.(error, requestId);
    return c.json(body, status);
  }

  return app;
}
