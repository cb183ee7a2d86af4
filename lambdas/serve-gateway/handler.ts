import type { Writable } from 'node:stream';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { secretProviderKeys } from '../../lib/aws/provider-keys.ts';
import { priceBook } from '../../lib/budget/prices/book.ts';
import { WfloError } from '../../lib/errors.ts';
import { FORMATS } from '../../lib/model-calls/formats.ts';
import { parseSessionToken } from '../../lib/sandbox/session-token.ts';
import { secretsManager } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { type Correlation, platformHandler } from '../shared/platform-handler.ts';
import { announcements, budgets, clock, executionStore, ids, ledger, stateMachines } from '../shared/ports.ts';
import { createGateway, type GatewayApp } from './app.ts';
import { nodeUpstream } from './node-upstream.ts';
import { gatewaySignals } from './signals.ts';
import { type LambdaStreaming, requestOf, streamResponse } from './stream-response.ts';

/** Made with the first call: the ARN of the function says where its machines are. */
let gateway: GatewayApp | undefined;

/** Of the runtime of Lambda alone: the emulator has none, and never calls this function. Others put things there too. */
const found = (globalThis as unknown as { readonly awslambda?: Partial<LambdaStreaming> }).awslambda;
const lambda = typeof found?.streamifyResponse === 'function' ? (found as LambdaStreaming) : undefined;

const serve = platformHandler<
  { readonly event: APIGatewayProxyEvent; readonly stream: Writable },
  { readonly statusCode: number }
>(
  { correlate: ({ event }) => correlationOf(event), summarise: ({ statusCode }) => ({ statusCode }) },
  async ({ event, stream }, context) => {
    gateway ??= makeGateway(context.invokedFunctionArn);
    const response = await gateway.app.fetch(requestOf(event));
    await streamResponse(streaming(), stream, response);
    // Frozen before that, the function would leave holds behind.
    await gateway.idle();
    return { statusCode: response.status };
  },
);

export const handler =
  lambda?.streamifyResponse((event, stream, context: Context) => serve({ event, stream }, context)) ??
  (async () => streaming());

function streaming(): LambdaStreaming {
  if (lambda !== undefined) return lambda;
  throw new WfloError('internal', 'this runtime cannot stream answers', {
    fix: 'on the local AWS the gateway is a process: see `wflo local status`',
  });
}

function makeGateway(functionArn: string): GatewayApp {
  const region = functionArn.split(':')[3] ?? '';
  return createGateway({
    ledger: ledger(),
    budgets: budgets(),
    announcements: announcements(),
    executions: executionStore(),
    machines: stateMachines(functionArn),
    keys: secretProviderKeys({
      client: secretsManager(),
      stage: environment('WFLO_STAGE'),
      clock,
      region,
      credentials: fromEnv(),
      loopback: false,
    }),
    upstream: nodeUpstream(),
    prices: priceBook(),
    formats: FORMATS,
    clock,
    ids,
    signals: gatewaySignals,
  });
}

/** By the token's first part, which finds the lease; its secret part is not read here. */
function correlationOf({ headers }: APIGatewayProxyEvent): Correlation {
  const authorization = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  const address = parseSessionToken(authorization?.replace(/^Bearer /, '') ?? '');
  if (address === undefined) return {};
  const { executionId, path: stepPath, attempt } = address;
  return { executionId, stepPath, attempt };
}
