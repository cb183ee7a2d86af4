import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { authorizationPage } from '../../../lib/authorization/authorization-page.ts';
import { findRoute, ROUTES, routeKey } from '../../../lib/authorization/routes.ts';

const page = resolve(import.meta.dirname, '../../../docs/authorization.md');

describe('docs/authorization.md', () => {
  it('is what the table says', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(page, authorizationPage());
    expect(
      readFileSync(page, 'utf8'),
      'run UPDATE_DOCS=1 npx vitest run --project unit test/unit/authorization/authorization-page.test.ts',
    ).toBe(authorizationPage());
  });
});

describe('the table of routes', () => {
  it('has each route once', () => {
    const keys = ROUTES.map(routeKey);
    expect(new Set(keys).size).toBe(keys.length);
    for (const route of ROUTES) expect(findRoute(route.method, route.path)).toBe(route);
  });

  it('lets only bootstrap be called by nobody', () => {
    expect(ROUTES.filter(({ access }) => access === 'caller').map(routeKey)).toEqual(['POST /v1/people/bootstrap']);
  });

  it('lets no viewer change anything', () => {
    const changes = ROUTES.filter(({ method }) => method !== 'GET');
    const byViewers = changes.filter(({ access }) => typeof access === 'object' && 'groupMembers' in access);
    expect(byViewers).toEqual([]);
  });
});
