import type { Handler } from 'hono';
import type { RouteKey } from '../../lib/authorization/routes.ts';
import type { Principal, ProvenCaller, ProvenIdentity } from './principal.ts';

/** What API Gateway's proxy event adds to the request; `hono/aws-lambda` passes it on. */
export interface ControlApiBindings {
  readonly requestContext?: { readonly requestId?: string; readonly identity?: ProvenIdentity };
}

export interface ControlApiEnv {
  Bindings: ControlApiBindings;
  Variables: {
    caller: ProvenCaller;
    /** Of every route but those that `caller` may call. */
    principal: Principal;
  };
}

type PathOf<K> = K extends `${string} ${infer P}` ? P : never;

/** Serves a route of the table: `serve('GET /v1/me', async (c) => …)`. There is no other way to serve anything. */
export type Serve = <K extends RouteKey>(route: K, handler: Handler<ControlApiEnv, PathOf<K>>) => void;
