import { createTables } from '../test/_helpers/create-tables.ts';
import { startDynamoDbLocal } from '../test/_helpers/dynamodb-local.ts';
import { type Benchmark, type Figure, median, round } from './bench.ts';
import { chatBody } from './gateway/chat-body.ts';
import {
  headersOf,
  type Ours,
  type Server,
  SMALL,
  startLitellm,
  startOurs,
  startPortkey,
  startProvider,
} from './gateway/gateways.ts';
import { installCompared } from './gateway/install.ts';
import { load, type Round } from './gateway/load.ts';
import type { StoreConfig } from './gateway/ours.ts';

const ROUNDS = 5;
const ROUND_SECONDS = 1.5;
const WARM_SECONDS = 2;
const CONNECTIONS = [1, 64] as const;

/** Of the comparison of budgets: twenty calls at once, of which one fits. */
const AT_ONCE = 20;
const BUDGET_USD = 0.1;

export const gateway: Benchmark = {
  name: 'gateway',
  title: 'Model gateway, beside others in one run',
  run: async () => {
    const installed = await installCompared();
    const engine = await startDynamoDbLocal();
    const stopping: { stop(): Promise<void> }[] = [engine];
    const started = async <S extends Server>(server: Promise<S>): Promise<S> => {
      const running = await server;
      stopping.unshift(running.process);
      return running;
    };
    try {
      const tables = await createTables(engine.client);
      const provider = await started(startProvider());
      const store: StoreConfig = { endpoint: engine.endpoint, credentials: engine.credentials, tables };
      const [portkey, litellm, alone, local] = await Promise.all([
        started(startPortkey(installed, provider)),
        started(startLitellm(installed, provider, BUDGET_USD)),
        started(startOurs(provider, 'ours-memory')),
        started(startOurs(provider, 'ours-dynamodb-local', store)),
      ]);
      const servers = { provider, portkey, litellm, alone, local };
      console.log(await rounds(installed.autocannon, servers));
      return [];
    } finally {
      for (const running of stopping) await running.stop();
    }
  },
};

type Name = 'provider' | 'portkey' | 'litellm' | 'alone' | 'local';

async function rounds(autocannon: string, servers: Readonly<Record<Name, Server>>) {
  const body = chatBody(500, 256);
  const all: Record<string, Round[]> = {};
  for (const server of Object.values(servers)) await load(autocannon, { ...server, body }, 16, WARM_SECONDS);
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const connections of CONNECTIONS) {
      for (const [name, server] of Object.entries(servers)) {
        const key = `${name} ${connections}`;
        all[key] ??= [];
        all[key].push(await load(autocannon, { ...server, body }, connections, ROUND_SECONDS));
      }
    }
  }
  return all;
}
