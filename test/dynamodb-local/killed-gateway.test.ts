import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expiredHolds } from '../../lambdas/reconcile/checks/expired-holds.ts';
import { HOLD_SECONDS } from '../../lambdas/serve-gateway/limits.ts';
import { documentClient, queryItems } from '../../lib/aws/document-client.ts';
import { dynamoExecutionStore } from '../../lib/aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../../lib/aws/dynamo-ledger.ts';
import { dynamoBudgets } from '../../lib/aws/dynamo-ledger-budgets.ts';
import { holdOfItem } from '../../lib/aws/ledger-items.ts';
import { HOLD_PREFIX } from '../../lib/aws/ledger-keys.ts';
import { partitionOf } from '../../lib/aws/state-keys.ts';
import { systemClock } from '../../lib/aws/system-clock.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import { costOf } from '../../lib/budget/cost.ts';
import type { Hold, LedgerEntry, Scope } from '../../lib/budget/ledger.ts';
import { scopeName } from '../../lib/budget/ledger-rules.ts';
import { nanoUsd, usd } from '../../lib/budget/money.ts';
import { lookupOf } from '../../lib/budget/prices/lookup.ts';
import { sha256 } from '../../lib/json.ts';
import { formatSessionToken } from '../../lib/sandbox/session-token.ts';
import { createTables, type TestTables } from '../_helpers/create-tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';
import { ExecutionScene } from '../_helpers/execution-scene.ts';
import { FakeClock } from '../_helpers/fakes/fake-clock.ts';
import { aLease } from '../_helpers/fakes/records.ts';
import type { GatewayMainConfig } from '../_helpers/killed-gateway/gateway-main.ts';
import { type ProviderCall, providerCalls } from '../_helpers/provider-calls.ts';
import { ScriptedProvider } from '../_helpers/scripted-provider/scripted-provider.ts';
import { temporaryFolder } from '../_helpers/temporary-folder.ts';
import { testPrices } from '../_helpers/test-prices.ts';
import { Chance } from '../chaos/random.ts';

/** Another series: `WFLO_KILL_SEED=7 npm run test:dynamodb-local`. */
const SEED = Number(process.env.WFLO_KILL_SEED ?? 1);
const KILLS = 50;
/** Fewer kills than this of a gateway that had holds open would show nothing. */
const LEAST_MEETING_HOLDS = 20;
const CALLS_AT_ONCE = 6;
/** Tokens of every answer of the provider: within the bound of each call. */
const USED = { input: 20, output: 40 };

const MAIN = fileURLToPath(new URL('../_helpers/killed-gateway/gateway-main.ts', import.meta.url));
const TENANT = 'default';
/** The second can pay for a few calls only: its holds that nobody settles leave it with nothing. */
const EXECUTIONS = [
  { executionId: 'report:rich', limit: usd(100), agents: { write: usd(50) } },
  { executionId: 'report:poor', limit: usd('0.15'), agents: {} },
];

let engine: DynamoDbLocal;
let tables: TestTables;
let provider: ScriptedProvider;
beforeAll(async () => {
  [engine, provider] = await Promise.all([startDynamoDbLocal(), ScriptedProvider.start()]);
  tables = await createTables(engine.client);
});
afterAll(async () => {
  await provider.stop();
  await tables.remove();
  await engine.stop();
});

function storesAt(clock: { now(): Date }) {
  const options = { client: engine.client, ...tables, ids: ulidIds(clock), clock, retentionDays: 400 };
  return { ledger: dynamoLedger(options), budgets: dynamoBudgets(options), executions: dynamoExecutionStore(options) };
}

interface Gateway {
  readonly url: string;
  readonly errors: () => string;
  /** Gives it no time for anything. */
  kill(): Promise<void>;
}

