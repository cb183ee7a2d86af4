import type { Role } from '../people/roles.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Who may call a route. */
export type Access =
  /** Whoever IAM lets in, linked to a person or not. */
  | 'caller'
  /** Every active person. */
  | 'person'
  | {
      readonly roles: readonly Role[];
      /** Whoever is in a group may as well: people who approve look at what they approve. */
      readonly groupMembers?: true;
      /** Only in the tenant `default`, whose people run the deployment. */
      readonly ofDefaultTenant?: true;
    };

export interface Route {
  readonly method: Method;
  /** As Hono writes it, `:id` for a segment. */
  readonly path: string;
  readonly access: Access;
  readonly does: string;
}

const READERS = {
  roles: ['viewer', 'operator', 'budget-owner', 'auditor', 'administrator'],
  groupMembers: true,
} as const satisfies Access;
const OPERATORS = { roles: ['operator', 'administrator'] } as const satisfies Access;
const BUDGET_OWNERS = { roles: ['budget-owner', 'administrator'] } as const satisfies Access;
const AUDITORS = { roles: ['auditor', 'administrator'] } as const satisfies Access;
const ADMINISTRATORS = { roles: ['administrator'] } as const satisfies Access;
const OF_DEPLOYMENT = { roles: ['administrator'], ofDefaultTenant: true } as const satisfies Access;

/**
 * Every route of the control API, and who may call it. The API serves nothing else, and asks this table before every
 * handler; `docs/authorization.md` is written from it.
 */
export const ROUTES = [
  { method: 'POST', path: '/v1/executions', access: OPERATORS, does: 'starts an execution' },
  { method: 'GET', path: '/v1/executions', access: READERS, does: 'lists executions' },
  { method: 'GET', path: '/v1/executions/:id', access: READERS, does: 'describes an execution, with its output' },
  { method: 'GET', path: '/v1/executions/:id/events', access: READERS, does: 'reads the chain of an execution' },
  { method: 'GET', path: '/v1/executions/:id/logs', access: READERS, does: 'reads what the steps wrote' },
  { method: 'POST', path: '/v1/executions/:id/cancel', access: OPERATORS, does: 'ends an execution' },
  {
    method: 'GET',
    path: '/v1/executions/:id/costs',
    access: READERS,
    does: 'shows what an execution has spent on what',
  },
  {
    method: 'POST',
    path: '/v1/executions/:id/budget',
    access: BUDGET_OWNERS,
    does: 'raises the budget of an execution; never by whoever started it',
  },
  {
    method: 'POST',
    path: '/v1/executions/:id/holds/:hold',
    access: BUDGET_OWNERS,
    does: 'settles money that is held for a call whose cost is not known',
  },
  { method: 'GET', path: '/v1/costs', access: READERS, does: 'shows what the tenant has spent on what, by day' },
  { method: 'GET', path: '/v1/holds', access: READERS, does: 'lists what is held for calls whose cost is not known' },
  { method: 'GET', path: '/v1/budget', access: READERS, does: 'shows the budget of the tenant and what is left of it' },
  { method: 'PUT', path: '/v1/budget', access: BUDGET_OWNERS, does: 'sets the budget of the tenant' },
  { method: 'GET', path: '/v1/workflows', access: READERS, does: 'lists workflows with their input schemas' },
  { method: 'GET', path: '/v1/approvals', access: READERS, does: 'lists approvals' },
  { method: 'GET', path: '/v1/approvals/:id', access: READERS, does: 'shows what is asked about' },
  {
    method: 'POST',
    path: '/v1/approvals/:id/decision',
    access: 'person',
    does: 'approves or rejects; the groups of the gate say whose decision counts, of a budget who may raise it',
  },
  { method: 'GET', path: '/v1/freeze', access: READERS, does: 'shows what an emergency stop holds' },
  { method: 'POST', path: '/v1/freeze', access: OPERATORS, does: 'sets an emergency stop' },
  { method: 'POST', path: '/v1/unfreeze', access: ADMINISTRATORS, does: 'lifts an emergency stop' },
  { method: 'GET', path: '/v1/me', access: 'person', does: 'says who the caller is' },
  { method: 'GET', path: '/v1/openapi.json', access: 'person', does: 'describes this API' },
  {
    method: 'POST',
    path: '/v1/people/bootstrap',
    access: 'caller',
    does: 'makes the caller the first administrator; works once in a deployment',
  },
  { method: 'GET', path: '/v1/people', access: AUDITORS, does: 'lists people, removed ones too' },
  { method: 'POST', path: '/v1/people', access: ADMINISTRATORS, does: 'adds a person' },
  { method: 'PUT', path: '/v1/people/:id', access: ADMINISTRATORS, does: 'sets name and roles of a person' },
  { method: 'DELETE', path: '/v1/people/:id', access: ADMINISTRATORS, does: 'removes a person' },
  { method: 'POST', path: '/v1/people/:id/identities', access: ADMINISTRATORS, does: 'links an identity to a person' },
  { method: 'DELETE', path: '/v1/people/:id/identities', access: ADMINISTRATORS, does: 'unlinks an identity' },
  { method: 'GET', path: '/v1/groups', access: AUDITORS, does: 'lists groups with their members' },
  { method: 'PUT', path: '/v1/groups/:group', access: ADMINISTRATORS, does: 'sets the members of a group' },
  {
    method: 'POST',
    path: '/v1/attested-roles',
    access: OF_DEPLOYMENT,
    does: 'says that the trust policy of an IAM role enforces session names',
  },
  { method: 'POST', path: '/v1/tenants', access: OF_DEPLOYMENT, does: 'makes a tenant with its first administrator' },
  { method: 'GET', path: '/v1/audit', access: AUDITORS, does: 'reads the chain of the tenant' },
] as const satisfies readonly Route[];

type KeyOf<R> = R extends { readonly method: infer M extends string; readonly path: infer P extends string }
  ? `${M} ${P}`
  : never;
/** Such as `GET /v1/executions/:id`. */
export type RouteKey = KeyOf<(typeof ROUTES)[number]>;

const BY_KEY: ReadonlyMap<string, Route> = new Map(ROUTES.map((route) => [routeKey(route), route]));

export function routeKey({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

/** Undefined for what is no route, and so may not be served. */
export function findRoute(method: string, path: string): Route | undefined {
  return BY_KEY.get(`${method} ${path}`);
}
