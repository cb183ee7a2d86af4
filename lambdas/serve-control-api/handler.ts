import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { dynamoPeopleStore } from '../../lib/aws/dynamo-people-store.ts';
import { isExecutionId } from '../../lib/execution/identity.ts';
import type { PeopleStore } from '../../lib/people/people-store.ts';
import { dynamo } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { type Correlation, describeFailure, platformHandler } from '../shared/platform-handler.ts';
import {
  announcements,
  auditStore,
  blobStore,
  budgets,
  clock,
  executionStore,
  functionCaller,
  ids,
  ledger,
  stateMachines,
  stepLogs,
  workflows,
} from '../shared/ports.ts';
import { logger, metrics } from '../shared/powertools.ts';
import { createControlApi } from './app.ts';

/** Made with the first call: the ARN of the function says where its machines are. */
let serve: ReturnType<typeof handle> | undefined;

export const handler = platformHandler<APIGatewayProxyEvent, APIGatewayProxyResult>(
  { correlate: correlationOf, summarise: ({ statusCode }) => ({ statusCode }) },
  async (event, context) => {
    serve ??= handle(controlApi(context.invokedFunctionArn));
    // Hono's own type of the event is narrower than what API Gateway sends.
    return (await serve(event as unknown as LambdaEvent, context)) as APIGatewayProxyResult;
  },
);

function controlApi(functionArn: string): ReturnType<typeof createControlApi> {
  return createControlApi(
    {
      executions: executionStore(),
      workflows: workflows(),
      machines: stateMachines(functionArn),
      blobs: blobStore(),
      audit: auditStore(),
      logs: stepLogs(),
      ledger: ledger(),
      budgets: budgets(),
      announcements: announcements(),
      people: peopleStore(),
      reconcileNow: () => functionCaller().begin(environment('RECONCILE_FUNCTION'), {}),
      signals: {
        reconcileNotCalled: (error) => {
          metrics.addMetric('ReconcileNotCalled', MetricUnit.Count, 1);
          logger.error('reconcile was not called', { failure: describeFailure(error) });
        },
      },
      clock,
      ids,
    },
    {
      onUnexpected: (error, requestId) =>
        logger.error('unexpected failure', { requestId, failure: describeFailure(error) }),
    },
  );
}

/** This function alone changes people; all others read them. */
function peopleStore(): PeopleStore {
  return dynamoPeopleStore({
    client: dynamo(),
    peopleTable: environment('PEOPLE_TABLE'),
    stateTable: environment('STATE_TABLE'),
    eventsTable: environment('EVENTS_TABLE'),
    ids,
    clock,
  });
}

/** The execution in the path, or that of the approval. API Gateway may hand on its colon encoded or not. */
function correlationOf({ path }: APIGatewayProxyEvent): Correlation {
  const segment = /^\/v1\/(?:executions|approvals)\/([^/]+)/.exec(path)?.[1];
  const [workflow, name] = segment === undefined ? [] : decodeURIComponent(segment).split(':');
  const executionId = `${workflow}:${name}`;
  return isExecutionId(executionId) ? { executionId } : {};
}
