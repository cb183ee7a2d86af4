import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { createGateway } from '../../../lambdas/serve-gateway/app.ts';
import { serveGateway } from '../../../lambdas/serve-gateway/node-server.ts';
import { nodeUpstream } from '../../../lambdas/serve-gateway/node-upstream.ts';
import { dynamoExecutionStore } from '../../../lib/aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../../../lib/aws/dynamo-ledger.ts';
import { dynamoAnnouncements } from '../../../lib/aws/dynamo-ledger-announcements.ts';
import { dynamoBudgets } from '../../../lib/aws/dynamo-ledger-budgets.ts';
import { systemClock as clock } from '../../../lib/aws/system-clock.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import { FORMATS } from '../../../lib/model-calls/formats.ts';
import { providerKeysAt } from '../provider-keys-at.ts';
import { testPrices } from '../test-prices.ts';

/**
 * The gateway as a process that a test kills: real stores, all wire formats, and a provider of this machine. The first
 * argument is JSON of where they are. Tells its parent the port once it takes calls.
 */
export interface GatewayMainConfig {
  readonly dynamoDb: string;
  readonly stateTable: string;
  readonly eventsTable: string;
  readonly ledgerTable: string;
  readonly provider: string;
}

const config = JSON.parse(process.argv[2] ?? '') as GatewayMainConfig;
const client = new DynamoDBClient({
  endpoint: config.dynamoDb,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
const options = { client, ...config, ids: ulidIds(clock), clock, retentionDays: 400 };
// The first call of a process is not to be the one that connects.
await client.send(new ListTablesCommand({}));

const gateway = createGateway({
  ledger: dynamoLedger(options),
  budgets: dynamoBudgets(options),
  announcements: dynamoAnnouncements(options),
  executions: dynamoExecutionStore(options),
  machines: {
    stop: async () => {
      throw new Error('no execution of this test is stopped');
    },
  },
  keys: providerKeysAt(config.provider),
  upstream: nodeUpstream(),
  prices: testPrices(),
  formats: FORMATS,
  clock,
  ids: options.ids,
  signals: {
    count: () => {},
    called: () => {},
    noticed: (what, details) => console.error(what, JSON.stringify(details)),
    failed: (what, error) => console.error(what, error),
  },
});
const { port } = await serveGateway(gateway, 0);
process.send?.({ port });
process.once('disconnect', () => process.exit(0));
