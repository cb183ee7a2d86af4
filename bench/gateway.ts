import { cpus, loadavg } from 'node:os';
import { createTables } from '../test/_helpers/create-tables.ts';
import { startDynamoDbLocal } from '../test/_helpers/dynamodb-local.ts';
import { type Benchmark, type Figure, median, round } from './bench.ts';
import { BUDGET_USD, CALLS_AT_ONCE, spendAtOnce } from './gateway/at-once.ts';
import { type Server, startLitellm, startOurs, startPortkey, startProvider } from './gateway/gateways.ts';
import { installCompared } from './gateway/install.ts';
import { CONNECTIONS, type Connections, type Load, measureLoads } from './gateway/overhead.ts';
import { firstBytes, memoryOfIdleStreams } from './gateway/streams.ts';

const FIRST_BYTES = 200;
const IDLE_STREAMS = 200;

/**
 * Our gateway beside LiteLLM and Portkey, all before the same provider, which answers at once. What a call takes without
 * a gateway is taken off.
 */
export const gateway: Benchmark = {
  name: 'gateway',
  title: 'Model gateway beside others, in one run',
  run: async () => {
    const installed = await installCompared();
    const running: { stop(): Promise<void> }[] = [];
    const started = async <S extends Server>(starting: Promise<S>): Promise<S> => {
      const server = await starting;
      running.unshift(server.process);
      return server;
    };
    try {
      const engine = await startDynamoDbLocal();
      running.unshift(engine);
      const store = {
        endpoint: engine.endpoint,
        credentials: engine.credentials,
        tables: await createTables(engine.client),
      };
      const provider = await started(startProvider());
      const litellm = await started(startLitellm(installed, provider, BUDGET_USD));
      const portkey = await started(startPortkey(installed, provider));
      const memory = await started(startOurs(provider, 'ours-memory'));
      const local = await started(startOurs(provider, 'ours-dynamodb-local', store));

      const loads = await measureLoads(installed.autocannon, { provider, portkey, litellm, memory, local });
      const busy = loadavg()[0] ?? Number.NaN;
      const spent = await spendAtOnce(provider, { ours: local, litellm });
      await local.measured();
      const first = await firstBytes({ provider, local }, FIRST_BYTES);
      const { reserves } = await local.measured();
      const quiet = await started(startOurs(provider, 'ours-streams', store));
      const bytes = await memoryOfIdleStreams(quiet, IDLE_STREAMS);

      const overheads = { portkey: 'Portkey 1.15.2 without budgets', litellm: 'LiteLLM 1.108.7 with budgets' } as const;
      return [
        ...CONNECTIONS.flatMap((connections) => {
          const of = (load: Readonly<Record<Connections, Load>>) =>
            load[connections].p50 - loads.provider[connections].p50;
          return [
            promise('without the store', connections, of(loads.memory), of(loads.portkey), overheads.portkey),
            promise('with DynamoDB Local', connections, of(loads.local), of(loads.litellm), overheads.litellm),
          ];
        }),
        ...details('the provider alone', loads.provider),
        ...details(overheads.portkey, loads.portkey),
        ...details(overheads.litellm, loads.litellm),
        ...details('Wflo without the store', loads.memory),
        ...details('Wflo with DynamoDB Local', loads.local),
        ...CONNECTIONS.map((connections): Figure => {
          const { p50, reserveMs, settleMs } = loads.local[connections];
          return {
            what: `share of DynamoDB Local in a call through Wflo, ${named(connections)} (reserve ${round(reserveMs, 2)} ms, settle ${round(settleMs, 2)} ms)`,
            value: round((100 * (reserveMs + settleMs)) / p50, 0),
            unit: '%',
          };
        }),
        {
          what: 'round trips of a call to the store, its lease (read every 30 s) and repeats left out',
          value: Math.floor(loads.local[1].tripsPerCall),
          unit: '',
          limit: 2,
        },
        {
          what: `spent of $${BUDGET_USD} by ${CALLS_AT_ONCE} calls of $0.09 at once: LiteLLM 1.108.7`,
          value: spent.litellm.usd,
          unit: 'USD',
        },
        {
          what: `spent of $${BUDGET_USD} by ${CALLS_AT_ONCE} calls of $0.09 at once: Wflo`,
          value: spent.ours.usd,
          unit: 'USD',
          limit: BUDGET_USD,
        },
        {
          what: `first byte of a stream after the provider's own and the reserve of ${round(median(reserves), 2)} ms, median of ${FIRST_BYTES}`,
          value: round(median(first.local) - median(first.provider) - median(reserves), 2),
          unit: 'ms',
          limit: 5,
        },
        {
          what: `memory of the gateway with ${IDLE_STREAMS} idle streams (resident)`,
          value: round(bytes / 1e6),
          unit: 'MB',
          limit: 150,
        },
        {
          what: `processes that wanted one of the ${cpus().length} cores at the end of the rounds (load average of a minute)`,
          value: round(busy),
          unit: '',
          detail: true,
        },
      ];
    } finally {
      for (const each of running) await each.stop();
    }
  },
};

function promise(what: string, connections: Connections, ours: number, theirs: number, whose: string): Figure {
  return {
    what: `what Wflo ${what} adds to a call, ${named(connections)}, p50; the limit is ${whose}`,
    value: round(ours, 2),
    unit: 'ms',
    limit: round(theirs, 2),
  };
}

function details(what: string, load: Readonly<Record<Connections, Load>>): readonly Figure[] {
  return CONNECTIONS.flatMap((connections) => {
    const { p50, p95, p99, perSecond, cpuMs } = load[connections];
    const of = `${what}, ${named(connections)}`;
    return [
      ...Object.entries({ p50, p95, p99 }).map(
        ([name, value]): Figure => ({ what: `${of}, ${name}`, value: round(value, 2), unit: 'ms', detail: true }),
      ),
      { what: `${of}, calls`, value: round(perSecond, 0), unit: '/s' },
      { what: `${of}, processor time of a call`, value: round(cpuMs, 2), unit: 'ms', detail: true },
    ];
  });
}

function named(connections: Connections): string {
  return connections === 1 ? '1 connection' : `${connections} connections`;
}