/** One process of the gateway that takes calls. */
async function startGateway(bundle: string, config: GatewayMainConfig): Promise<Gateway> {
  const child: ChildProcess = spawn(process.execPath, ['--no-warnings', bundle, JSON.stringify(config)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = once(child, 'exit');
  const started = await Promise.race([once(child, 'message'), exited]);
  const { port } = Object(started[0]) as { port?: number };
  if (port === undefined) throw new Error(`the gateway ended before it took calls: ${errors}`);
  return {
    url: `http://127.0.0.1:${port}`,
    errors: () => errors,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function bundledGateway(): Promise<string> {
  const outfile = join(temporaryFolder(), 'gateway.mjs');
  // Some of the AWS SDK's packages are CommonJS, which asks for `require`.
  const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    entryPoints: [MAIN],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: banner },
  });
  return outfile;
}

/** A running execution with a budget, and the token of its claimed lease. */
async function seed({ executionId, limit, agents }: (typeof EXECUTIONS)[number]): Promise<string> {
  const { budgets, executions } = storesAt(systemClock);
  const token = formatSessionToken({ executionId, path: 'write', attempt: 1 }, 's'.repeat(43));
  const lease = aLease({
    executionId,
    status: 'claimed',
    session: { tokenHash: sha256(token), expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
    modelAccess: { tenant: TENANT, workflow: 'report', agent: 'write', models: ['*'], onExceeded: 'deny' },
  });
  const { path, attempt } = lease;
  await budgets.openExecution({
    ...{ executionId, tenant: TENANT, workflow: 'report', limit, alertsAt: [] },
    agents: agents as Readonly<Record<string, ReturnType<typeof usd>>>,
    windows: { daily: usd(200), monthly: usd(2_000) },
  });
  await executions.commit({ executionId, changes: [{ item: 'lease', path, attempt, put: lease }], events: [] });
  return token;
}

/** Every hold of the table, in whatever state. */
async function allHolds(): Promise<readonly Hold[]> {
  const holds: Hold[] = [];
  for (const { executionId } of EXECUTIONS) {
    const items = queryItems(documentClient(engine.client), {
      TableName: tables.ledgerTable,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': partitionOf(executionId), ':prefix': HOLD_PREFIX },
    });
    for await (const item of items) holds.push(holdOfItem(item));
  }
  return holds;
}

/** Makes one call and reads all of its answer. What happens is told as it does. */
async function make(
  url: string,
  { path, headers, body }: ProviderCall,
  token: string,
  tell: { readonly happened: () => void; readonly answered: (status: number, callId: string | null) => void },
): Promise<void> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${token}`, 'x-wflo-epoch': '1' },
    body: JSON.stringify(body),
  });
  tell.answered(response.status, response.headers.get('x-wflo-call'));
  tell.happened();
  for await (const _ of response.body ?? []) tell.happened();
}

/** Resolves once so much has happened. */
class Happenings {
  #left: number;
  #reached: () => void = () => {};
  readonly reached = new Promise<void>((resolve) => {
    this.#reached = resolve;
  });

  constructor(count: number) {
    this.#left = count;
    if (count === 0) this.#reached();
  }

  happened(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#reached();
  }
}

it(`a gateway that is killed in the middle of calls loses no hold, and gives none back that may cost something (seed ${SEED})`, async () => {
  const chance = new Chance(SEED);
  const prices = lookupOf(testPrices());
  const costOfCall = (format: string, of: { readonly provider: ProviderCall['provider']; readonly model: string }) => {
    const price = prices(of.provider, of.model);
    if (price === undefined) throw new Error(`${of.model} has no price`);
    const { input, output } = USED;
    return costOf({ tokens: format === 'openai-embeddings' ? { input } : { input, output } }, price);
  };
  const { ledger, budgets } = storesAt(systemClock);
  const { endpoint } = engine.client.config;
  if (endpoint === undefined) throw new Error('the engine has no endpoint');
  const { protocol, hostname, port } = await endpoint();
  const config = { ...tables, dynamoDb: `${protocol}//${hostname}:${port}`, provider: provider.url };
  const bundle = await bundledGateway();
  const tokens = await Promise.all(EXECUTIONS.map(seed));
  const calls = providerCalls('What is a word?', 50);

  let happenings = new Happenings(0);
  let charged = 0;
  provider.script = ({ provider, model, format }) => {
    charged += costOfCall(format, { provider, model });
    happenings.happened();
    return {
      inputTokens: USED.input,
      outputTokens: USED.output,
      firstDelayMs: chance.between(0, 20),
      delayMs: chance.between(0, 10),
      ...(chance.happens(0.3)
        ? { text: 'Let me see.', toolCalls: [{ name: 'look_up', arguments: { word: 'word' } }] }
        : {}),
    };
  };

  const promised = new Set<string>();
  const seen = new Map<string, number>();
  const statuses = new Map<number, number>();
  let meetingHolds = 0;
  let errors = '';
  let spare = startGateway(bundle, config);
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const gateway = await spare;
      spare = startGateway(bundle, config);
      const moment = new Happenings(chance.between(0, 28));
      happenings = moment;
      const running = Array.from({ length: CALLS_AT_ONCE }, () => {
        const poor = chance.happens(0.2) ? 1 : 0;
        return make(gateway.url, chance.oneOf(calls), tokens[poor] ?? '', {
          happened: () => moment.happened(),
          answered: (status, callId) => {
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            if (callId !== null) promised.add(callId);
          },
        });
      });
      // What was killed breaks off; what it had answered until then was told.
      const ended = Promise.allSettled(running);
      await Promise.race([moment.reached, ended]);
      await sleep(chance.between(0, 15));
      await gateway.kill();
      await ended;
      errors += gateway.errors();
      const holds = await allHolds();
      const before = seen.size;
      for (const { holdId, amount } of holds) seen.set(holdId, amount);
      const fresh = [...seen.keys()].slice(before);
      if (holds.some(({ holdId, state }) => state === 'open' && fresh.includes(holdId))) meetingHolds += 1;
      for (const { executionId, limit } of EXECUTIONS) {
        const scope = await budgets.getScope({ kind: 'execution', executionId });
        expect((scope?.spent ?? 0) + (scope?.held ?? 0)).toBeLessThanOrEqual(limit);
      }
    }
  } finally {
    const last = await spare;
    await last.kill();
  }

  expect(errors).toBe('');
  expect(meetingHolds, 'kills that met an open hold').toBeGreaterThanOrEqual(LEAST_MEETING_HOLDS);
  expect(statuses.get(200)).toBeGreaterThan(0);
  expect(statuses.get(402)).toBeGreaterThan(0);
  expect([...statuses.keys()].filter((status) => status !== 200 && status !== 402)).toEqual([]);

  const later = new FakeClock(new Date(Date.now() + (HOLD_SECONDS + 60) * 1000));
  const reconciling = { ...new ExecutionScene(), clock: later, ledger: storesAt(later).ledger };
  const run = () => expiredHolds.run({ ...reconciling, resumeApprovals: async () => {}, remainingMs: () => 600_000 });
  expect(await run()).toMatchObject({ failures: [] });
  expect(await run()).toMatchObject({ repaired: 0, failures: [] });

  const holds = new Map((await allHolds()).map((hold) => [hold.holdId, hold]));
  expect(
    [...promised, ...seen.keys()].filter((holdId) => !holds.has(holdId)),
    'holds that vanished',
  ).toEqual([]);
  expect([...holds.values()].filter(({ state }) => state === 'open')).toEqual([]);
  const entries = new Map<string, LedgerEntry>();
  for (const { executionId } of EXECUTIONS) {
    for (const entry of (await budgets.listEntries(executionId, { limit: 1000 })).items)
      entries.set(entry.holdId, entry);
  }
  for (const hold of holds.values()) {
    expect(hold.amount).toBe(seen.get(hold.holdId));
    const entry = entries.get(hold.holdId);
    if (hold.state !== 'settled') {
      expect(entry).toBeUndefined();
      continue;
    }
    expect(entry).toMatchObject({ held: hold.amount, source: 'reported' });
    const { provider, model } = hold.purpose;
    const format = model.startsWith('text-embedding') ? 'openai-embeddings' : '';
    expect(entry?.cost).toBe(costOfCall(format, { provider: provider as ProviderCall['provider'], model }));
  }

  const scopes = new Map<string, { readonly scope: Scope; spent: number; held: number; inflight: number }>();
  for (const { holdId, amount, state, scopes: touched } of holds.values()) {
    for (const scope of touched) {
      const sum = scopes.get(scopeName(scope)) ?? { scope, spent: 0, held: 0, inflight: 0 };
      if (state === 'settled') sum.spent += entries.get(holdId)?.cost ?? 0;
      if (state === 'unsettled') sum.held += amount;
      if (state === 'unsettled') sum.inflight += 1;
      scopes.set(scopeName(scope), sum);
    }
  }
  // Both executions, the agent with a limit, and the windows.
  expect(scopes.size).toBeGreaterThanOrEqual(7);
  for (const { scope, spent, held, inflight } of scopes.values()) {
    const stored = await budgets.getScope(scope);
    expect(stored).toMatchObject({ spent, held, inflight, remaining: nanoUsd((stored?.limit ?? 0) - spent - held) });
  }
  // The provider charges for what reached it, also where nobody heard of it any more.
  let accounted = 0;
  for (const { executionId } of EXECUTIONS) {
    const scope = await budgets.getScope({ kind: 'execution', executionId });
    accounted += (scope?.spent ?? 0) + (scope?.held ?? 0);
  }
  expect(charged).toBeLessThanOrEqual(accounted);
  const states = [...holds.values()].map(({ state }) => state);
  for (const state of ['settled', 'unsettled'] as const) expect(states).toContain(state);
  const listed = await ledger.unsettledHolds(TENANT, { limit: 1000 });
  expect(listed.items.map(({ holdId }) => holdId).sort()).toEqual(
    [...holds.values()]
      .filter(({ state }) => state === 'unsettled')
      .map(({ holdId }) => holdId)
      .sort(),
  );
}, 600_000);
