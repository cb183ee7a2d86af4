import { access, readFile, rename, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createGateway } from '../../lambdas/serve-gateway/app.ts';
import { serveGateway } from '../../lambdas/serve-gateway/node-server.ts';
import { nodeUpstream } from '../../lambdas/serve-gateway/node-upstream.ts';
import type { GatewaySignals } from '../../lambdas/serve-gateway/ports.ts';
import { dynamoExecutionStore } from '../aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../aws/dynamo-ledger.ts';
import { dynamoAnnouncements } from '../aws/dynamo-ledger-announcements.ts';
import { dynamoBudgets } from '../aws/dynamo-ledger-budgets.ts';
import { secretProviderKeys } from '../aws/provider-keys.ts';
import { stepFunctionsMachines } from '../aws/step-functions-machines.ts';
import { systemClock as clock } from '../aws/system-clock.ts';
import { ulidIds } from '../aws/ulid-ids.ts';
import { FORMATS } from '../model-calls/formats.ts';
import { PRICES_KEY, projectPriceBook } from '../project/project-prices.ts';
import { parseGatewayConfig } from './gateway-config.ts';
import { deployedGateway, roleCredentials } from './gateway-role.ts';
import { standardOutputLog as log } from './sandbox-host/host-log.ts';
import { projectContextValue } from './stage.ts';

/**
 * The gateway as a process: `gateway-main.ts <config.json>`. It has the role and the settings of the deployed function,
 * which the emulator cannot let stream. Ends with 0 when it was told to, or is not wanted any more.
 */
const STOP_GRACE_MS = 10_000;
const WANTED_EVERY_MS = 2_000;

const configFile = process.argv[2] ?? '';
const config = parseGatewayConfig(await readFile(configFile, 'utf8'), configFile);
const { stage, region, account, endpoint, caFile } = config;
const deployed = await deployedGateway(config, config.credentials);
const credentials = roleCredentials(config, config.credentials, deployed.roleArn);

const settings = {
  endpoint,
  region,
  credentials,
  requestHandler: { httpsAgent: new Agent({ ca: await readFile(caFile), keepAlive: true, maxSockets: 256 }) },
};
const client = new DynamoDBClient(settings);
const ids = ulidIds(clock);
const ledgerTable = variable('LEDGER_TABLE');
const stateTable = variable('STATE_TABLE');
const eventsTable = variable('EVENTS_TABLE');
const retentionDays = Number(variable('RETENTION_DAYS'));

const gateway = createGateway({
  ledger: dynamoLedger({ client, ledgerTable, stateTable, ids, clock, retentionDays }),
  budgets: dynamoBudgets({ client, ledgerTable, ids, clock, retentionDays }),
  announcements: dynamoAnnouncements({ client, ledgerTable, stateTable, eventsTable, ids, clock, retentionDays }),
  executions: dynamoExecutionStore({ client, stateTable, eventsTable, ids, clock, retentionDays }),
  machines: stepFunctionsMachines({ sfn: new SFNClient(settings), stage, region, account, partition: 'aws' }),
  keys: secretProviderKeys({
    client: new SecretsManagerClient(settings),
    stage,
    clock,
    region,
    credentials,
    loopback: true,
  }),
  upstream: nodeUpstream(),
  prices: await projectPriceBook(config.projectDir, await projectContextValue(config.projectDir, PRICES_KEY)),
  formats: FORMATS,
  clock,
  ids,
  signals: logSignals(),
});
const server = await serveGateway(gateway, config.port);

let stopping = false;
const stop = async (reason: string): Promise<void> => {
  if (stopping) return;
  stopping = true;
  log('stopping', { reason, calls: gateway.calls() });
  await server.stop(STOP_GRACE_MS);
  log('ended', { reason });
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void stop(`told to stop (${signal})`));
}
// A folder that was deleted wants no gateway any more.
setInterval(() => {
  access(configFile).catch(() => stop('its configuration is gone'));
}, WANTED_EVERY_MS);

// Written as a whole: whoever waits for it never reads half of it.
await writeFile(`${config.statusFile}.new`, JSON.stringify({ port: server.port }));
await rename(`${config.statusFile}.new`, config.statusFile);
log('taking calls', { port: server.port, stage });

function variable(name: string): string {
  const value = deployed.variables[name];
  if (value === undefined) throw new Error(`the deployed gateway has no variable ${name}`);
  return value;
}

/** What goes to the log and the metrics of the function on AWS. */
function logSignals(): GatewaySignals {
  return {
    count: (metric) => log('count', { metric }),
    called: (line) => log('model call', { ...line }),
    noticed: (what, details) => log(what, { details: JSON.stringify(details) }),
    failed: (what, error, details) =>
      log(what, {
        details: JSON.stringify(details),
        failure: error instanceof Error ? `${error.name}: ${error.message}` : typeof error,
      }),
  };
}
