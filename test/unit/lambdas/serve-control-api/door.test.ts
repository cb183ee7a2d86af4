import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import type { ControlApiEnv } from '../../../../lambdas/serve-control-api/control-api.ts';
import { theDoor } from '../../../../lambdas/serve-control-api/door.ts';
import { ROUTES, type Route, type RouteKey, routeKey } from '../../../../lib/authorization/routes.ts';
import { ROLES, type Role } from '../../../../lib/people/roles.ts';
import { aGroup, aPerson, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { controlApi, signedBy } from './api-harness.ts';

const handlersOf = (app: Hono<ControlApiEnv>) => app.routes.filter(({ method }) => method !== 'ALL').map(routeKeyOf);
const routeKeyOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

describe('the control API', () => {
  it('serves what is in the table, once, and nothing else', () => {
    const served = handlersOf(controlApi().app);
    expect(served.sort()).toEqual(ROUTES.map(routeKey).sort());
  });

  it('asks at the door before everything', () => {
    const [first, ...others] = controlApi().app.routes;
    expect(first).toMatchObject({ method: 'ALL', path: '/*' });
    expect(others.every(({ method }) => method !== 'ALL')).toBe(true);
  });
});

const user = (personId: string) => `arn:aws:iam::123456789012:user/${personId}`;

/** Who calls in a cell, and whether the table of this test lets them: written anew, not read from the product. */
const CALLERS = ['nobody', 'removed', 'no-role', 'in-group', 'other-administrator', ...ROLES] as const;
type CallerName = (typeof CALLERS)[number];

const EVERY_ROLE: readonly CallerName[] = ['other-administrator', ...ROLES];
const READERS: readonly CallerName[] = ['in-group', ...EVERY_ROLE];
const PEOPLE: readonly CallerName[] = ['no-role', ...READERS];
const OPERATORS: readonly CallerName[] = ['operator', 'administrator', 'other-administrator'];
const ADMINISTRATORS: readonly CallerName[] = ['administrator', 'other-administrator'];
const BUDGET_OWNERS: readonly CallerName[] = ['budget-owner', ...ADMINISTRATORS];
const AUDITORS: readonly CallerName[] = ['auditor', ...ADMINISTRATORS];

const ALLOWED: { readonly [K in RouteKey]: readonly CallerName[] } = {
  'POST /v1/executions': OPERATORS,
  'GET /v1/executions': READERS,
  'GET /v1/executions/:id': READERS,
  'GET /v1/executions/:id/events': READERS,
  'GET /v1/executions/:id/logs': READERS,
  'POST /v1/executions/:id/cancel': OPERATORS,
  'GET /v1/executions/:id/costs': READERS,
  'POST /v1/executions/:id/budget': BUDGET_OWNERS,
  'POST /v1/executions/:id/holds/:hold': BUDGET_OWNERS,
  'GET /v1/costs': READERS,
  'GET /v1/holds': READERS,
  'GET /v1/budget': READERS,
  'PUT /v1/budget': BUDGET_OWNERS,
  'GET /v1/workflows': READERS,
  'GET /v1/approvals': READERS,
  'GET /v1/approvals/:id': READERS,
  'POST /v1/approvals/:id/decision': PEOPLE,
  'GET /v1/freeze': READERS,
  'POST /v1/freeze': OPERATORS,
  'POST /v1/unfreeze': ADMINISTRATORS,
  'GET /v1/me': PEOPLE,
  'GET /v1/openapi.json': PEOPLE,
  'POST /v1/people/bootstrap': CALLERS,
  'GET /v1/people': AUDITORS,
  'POST /v1/people': ADMINISTRATORS,
  'PUT /v1/people/:id': ADMINISTRATORS,
  'DELETE /v1/people/:id': ADMINISTRATORS,
  'POST /v1/people/:id/identities': ADMINISTRATORS,
  'DELETE /v1/people/:id/identities': ADMINISTRATORS,
  'GET /v1/groups': AUDITORS,
  'PUT /v1/groups/:group': ADMINISTRATORS,
  'POST /v1/attested-roles': ['administrator'],
  'POST /v1/tenants': ['administrator'],
  'GET /v1/audit': AUDITORS,
};

function everybody() {
  const withRole = (role: Role) => aPerson({ personId: role, roles: [role] });
  return fakePeopleStore().seed({
    people: [
      ...ROLES.map(withRole),
      aPerson({ personId: 'no-role' }),
      aPerson({ personId: 'in-group' }),
      // As if the removal had come between two reads: nobody who was removed keeps an identity or a role.
      aPerson({ personId: 'removed', active: false, roles: ROLES }),
      aPerson({ personId: 'other-administrator', tenant: 'other', roles: ['administrator'] }),
    ],
    groups: [aGroup('data-owners', ['in-group', 'removed']), aGroup('data-owners', ['no-role'], 'other')],
  });
}

/** Every row served by a handler that says that it was reached. */
function guarded(extra: (app: Hono<ControlApiEnv>) => void = () => {}) {
  const app = new Hono<ControlApiEnv>();
  app.use(theDoor(everybody()));
  for (const { method, path } of ROUTES) app.on(method, path, (c) => c.text('reached'));
  extra(app);
  app.notFound((c) => c.json({ error: { code: 'unknown_route' } }, 404));
  app.onError((error, c) => c.json({ error: { code: (error as Error & { code?: string }).code } }, 403));
  return app;
}

async function knock(app: Hono<ControlApiEnv>, caller: string, method: string, path: string): Promise<string> {
  const response = await app.request(path, { method }, signedBy(user(caller)));
  const text = await response.text();
  return response.status === 200 ? text : (JSON.parse(text) as { error: { code: string } }).error.code;
}

describe('the door', () => {
  const cells = ROUTES.flatMap((route: Route) => CALLERS.map((caller) => [routeKey(route), caller] as const));

  it.each(cells)('%s for %s', async (key, caller) => {
    const [method = '', path = ''] = key.split(' ');
    const allowed = ALLOWED[key as RouteKey].includes(caller);
    const refused = caller === 'nobody' ? 'unknown_person' : 'forbidden';
    const answer = await knock(guarded(), caller, method, path.replaceAll(/:\w+/g, 'one'));
    expect(answer).toBe(allowed ? 'reached' : refused);
  });

  it('lets nobody through to a handler that is not in the table', async () => {
    const app = guarded((more) => {
      more.get('/v1/secrets', (c) => c.text('reached'));
      more.all('/v1/anything', (c) => c.text('reached'));
      more.patch('/v1/people/:id', (c) => c.text('reached'));
      more.use('/v1/mounted/*', async (c) => c.text('reached'));
    });
    for (const [method, path] of [
      ['GET', '/v1/secrets'],
      ['GET', '/v1/anything'],
      ['POST', '/v1/anything'],
      ['PATCH', '/v1/people/bob'],
      ['GET', '/v1/mounted/deep'],
      ['GET', '/v1/none'],
    ] as const) {
      expect(await knock(app, 'administrator', method, path)).toBe('unknown_route');
      expect(await knock(app, 'nobody', method, path)).toBe('unknown_person');
    }
  });

  it.each([
    '/v1/people/',
    '//v1/people',
    '/v1//people',
    '/v1/./people',
    '/v1/executions/../people',
    '/V1/people',
    '/v1/people%2f',
    '/v1/%70eople',
    '/v1/people?x=/v1/me',
    '/v1/people#/v1/me',
    '/v1/me/../people',
  ])('shows %s to no viewer', async (path) => {
    expect(await knock(guarded(), 'viewer', 'GET', path)).not.toBe('reached');
  });

  it('asks for a GET what is asked for by HEAD', async () => {
    const head = (caller: string) => guarded().request('/v1/people', { method: 'HEAD' }, signedBy(user(caller)));
    expect((await head('viewer')).status).toBe(403);
    expect((await head('auditor')).status).toBe(200);
  });

  it('is closed to root, federated users and roles themselves', async () => {
    for (const arn of [
      'arn:aws:iam::123456789012:root',
      'arn:aws:sts::123456789012:federated-user/administrator',
      'arn:aws:iam::123456789012:role/administrator',
    ]) {
      const response = await guarded().request('/v1/people/bootstrap', { method: 'POST' }, signedBy(arn));
      expect(response.status).toBe(403);
      expect(await response.json()).toEqual({ error: { code: 'forbidden' } });
    }
  });
});
