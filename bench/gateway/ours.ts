import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createGateway } from '../../lambdas/serve-gateway/app.ts';
import { serveGateway } from '../../lambdas/serve-gateway/node-server.ts';
import { nodeUpstream } from '../../lambdas/serve-gateway/node-upstream.ts';
import type { GatewayPorts } from '../../lambdas/serve-gateway/ports.ts';
import { dynamoExecutionStore } from '../../lib/aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../../lib/aws/dynamo-ledger.ts';
import { dynamoAnnouncements } from '../../lib/aws/dynamo-ledger-announcements.ts';
import { dynamoBudgets } from '../../lib/aws/dynamo-ledger-budgets.ts';
import { systemClock as clock } from '../../lib/aws/system-clock.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import type { Hold, ScopeState } from '../../lib/budget/ledger.ts';
import { nanoUsd } from '../../lib/budget/money.ts';
import type { ExecutionRecord, LeaseRecord } from '../../lib/execution/records.ts';
import { sha256 } from '../../lib/json.ts';
import { standardOutputLog as log } from '../../lib/local-cloud/sandbox-host/host-log.ts';
import { FORMATS } from '../../lib/model-calls/formats.ts';
import type { Budgets, Ledger } from '../../lib/ports.ts';
import { formatSessionToken } from '../../lib/sandbox/session-token.ts';
import { FakeExecutionStore } from '../../test/_helpers/fakes/fake-execution-store.ts';
import { FakeStateMachines } from '../../test/_helpers/fakes/fake-state-machines.ts';
import { MemoryLedger } from '../../test/_helpers/fakes/memory-ledger.ts';
import { aLease, anExecution } from '../../test/_helpers/fakes/records.ts';
import { answering } from './answering.ts';
import { PRICES } from './prices.ts';

/** Where the money is kept: in this process, or in tables at this endpoint. */
export interface OursConfig {
  readonly providerUrl: string;
  readonly store?: StoreConfig;
}

export interface StoreConfig {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly caFile?: string;
  readonly tables: { readonly stateTable: string; readonly eventsTable: string; readonly ledgerTable: string };
}

/** What can be asked of the process; see `OursAnswers`. */
export type OursQuestion =
  | { readonly open: { readonly limitNanoUsd: number } }
  | { readonly look: string }
  | { readonly measured: true }
  | { readonly idle: true };

export interface Opened {
  readonly executionId: string;
  /** Of a claimed lease, for calls of this execution. */
  readonly token: string;
}

/** Of one execution, when no call runs. */
export interface Looked {
  readonly scope: ScopeState;
  readonly holds: readonly Hold[];
}

/** Since it was asked the last time. */
export interface Measured {
  /** Milliseconds of each. */
  readonly reserves: readonly number[];
  readonly settles: readonly number[];
  /** Requests that went to the store, the SDK's repeats too. */
  readonly trips: number;
  readonly refusals: number;
  /** Refusals whose own numbers would have let the call pass. */
  readonly untrueRefusals: number;
  readonly violations: number;
}

/** The gateway as on the local AWS and as deployed: the same app, ports and server, only the keys are given. */
const config = JSON.parse(process.argv[2] ?? '') as OursConfig;
const ids = ulidIds(clock);
let measured = {
  reserves: [] as number[],
  settles: [] as number[],
  trips: 0,
  refusals: 0,
  untrueRefusals: 0,
  violations: 0,
};

interface Stores extends Pick<GatewayPorts, 'announcements' | 'executions'> {
  readonly ledger: Ledger;
  readonly budgets: Budgets;
  putRecords(execution: ExecutionRecord, lease: LeaseRecord): Promise<unknown>;
}

const stores = config.store === undefined ? memoryStores() : dynamoStores(config.store);
const gateway = createGateway({
  ...stores,
  ledger: measuring(stores.ledger),
  machines: new FakeStateMachines({ clock }),
  keys: {
    get: async () => ({ baseUrl: config.providerUrl, authorise: async () => ({ authorization: 'Bearer benchmark' }) }),
    renewed: async () => undefined,
  },
  upstream: nodeUpstream(),
  prices: PRICES,
  formats: FORMATS,
  clock,
  ids,
  signals: {
    count: (metric) => log('count', { metric }),
    called: (line) => log('model call', { ...line }),
    noticed: (what, details) => log(what, { details: JSON.stringify(details) }),
    failed: (what, error, details) => log(what, { details: JSON.stringify(details), failure: String(error) }),
  },
});
const { port } = await serveGateway(gateway, 0);

answering({ port }, async (question: OursQuestion): Promise<Opened | Looked | Measured | true> => {
  if ('open' in question) return open(question.open.limitNanoUsd);
  if ('look' in question) return look(question.look);
  if ('idle' in question) {
    await gateway.idle();
    return true;
  }
  const before = measured;
  measured = { reserves: [], settles: [], trips: 0, refusals: 0, untrueRefusals: 0, violations: 0 };
  return before;
});

