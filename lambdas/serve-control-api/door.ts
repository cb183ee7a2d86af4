import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { mayCall, notAllowed } from '../../lib/authorization/authorize.ts';
import { findRoute, type Route } from '../../lib/authorization/routes.ts';
import type { PeopleStore } from '../../lib/people/people-store.ts';
import { groupsOf } from '../../lib/people/rules.ts';
import type { ControlApiEnv } from './control-api.ts';
import { callerFrom, type Principal, principalOf } from './principal.ts';

/**
 * Before every handler: who calls, and whether the table lets them. It asks about the handlers that Hono itself has
 * matched, so that no way of writing a path leads past it; a handler that is not in the table is as good as none.
 */
export function theDoor(people: PeopleStore): MiddlewareHandler<ControlApiEnv> {
  const door: MiddlewareHandler<ControlApiEnv> = async (c, next) => {
    const caller = await callerFrom(c.env.requestContext?.identity, people);
    c.set('caller', caller);
    const routes = matchedRoutes(c)
      .filter(({ handler }) => handler !== door)
      .map(({ method, path }) => findRoute(method, path));
    if (routes.length > 0 && routes.every((route) => route?.access === 'caller')) return next();

    const principal = await principalOf(caller, people);
    c.set('principal', principal);
    for (const route of routes) {
      if (route === undefined) return c.notFound();
      await enter(route, principal, people);
    }
    return next();
  };
  return door;
}

/** Throws `forbidden`. */
async function enter(route: Route, { person, tenant }: Principal, people: PeopleStore): Promise<void> {
  const answer = mayCall(route, person);
  if (answer === 'yes') return;
  if (answer === 'if-in-group' && groupsOf(await people.listGroups(tenant), person.personId).length > 0) return;
  throw notAllowed(route, person);
}
