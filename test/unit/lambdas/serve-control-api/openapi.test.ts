import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../../../lambdas/serve-control-api/openapi.ts';
import { ROUTES, type Route } from '../../../../lib/authorization/routes.ts';
import { aGroup } from '../../../_helpers/fakes/fake-people-store.ts';
import { anAttempt, anExecution } from '../../../_helpers/fakes/records.ts';
import { controlApi, REPORT } from './api-harness.ts';

const file = resolve(import.meta.dirname, '../../../../docs/openapi.json');

interface Media {
  readonly content?: { readonly 'application/json': { readonly schema: object } };
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: Media;
  readonly responses: { readonly [status: string]: Media };
}
const document = openApiDocument() as {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: object } };
};
const operationOf = ({ method, path }: Pick<Route, 'method' | 'path'>) =>
  document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];

/** Formats are for readers: no value of ours is checked by them. */
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'openapi', ...document });
const validate = (name: string, value: unknown) => {
  const check = ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
  return check(value) ? [] : check.errors;
};

describe('docs/openapi.json', () => {
  it('is what routes and schemas say', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
    // Its layout is that of Biome.
    expect(
      JSON.parse(readFileSync(file, 'utf8')),
      'run UPDATE_DOCS=1 npx vitest run --project unit test/unit/lambdas/serve-control-api/openapi.test.ts, then npx biome format --write docs/openapi.json',
    ).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('is what the API answers', async () => {
    const { status, body } = await controlApi().call('GET', '/v1/openapi.json');
    expect(status).toBe(200);
    expect(body).toEqual(JSON.parse(JSON.stringify(document)));
  });
});

describe('the OpenAPI document', () => {
  it('has every route, each with a name of its own and its parameters', () => {
    const ids = ROUTES.map((route) => {
      const operation = operationOf(route);
      const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
      const inPath = (operation?.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(names);
      return operation?.operationId;
    });
    expect(new Set(ids).size).toBe(ROUTES.length);
    expect(Object.values(document.paths).flatMap((item) => Object.keys(item))).toHaveLength(ROUTES.length);
  });

  it('refers to nothing that is not there, and its schemas are schemas', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"(#[^"]*)"/g)].map(([, target = '']) => target);
    expect(references.length).toBeGreaterThan(50);
    for (const target of new Set(references)) {
      const found = target
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as { readonly [key: string]: unknown } | undefined)?.[key], document);
      expect(found, target).toBeTypeOf('object');
    }
    for (const name of Object.keys(document.components.schemas)) {
      expect(() => ajv.compile({ $ref: `openapi#/components/schemas/${name}` })).not.toThrow();
    }
  });

  it('takes what the API takes', () => {
    const start = { workflow: 'report', input: { any: ['thing', 1, null] }, name: 'one' };
    expect(validate('StartRequest', start)).toEqual([]);
    expect(validate('StartRequest', { ...start, budget: 1 })).not.toEqual([]);
    expect(validate('PersonRequest', { personId: 'ada', name: 'Ada', roles: ['root'] })).not.toEqual([]);
  });

  it('describes the answers as they come', async () => {
    const api = controlApi();
    const error = { code: 'timed_out', message: 'after 60 s' } as const;
    api.executions.seed({
      executions: [anExecution({ status: 'failed', steps: REPORT.steps, error, endedAt: '2026-01-01T00:01:00.000Z' })],
      attempts: [anAttempt({ path: 'plan', status: 'failed', error, exit: { reason: 'timed_out', code: 124 } })],
    });
    await api.logs.write('report:one', 'plan', 1, [{ at: '2026-01-01T00:00:01.000Z', stream: 'stdout', text: 'a' }]);
    api.people.seed({ groups: [aGroup('data-owners', ['ada'])] });
    await api.call('PUT', '/v1/groups/security', { members: ['ada'] });
    for (const event of api.people.events()) {
      await api.audit.append({
        schema: 1,
        executionId: event.executionId,
        outboxId: event.eventId,
        createdAt: event.timestamp,
        events: [event],
      });
    }
    for (const [path, name] of [
      ['/v1/executions', 'ListAnswer'],
      ['/v1/executions/report:one', 'ExecutionView'],
      ['/v1/executions/report:one/events', 'EventsAnswer'],
      ['/v1/executions/report:one/logs', 'LogsAnswer'],
      ['/v1/workflows', 'WorkflowsAnswer'],
      ['/v1/me', 'PersonView'],
      ['/v1/people', 'PeopleAnswer'],
      ['/v1/groups', 'GroupsAnswer'],
      ['/v1/audit', 'TenantEventsAnswer'],
    ] as const) {
      const { status, body } = await api.call<object>('GET', path);
      expect([path, status, validate(name, body)]).toEqual([path, 200, []]);
      expect(validate(name, Object.fromEntries(Object.entries(body).slice(1))), path).not.toEqual([]);
    }
    const refused = await api.call('GET', '/v1/executions/report:none');
    expect(validate('ErrorAnswer', refused.body)).toEqual([]);
  });
});
