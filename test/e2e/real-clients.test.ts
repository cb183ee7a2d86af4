import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoBudgets } from '../../lib/aws/dynamo-ledger-budgets.ts';
import { systemClock } from '../../lib/aws/system-clock.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import type { LedgerEntry } from '../../lib/budget/ledger.ts';
import type { Provider } from '../../lib/budget/price-book.ts';
import { priceBook } from '../../lib/budget/prices/book.ts';
import { lookupOf } from '../../lib/budget/prices/lookup.ts';
import type { Budgets } from '../../lib/ports.ts';
import { localAws } from '../_helpers/local-aws.ts';
import { useScriptedProvider } from '../_helpers/provider-secrets.ts';
import type { Script } from '../_helpers/scripted-provider/script.ts';
import { ScriptedProvider } from '../_helpers/scripted-provider/scripted-provider.ts';
import { runToEnd } from '../_helpers/wflo.ts';
import { type InstalledClients, installNodeClients, installPythonClients } from '../real-clients/install.ts';

/** The clients are installed on this machine, and a container sees nothing of it: these run with the driver `process`. */
let provider: ScriptedProvider;
let budgets: Budgets;
let installed: Record<'python' | 'node', InstalledClients>;

beforeAll(async () => {
  provider = await ScriptedProvider.start({
    keys: { openai: 'k-openai', anthropic: 'k-anthropic', gemini: 'k-gemini' },
  });
  const local = await localAws();
  const { endpoint, region, credentials, stage } = local;
  await useScriptedProvider({ endpoint, region, credentials }, stage, provider.url);
  const client = new DynamoDBClient(local);
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  const ledgerTable = TableNames.find((name) => /Ledger/.test(name));
  if (ledgerTable === undefined) throw new Error(`no ledger among ${TableNames.join(', ')}`);
  const clock = systemClock;
  budgets = dynamoBudgets({ client, ledgerTable, ids: ulidIds(clock), clock, retentionDays: 400 });
  const [python, node] = await Promise.all([installPythonClients(), installNodeClients()]);
  installed = { python, node };
}, 900_000);
afterAll(() => provider.stop());

interface Client {
  readonly on: 'python' | 'node';
  readonly script: string;
  readonly provider: Provider;
  readonly model: string;
}

const CLIENTS: readonly Client[] = [
  { on: 'python', script: 'openai_chat.py', provider: 'openai', model: 'gpt-4o-mini' },
  { on: 'python', script: 'openai_responses.py', provider: 'openai', model: 'gpt-4o-mini' },
  { on: 'python', script: 'anthropic_messages.py', provider: 'anthropic', model: 'claude-haiku-4-5' },
  { on: 'python', script: 'gemini.py', provider: 'gemini', model: 'gemini-2.5-flash' },
  { on: 'python', script: 'bedrock.py', provider: 'bedrock', model: 'amazon.nova-lite-v1:0' },
  { on: 'python', script: 'langgraph_agent.py', provider: 'openai', model: 'gpt-4o-mini' },
  { on: 'node', script: 'openai-chat.mjs', provider: 'openai', model: 'gpt-4o-mini' },
  { on: 'node', script: 'anthropic-messages.mjs', provider: 'anthropic', model: 'claude-haiku-4-5' },
  { on: 'node', script: 'gemini.mjs', provider: 'gemini', model: 'gemini-2.5-flash' },
  { on: 'node', script: 'ai-sdk.mjs', provider: 'openai', model: 'gpt-4o-mini' },
  { on: 'node', script: 'bedrock.mjs', provider: 'bedrock', model: 'amazon.nova-lite-v1:0' },
];

const PLAIN = { text: 'An answer of the script.', inputTokens: 120, outputTokens: 12 };
const CALL = { name: 'lookup', arguments: { word: 'budget' } };
const TURNS = [
  { toolCalls: [CALL], inputTokens: 150, outputTokens: 7 },
  { text: 'After it.', inputTokens: 160, outputTokens: 8 },
];

/** Nano-USD, by the rates of the book and nothing else of the product. */
function costOf(
  { provider: from, model }: Client,
  { inputTokens, outputTokens }: { inputTokens: number; outputTokens: number },
): number {
  const rates = lookupOf(priceBook())(from, model)?.tiers[0]?.rates;
  if (rates?.input === undefined || rates.output === undefined) throw new Error(`${model} has no price`);
  const millionths = BigInt(inputTokens) * BigInt(rates.input) + BigInt(outputTokens) * BigInt(rates.output);
  return Number((millionths + 999_999n) / 1_000_000n);
}

async function callsOf(executionId: string): Promise<readonly LedgerEntry[]> {
  const { items } = await budgets.listEntries(executionId, { limit: 100 });
  return items.filter(({ kind }) => kind === 'call');
}

describe.each(CLIENTS)('$on $script in a sandbox', (client) => {
  async function ask(mode: 'plain' | 'stream' | 'tool', script: Script) {
    const { folder, program } = installed[client.on];
    return runToEnd('real-client', {
      program,
      script: join(folder, client.script),
      mode,
      prompt: `Hello.\n#wflo ${JSON.stringify(script)}`,
      model: client.model,
    });
  }

  it.each(['plain', 'stream'] as const)(
    'answers, and costs what the provider reports to the nano-dollar: %s',
    async (mode) => {
      const run = await ask(mode, PLAIN);
      expect(run).toMatchObject({ status: 'succeeded', output: { text: PLAIN.text, toolCalls: [] } });
      const entries = await callsOf(run.executionId);
      expect(entries).toMatchObject([
        {
          source: 'reported',
          cost: costOf(client, PLAIN),
          purpose: { provider: client.provider, model: client.model },
          payer: { agent: 'client' },
        },
      ]);
      expect(entries[0]?.held).toBeGreaterThanOrEqual(entries[0]?.cost ?? Number.POSITIVE_INFINITY);
    },
  );

  it('calls a tool, and each call is an entry of its own', async () => {
    const run = await ask('tool', { turns: TURNS });
    expect(run).toMatchObject({ status: 'succeeded', output: { text: 'After it.', toolCalls: [CALL] } });
    const entries = await callsOf(run.executionId);
    expect(entries.map(({ cost }) => cost)).toEqual(TURNS.map((turn) => costOf(client, turn)));
  });
});
