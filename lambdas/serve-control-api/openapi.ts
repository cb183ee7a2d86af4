/**
 * What the API says of itself, made of the table of routes and the schemas of bodies, parameters and answers. It is made
 * when it is asked for: as text, it would be a large part of the bundle. `docs/openapi.json` is the same.
 */
import * as z from 'zod';
import { type Access, ROUTES, type RouteKey, routeKey } from '../../lib/authorization/routes.ts';
import { ANSWERS, type AnswerName, ErrorAnswer, PARTS } from '../../lib/client/schemas.ts';
import * as requests from './requests.ts';

interface Operation {
  readonly id: string;
  readonly body?: keyof typeof BODIES;
  readonly bodyIsOptional?: true;
  readonly query?: z.ZodObject;
  /** By status. */
  readonly answers: { readonly [status: number]: AnswerName | 'OpenApi' };
}

const BODIES = {
  StartRequest: requests.StartBody,
  CancelRequest: requests.CancelBody,
  SettleRequest: requests.SettleBody,
  RaiseRequest: requests.RaiseBody,
  TenantBudgetRequest: requests.TenantBudgetBody,
  DecisionRequest: requests.DecisionBody,
  FreezeRequest: requests.FreezeBody,
  BootstrapRequest: requests.BootstrapBody,
  PersonRequest: requests.PersonBody,
  ChangePersonRequest: requests.ChangePersonBody,
  IdentityRequest: requests.IdentityBody,
  GroupRequest: requests.GroupBody,
  AttestRequest: requests.AttestBody,
  TenantRequest: requests.TenantBody,
} as const;

const OPERATIONS: { readonly [K in RouteKey]: Operation } = {
  'POST /v1/executions': {
    id: 'startExecution',
    body: 'StartRequest',
    answers: { 201: 'ExecutionView', 200: 'ExecutionView' },
  },
  'GET /v1/executions': { id: 'listExecutions', query: requests.ListParameters, answers: { 200: 'ListAnswer' } },
  'GET /v1/executions/:id': { id: 'describeExecution', answers: { 200: 'ExecutionView' } },
  'GET /v1/executions/:id/events': {
    id: 'readEvents',
    query: requests.EventsParameters,
    answers: { 200: 'EventsAnswer' },
  },
  'GET /v1/executions/:id/logs': { id: 'readLogs', query: requests.LogsParameters, answers: { 200: 'LogsAnswer' } },
  'POST /v1/executions/:id/cancel': {
    id: 'cancelExecution',
    body: 'CancelRequest',
    bodyIsOptional: true,
    answers: { 202: 'ExecutionView' },
  },
  'GET /v1/executions/:id/costs': {
    id: 'readExecutionCosts',
    query: requests.EntriesParameters,
    answers: { 200: 'ExecutionCostsAnswer' },
  },
  'POST /v1/executions/:id/budget': { id: 'raiseBudget', body: 'RaiseRequest', answers: { 200: 'BudgetView' } },
  'POST /v1/executions/:id/holds/:hold': {
    id: 'settleHold',
    body: 'SettleRequest',
    answers: { 200: 'CostEntryView' },
  },
  'GET /v1/costs': { id: 'readCosts', query: requests.CostsParameters, answers: { 200: 'CostsAnswer' } },
  'GET /v1/holds': { id: 'listHolds', query: requests.HoldsParameters, answers: { 200: 'HoldsAnswer' } },
  'GET /v1/budget': { id: 'readBudget', answers: { 200: 'TenantBudgetAnswer' } },
  'PUT /v1/budget': { id: 'setBudget', body: 'TenantBudgetRequest', answers: { 200: 'TenantBudgetAnswer' } },
  'GET /v1/workflows': { id: 'listWorkflows', answers: { 200: 'WorkflowsAnswer' } },
  'GET /v1/approvals': {
    id: 'listApprovals',
    query: requests.ApprovalsParameters,
    answers: { 200: 'ApprovalsAnswer' },
  },
  'GET /v1/approvals/:id': { id: 'describeApproval', answers: { 200: 'ApprovalView' } },
  'POST /v1/approvals/:id/decision': {
    id: 'decideApproval',
    body: 'DecisionRequest',
    answers: { 200: 'ApprovalView' },
  },
  'GET /v1/freeze': { id: 'readFreeze', answers: { 200: 'FreezeView' } },
  'POST /v1/freeze': { id: 'freeze', body: 'FreezeRequest', answers: { 200: 'FreezeView' } },
  'POST /v1/unfreeze': { id: 'unfreeze', body: 'FreezeRequest', answers: { 200: 'FreezeView' } },
  'GET /v1/me': { id: 'readMe', answers: { 200: 'PersonView' } },
  'GET /v1/openapi.json': { id: 'readOpenApi', answers: { 200: 'OpenApi' } },
  'POST /v1/people/bootstrap': { id: 'bootstrap', body: 'BootstrapRequest', answers: { 201: 'PersonView' } },
  'GET /v1/people': { id: 'listPeople', answers: { 200: 'PeopleAnswer' } },
  'POST /v1/people': { id: 'addPerson', body: 'PersonRequest', answers: { 201: 'PersonView' } },
  'PUT /v1/people/:id': { id: 'changePerson', body: 'ChangePersonRequest', answers: { 200: 'PersonView' } },
  'DELETE /v1/people/:id': { id: 'removePerson', answers: { 200: 'PersonView' } },
  'POST /v1/people/:id/identities': { id: 'linkIdentity', body: 'IdentityRequest', answers: { 200: 'PersonView' } },
  'DELETE /v1/people/:id/identities': {
    id: 'unlinkIdentity',
    body: 'IdentityRequest',
    answers: { 200: 'PersonView' },
  },
  'GET /v1/groups': { id: 'listGroups', answers: { 200: 'GroupsAnswer' } },
  'PUT /v1/groups/:group': { id: 'setGroup', body: 'GroupRequest', answers: { 200: 'GroupView' } },
  'POST /v1/attested-roles': { id: 'attestRole', body: 'AttestRequest', answers: { 200: 'AttestedRole' } },
  'POST /v1/tenants': { id: 'createTenant', body: 'TenantRequest', answers: { 201: 'PersonView' } },
  'GET /v1/audit': { id: 'readAudit', query: requests.EventsParameters, answers: { 200: 'TenantEventsAnswer' } },
};

