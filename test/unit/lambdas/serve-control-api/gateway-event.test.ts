import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { expect, it } from 'vitest';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { ADA, controlApi } from './api-harness.ts';

/** What API Gateway hands to a proxy integration, as far as it matters here. */
function gatewayEvent(method: string, path: string, fields: Record<string, unknown> = {}): LambdaEvent {
  return {
    resource: '/v1/{proxy+}',
    path,
    httpMethod: method,
    headers: { Host: 'abc.execute-api.eu-central-1.amazonaws.com' },
    multiValueHeaders: { Host: ['abc.execute-api.eu-central-1.amazonaws.com'] },
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: { requestId: 'req-1', stage: 'prod', path: `/prod${path}`, identity: { userArn: ADA } },
    body: null,
    isBase64Encoded: false,
    ...fields,
  } as unknown as LambdaEvent;
}

// The local AWS decodes the path, AWS may not.
it.each(['/v1/executions/report:one', '/v1/executions/report%3Aone'])('serves the event for %s', async (path) => {
  const { app, executions } = controlApi();
  executions.seed({ executions: [anExecution()] });
  const answer = await handle(app)(gatewayEvent('GET', path));
  expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false });
  expect(JSON.parse(answer.body)).toMatchObject({ executionId: 'report:one' });
});

it('takes the principal from the identity of the event, and bodies and queries as they come', async () => {
  const { app, executions } = controlApi();
  const body = JSON.stringify({ workflow: 'report', name: 'one', input: { table: 'ünï', days: 1 } });
  const started = await handle(app)(
    gatewayEvent('POST', '/v1/executions', { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }),
  );
  expect(started.statusCode).toBe(201);
  expect((await executions.getExecution('report:one'))?.requester).toEqual({ type: 'person', id: 'ada', via: 'api' });
  const listed = await handle(app)(
    gatewayEvent('GET', '/v1/executions', { multiValueQueryStringParameters: { status: ['starting'], limit: ['5'] } }),
  );
  expect(JSON.parse(listed.body).executions).toHaveLength(1);
});

it('refuses an event that no authorizer has seen', async () => {
  const answer = await handle(controlApi().app)(
    gatewayEvent('GET', '/v1/workflows', { requestContext: { requestId: 'req-1', identity: { sourceIp: '1.2.3.4' } } }),
  );
  expect(answer.statusCode).toBe(403);
});
