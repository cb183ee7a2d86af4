import { createGateway, type GatewayApp } from '../../lambdas/serve-gateway/app.ts';
import type { CallLine, GatewayPorts } from '../../lambdas/serve-gateway/ports.ts';
import type { ExecutionBudget, Hold, LedgerEntry } from '../../lib/budget/ledger.ts';
import { type NanoUsd, usd } from '../../lib/budget/money.ts';
import type { ModelPrice, PriceBook } from '../../lib/budget/price-book.ts';
import { WfloError } from '../../lib/errors.ts';
import type { LeaseRecord, ModelAccess } from '../../lib/execution/records.ts';
import { sha256 } from '../../lib/json.ts';
import type { ProviderAccess, ProviderKeys } from '../../lib/model-calls/provider-access.ts';
import type { WireFormat } from '../../lib/model-calls/wire-format.ts';
import type { Clock, Ledger } from '../../lib/ports.ts';
import { formatSessionToken } from '../../lib/sandbox/session-token.ts';
import { FakeExecutionStore } from './fakes/fake-execution-store.ts';
import { FakeIds } from './fakes/fake-ids.ts';
import { FakeStateMachines } from './fakes/fake-state-machines.ts';
import { MemoryLedger } from './fakes/memory-ledger.ts';
import { aLease, anExecution } from './fakes/records.ts';
import { plainFormat } from './plain-format.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';

export const EXECUTION_ID = 'report:one';
/** $0.03 and $0.06 for a thousand tokens. */
export const MODEL: ModelPrice = {
  provider: 'openai',
  model: 'plain-1',
  contextWindow: 1_000_000,
  maxOutputTokens: 100_000,
  tiers: [{ aboveInputTokens: 0, rates: { input: usd(30), output: usd(60) } }],
  fees: {},
  accepts: { images: false, documents: false, audio: false },
  source: 'test',
};

/** Answers the keys that it is given, which a test may rotate. */
export class ScriptedKeys implements ProviderKeys {
  current: string | undefined = 'key-1';
  reads = 0;

  async get(): Promise<ProviderAccess> {
    this.reads += 1;
    const key = this.current;
    if (key === undefined) throw new WfloError('provider_not_configured', 'there is no key of openai');
    return accessOf(key);
  }

  async renewed(_provider: string, refused: ProviderAccess): Promise<ProviderAccess | undefined> {
    const access = await this.get();
    const request = {
      method: 'POST',
      url: new URL('https://provider.test'),
      headers: {},
      body: new Uint8Array(),
    } as const;
    const [now, before] = await Promise.all([access.authorise(request), refused.authorise(request)]);
    return now.authorization === before.authorization ? undefined : access;
  }
}

function accessOf(key: string): ProviderAccess {
  return { baseUrl: 'https://provider.test', authorise: async () => ({ authorization: `Bearer ${key}` }) };
}

export interface GatewayScene {
  readonly gateway: GatewayApp;
  readonly ports: GatewayPorts;
  readonly upstream: ScriptedUpstream;
  readonly ledger: MemoryLedger;
  readonly store: FakeExecutionStore;
  readonly machines: FakeStateMachines;
  readonly keys: ScriptedKeys;
  readonly counted: string[];
  readonly lines: CallLine[];
  readonly failures: unknown[];
  /** Round trips to the stores, by name, in their order. */
  readonly trips: string[];
  readonly token: string;
  call(body: unknown, options?: CallOptions): Promise<Response>;
  /** One of the numbers of the execution's budget. */
  spent(): Promise<NanoUsd>;
  held(): Promise<NanoUsd>;
  holds(): Promise<readonly Hold[]>;
  entries(): Promise<readonly LedgerEntry[]>;
}

