import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { parseSessionToken } from '../../lib/sandbox/session-token.ts';
import { environment } from '../shared/environment.ts';
import { once } from '../shared/once.ts';
import { type Correlation, describeFailure, platformHandler } from '../shared/platform-handler.ts';
import { blobStore, clock, executionStore, ids, people, sandboxTasks, stepLogs } from '../shared/ports.ts';
import { logger, metrics } from '../shared/powertools.ts';
import { createSandboxApi } from './app.ts';

const serve = once(() =>
  handle(
    createSandboxApi({
      store: executionStore(),
      blobs: blobStore(),
      people: people(),
      tasks: sandboxTasks(),
      logs: stepLogs(),
      clock,
      ids,
      cluster: environment('SANDBOX_CLUSTER'),
      modelsUrl: environment('MODELS_URL'),
      signals: {
        count: (metric) => metrics.addMetric(metric, MetricUnit.Count, 1),
        noticed: (what, details) => logger.warn(what, { ...details }),
        failed: (verb, error) => logger.error('unexpected failure', { verb, failure: describeFailure(error) }),
      },
    }),
  ),
);

export const handler = platformHandler<APIGatewayProxyEvent, APIGatewayProxyResult>(
  { correlate: correlationOf, summarise: ({ statusCode }) => ({ statusCode }) },
  // Hono's own type of the event is narrower than what API Gateway sends.
  async (event, context) => (await serve()(event as unknown as LambdaEvent, context)) as APIGatewayProxyResult,
);

/** The claim names its lease in the body, every later call in its token, whose secret part is not read here. */
function correlationOf(event: APIGatewayProxyEvent): Correlation {
  const authorization = Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization');
  const address = parseSessionToken(authorization?.[1]?.replace(/^Bearer /, '') ?? '') ?? claimed(event.body);
  if (typeof address?.executionId !== 'string' || typeof address.path !== 'string') return {};
  const { executionId, path: stepPath, attempt } = address;
  return { executionId, stepPath, ...(typeof attempt === 'number' ? { attempt } : {}) };
}

function claimed(body: string | null): { executionId?: unknown; path?: unknown; attempt?: unknown } | undefined {
  const value: unknown = JSON.parse(body ?? 'null');
  return typeof value === 'object' && value !== null ? value : undefined;
}