function memoryStores(): Stores {
  const executions = new FakeExecutionStore({ clock, ids });
  const ledger = new MemoryLedger({ clock, leases: executions });
  return {
    ...{ ledger, budgets: ledger, announcements: ledger, executions },
    putRecords: async (execution, lease) => executions.seed({ executions: [execution], leases: [lease] }),
  };
}

function dynamoStores({ endpoint, credentials, caFile, tables }: StoreConfig): Stores {
  const sockets = { keepAlive: true, maxSockets: 256 };
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials,
    requestHandler:
      caFile === undefined
        ? { httpAgent: new HttpAgent(sockets) }
        : { httpsAgent: new HttpsAgent({ ...sockets, ca: readFileSync(caFile) }) },
  });
  // Behind the middleware that repeats, so that repeats count.
  client.middlewareStack.add(
    (next) => (args) => {
      measured.trips += 1;
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'countTrips' },
  );
  const options = { client, ...tables, ids, clock, retentionDays: 400 };
  const executions = dynamoExecutionStore(options);
  return {
    ledger: dynamoLedger(options),
    budgets: dynamoBudgets(options),
    announcements: dynamoAnnouncements(options),
    executions,
    putRecords: (execution, lease) => {
      const { executionId, path, attempt } = lease;
      return executions.commit({
        executionId,
        changes: [
          { item: 'execution', put: execution },
          { item: 'lease', path, attempt, put: lease },
        ],
        events: [],
      });
    },
  };
}

async function open(limitNanoUsd: number): Promise<Opened> {
  const executionId = `bench:${randomBytes(6).toString('hex')}`;
  const address = { executionId, path: 'write', attempt: 1 };
  const token = formatSessionToken(address, ids.secret());
  const expiresAt = new Date(clock.now().getTime() + 60 * 60 * 1000).toISOString();
  // A tenant of its own: the windows of one execution do not show those of another.
  const tenant = executionId.replace(':', '-');
  const modelAccess = { tenant, workflow: 'bench', agent: 'write', models: ['gpt-*'], onExceeded: 'deny' } as const;
  await stores.putRecords(
    anExecution({ executionId, tenant }),
    aLease({ ...address, status: 'claimed', session: { tokenHash: sha256(token), expiresAt }, modelAccess }),
  );
  await stores.budgets.openExecution({
    executionId,
    tenant,
    workflow: 'bench',
    limit: nanoUsd(limitNanoUsd),
    agents: {},
    alertsAt: [],
    windows: {},
  });
  return { executionId, token };
}

async function look(executionId: string): Promise<Looked> {
  await gateway.idle();
  const scope = await stores.budgets.getScope({ kind: 'execution', executionId });
  if (scope === undefined) throw new Error(`there is no budget of ${executionId}`);
  return { scope, holds: await stores.ledger.listHolds(executionId) };
}

/** What each round trip takes, and whether each refusal was true when it was given. */
function measuring(ledger: Ledger): Ledger {
  return {
    ...bound(ledger),
    async reserve(request) {
      const from = performance.now();
      const result = await ledger.reserve(request);
      measured.reserves.push(performance.now() - from);
      if (result.kind === 'refused') {
        const { spent, held, needed, limit } = result.refusal;
        measured.refusals += 1;
        if (spent + held + needed <= limit) measured.untrueRefusals += 1;
      }
      return result;
    },
    async settle(settlement) {
      const from = performance.now();
      const result = await ledger.settle(settlement);
      measured.settles.push(performance.now() - from);
      if (result.kind === 'settled' && result.entry.cost > result.entry.held) measured.violations += 1;
      return result;
    },
  };
}

function bound(ledger: Ledger): Ledger {
  return {
    reserve: (request) => ledger.reserve(request),
    settle: (settlement) => ledger.settle(settlement),
    release: (executionId, holdId) => ledger.release(executionId, holdId),
    unsettle: (executionId, holdId, reason) => ledger.unsettle(executionId, holdId, reason),
    renew: (executionId, holdId, expiresAt) => ledger.renew(executionId, holdId, expiresAt),
    getHold: (executionId, holdId) => ledger.getHold(executionId, holdId),
    listHolds: (executionId) => ledger.listHolds(executionId),
    expiredHolds: (now, limit) => ledger.expiredHolds(now, limit),
    holdsToLookUp: (now, limit) => ledger.holdsToLookUp(now, limit),
    lookUpAgain: (executionId, holdId, at) => ledger.lookUpAgain(executionId, holdId, at),
    unsettledHolds: (tenant, query) => ledger.unsettledHolds(tenant, query),
  };
}