type Schema = { readonly [keyword: string]: unknown };

/** OpenAPI 3.1, whose schemas are JSON Schema. */
export function openApiDocument(): Schema {
  const paths: { [path: string]: { [method: string]: Schema } } = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const item = paths[path] ?? {};
    item[route.method.toLowerCase()] = operationOf(
      route.path,
      route.does,
      route.access,
      OPERATIONS[routeKey(route) as RouteKey],
    );
    paths[path] = item;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Wflo control API',
      version: '1',
      description:
        'Every request is signed with SigV4 for the service execute-api. The proven ARN leads to a person, whose roles and groups say what they may do.',
    },
    security: [{ sigv4: [] }],
    paths,
    components: {
      schemas: namedSchemas(),
      responses: { Error: { description: 'What is wrong, with a code and the fix', content: content('ErrorAnswer') } },
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'AWS Signature Version 4',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
    },
  };
}

function operationOf(path: string, does: string, access: Access, operation: Operation): Schema {
  const parameters = [...pathParameters(path), ...queryParameters(operation.query)];
  const { body } = operation;
  return {
    operationId: operation.id,
    summary: does,
    'x-wflo-access': access,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: operation.bodyIsOptional !== true, content: content(body) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, answer]) => [
          status,
          answer === 'OpenApi'
            ? { description: 'This document', content: { 'application/json': { schema: { type: 'object' } } } }
            : { description: answer, content: content(answer) },
        ]),
      ),
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function content(name: string): Schema {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } };
}

function pathParameters(path: string): readonly Schema[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

/** As they are written in a URL. */
function queryParameters(query: z.ZodObject | undefined): readonly Schema[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function namedSchemas(): { readonly [name: string]: Schema } {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries({ ...BODIES, ...ANSWERS, ...PARTS, ErrorAnswer }))
    registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(
    Object.entries(schemas)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { $schema, $id, ...schema }]) => [name, schema]),
  );
}
