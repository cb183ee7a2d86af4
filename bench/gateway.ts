import { cpus, loadavg } from 'node:os';
import { type Benchmark, type Figure, median, round } from './bench.ts';
import { BUDGET_USD, CALLS_AT_ONCE, spendAtOnce } from './gateway/at-once.ts';
import { type Server, startLitellm, startOurs, startPortkey, startProvider } from './gateway/gateways.ts';
import { installCompared } from './gateway/install.ts';
import { CONNECTIONS, type Connections, type Load, measureLoads } from './gateway/overhead.ts';
import { dynamoDbLocalStore, emulatorStore } from './gateway/stores.ts';
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
    const running: { stop(): Promise<unknown> }[] = [];
    const started = async <S extends Server>(starting: Promise<S>): Promise<S> => {
      const server = await starting;
      running.unshift(server.process);
      return server;
    };
    try {
      const localStore = await dynamoDbLocalStore();
      running.unshift(localStore);
      const emulated = await emulatorStore();
      running.unshift(emulated);
      const provider = await started(startProvider());
      const litellm = await started(startLitellm(installed, provider, BUDGET_USD));
      const portkey = await started(startPortkey(installed, provider));
      const memory = await started(startOurs(provider, 'ours-memory'));
      const local = await started(startOurs(provider, 'ours-dynamodb-local', localStore.config));
      const emulator = await started(startOurs(provider, 'ours-emulator', emulated.config));

      const servers = { provider, portkey, litellm, memory, local, emulator };
      const loads = await measureLoads(installed.autocannon, servers);
      const busy = loadavg()[0] ?? Number.NaN;
      const spent = await spendAtOnce(provider, { ours: local, litellm });
      await local.measured();
      const first = await firstBytes({ provider, local }, FIRST_BYTES);
      const { reserves } = await local.measured();
      const quiet = await started(startOurs(provider, 'ours-streams', localStore.config));
      const bytes = await memoryOfIdleStreams(quiet, IDLE_STREAMS);

      const overheads = { portkey: 'Portkey 1.15.2 without budgets', litellm: 'LiteLLM 1.108.7 with budgets' } as const;
      return [
        ...CONNECTIONS.flatMap((connections) => {
          const of = (load: Readonly<Record<Connections, Load>>) => added(load, loads.provider, connections);
          return [
            promise('without the store', connections, of(loads.memory), of(loads.portkey), overheads.portkey),
            promise('with DynamoDB Local', connections, of(loads.local), of(loads.litellm), overheads.litellm),
            promise('with the emulator', connections, of(loads.emulator), of(loads.litellm), overheads.litellm),
          ];
        }),
        ...details('the provider alone', loads.provider),
        ...details(overheads.portkey, loads.portkey),
        ...details(overheads.litellm, loads.litellm),
        ...details('Wflo without the store', loads.memory),
        ...details('Wflo with DynamoDB Local', loads.local),
        ...details('Wflo with the emulator', loads.emulator),
        ...shares('DynamoDB Local', loads.local),
        ...shares('the emulator', loads.emulator),
        {
          what: 'round trips of a call to the store, in the mean: two, and one for all calls of a lease in 30 seconds',
          value: round(loads.local[1].tripsPerCall, 2),
          unit: '',
          limit: 2.05,
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

/**
 * Milliseconds that a gateway adds to a call: by the medians of single calls, and where many are made at once by how many
 * are answered in a second, since the time of one of them is mostly that of those before it.
 */
function added(
  load: Readonly<Record<Connections, Load>>,
  provider: Readonly<Record<Connections, Load>>,
  connections: Connections,
): number {
  return connections === 1
    ? load[1].p50 - provider[1].p50
    : 1000 / load[connections].perSecond - 1000 / provider[connections].perSecond;
}

function promise(what: string, connections: Connections, ours: number, theirs: number, whose: string): Figure {
  return {
    what: `what Wflo ${what} adds to a call, ${named(connections)}, ${connections === 1 ? 'p50' : 'by calls a second'}; the limit is ${whose}`,
    value: round(ours, 2),
    unit: 'ms',
    limit: round(theirs, 2),
  };
}

/** Of the time that a call takes in all, by the medians of each. */
function shares(store: string, load: Readonly<Record<Connections, Load>>): readonly Figure[] {
  return CONNECTIONS.map((connections) => {
    const { p50, reserveMs, settleMs } = load[connections];
    return {
      what: `share of ${store} in a call through Wflo, ${named(connections)} (reserve ${round(reserveMs)} ms, settle ${round(settleMs)} ms)`,
      value: round((100 * (reserveMs + settleMs)) / p50, 0),
      unit: '%',
    };
  });
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