export interface CallOptions {
  readonly path?: string;
  readonly method?: string;
  readonly token?: string;
  readonly epoch?: number;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SceneOptions {
  readonly clock?: Clock;
  readonly budget?: Partial<ExecutionBudget>;
  readonly access?: Partial<ModelAccess> | null;
  readonly lease?: Partial<LeaseRecord>;
  readonly formats?: readonly WireFormat[];
  readonly models?: readonly ModelPrice[];
}

/** A running execution whose step `write` holds a claimed lease, and a gateway in front of a scripted provider. */
export async function gatewayScene(options: SceneOptions = {}): Promise<GatewayScene> {
  const clock = options.clock ?? { now: () => new Date() };
  const ids = new FakeIds();
  const store = new FakeExecutionStore({ clock, ids });
  const ledger = new MemoryLedger({ clock, leases: store });
  const machines = new FakeStateMachines({ clock });
  const keys = new ScriptedKeys();
  const upstream = new ScriptedUpstream();
  const [counted, lines, failures, trips]: [string[], CallLine[], unknown[], string[]] = [[], [], [], []];

  const token = formatSessionToken({ executionId: EXECUTION_ID, path: 'write', attempt: 1 }, 's'.repeat(43));
  const execution = anExecution();
  machines.set(execution.executionArn, {});
  store.seed({
    executions: [execution],
    leases: [
      aLease({
        status: 'claimed',
        session: {
          tokenHash: sha256(token),
          expiresAt: new Date(clock.now().getTime() + 15 * 60 * 1000).toISOString(),
        },
        ...(options.access === null
          ? {}
          : {
              modelAccess: {
                tenant: 'default',
                workflow: 'report',
                agent: 'write',
                models: ['plain-*'],
                onExceeded: 'deny',
                ...options.access,
              },
            }),
        ...options.lease,
      }),
    ],
  });
  await ledger.openExecution({
    executionId: EXECUTION_ID,
    tenant: 'default',
    workflow: 'report',
    limit: usd('0.10'),
    agents: {},
    alertsAt: [],
    windows: {},
    ...options.budget,
  });

  const prices: PriceBook = {
    sha256: 'b'.repeat(64),
    generatedFrom: 'test',
    models: options.models ?? [MODEL],
    fargate: {
      X86_64: { vcpuHour: usd(0), gibHour: usd(0) },
      ARM64: { vcpuHour: usd(0), gibHour: usd(0) },
    },
  };
  const ports: GatewayPorts = {
    ledger: counting<Ledger>(ledger, 'ledger', trips),
    budgets: ledger,
    announcements: ledger,
    executions: counting(store, 'store', trips),
    machines,
    keys,
    upstream,
    prices,
    formats: options.formats ?? [plainFormat],
    clock,
    ids,
    signals: {
      count: (metric) => counted.push(metric),
      called: (line) => lines.push(line),
      noticed: () => {},
      failed: (_what, error) => failures.push(error),
    },
  };
  const gateway = createGateway(ports);
  const scope = () => ledger.getScope({ kind: 'execution', executionId: EXECUTION_ID });
  return {
    ...{ gateway, ports, upstream, ledger, store, machines, keys, counted, lines, failures, trips, token },
    call: async (body, call = {}) =>
      gateway.app.request(`http://gateway/models/openai${call.path ?? '/v1/chat/completions'}`, {
        method: call.method ?? 'POST',
        headers: {
          authorization: `Bearer ${call.token ?? token}`,
          'x-wflo-epoch': String(call.epoch ?? 1),
          ...call.headers,
        },
        ...(call.method === 'GET'
          ? {}
          : {
              body: body instanceof Uint8Array || typeof body === 'string' ? (body as string) : JSON.stringify(body),
            }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      }),
    spent: async () => (await scope())?.spent ?? (0 as NanoUsd),
    held: async () => (await scope())?.held ?? (0 as NanoUsd),
    holds: () => ledger.listHolds(EXECUTION_ID),
    entries: async () => (await ledger.listEntries(EXECUTION_ID, { limit: 1000 })).items,
  };
}

/** Writes down which method of a store is called. */
function counting<T extends object>(target: T, name: string, trips: string[]): T {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        trips.push(`${name}.${String(property)}`);
        return Reflect.apply(value, object, args);
      };
    },
  });
}
