import { dollars, sumUsd, usd } from '../../lib/budget/money.ts';
import { exactUsd } from '../../lib/cli/render-costs.ts';
import { connect } from '../../lib/cli/target.ts';
import type { ExecutionView } from '../../lib/client/api.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import type { LocalUpResult } from '../../lib/local-cloud/index.ts';
import { localClientSettings } from '../../lib/local-cloud/local-clients.ts';
import { useScriptedProvider } from '../../test/_helpers/provider-secrets.ts';
import type { Script } from '../../test/_helpers/scripted-provider/script.ts';
import { ScriptedProvider } from '../../test/_helpers/scripted-provider/scripted-provider.ts';
import { checkChain } from './checks.ts';
import { narrate } from './narrator.ts';
import { chapter, done, failed, indent, say } from './words.ts';

const QUESTION = 'How much diesel does the Aurora burn on a summer day, and what does it cost?';
/** The compute of the sandbox fits, and the calls until the agent has read the documents; the answer does not. */
const TOO_LITTLE = '0.0125';

const call = (name: string, given: object) => [{ name, arguments: given as Record<string, unknown> }];
/** What a model would do with the question; the agent, its tools and its library are the real ones. */
const TURNS: readonly Script[] = [
  { text: 'I look for the ship and its timetable.', toolCalls: call('search', { query: 'Aurora diesel crossings' }) },
  { toolCalls: call('read', { id: 'fleet' }) },
  { toolCalls: call('read', { id: 'timetable' }) },
  { toolCalls: call('read', { id: 'energy' }) },
  { toolCalls: call('calculate', { expression: '8 * 50 / 60 * 310' }) },
  { toolCalls: call('calculate', { expression: '2066.67 * 0.92' }) },
  {
    text: 'The Aurora burns about 2,067 litres on a summer day [fleet] [timetable], which cost about 1,901 [energy].',
  },
].map((turn, index) => ({ inputTokens: 900 + 350 * index, outputTokens: 60, ...turn }));

interface Researched {
  readonly outcome: 'answered' | 'out_of_budget' | 'out_of_turns';
  readonly answer: string;
  readonly turns: number;
  readonly refusal?: string;
}

/**
 * The research agent with the unmodified `openai` package, on a provider that answers by script: once with its own
 * budget, and once with one that ends before its answer. Nothing is called that does not fit.
 */
export async function demoResearch({ state }: Pick<LocalUpResult, 'state'>, projectDir: string): Promise<boolean> {
  const client = await connect({ kind: 'local' }, projectDir);
  const provider = await ScriptedProvider.start();
  provider.script = { turns: [...TURNS] };
  try {
    await useScriptedProvider(localClientSettings(state, state.credentials.admin), state.stage, provider.url);

    chapter('research-agent: an agent with tools, and a model behind the gateway (here a scripted one)');
    const answered = await narrate(client, { workflow: 'research-agent', input: { question: QUESTION } });
    if (!hasSucceeded(answered)) return false;
    const output = answered.output as unknown as Researched;
    say(indent(`  ${output.answer}`));
    const whole =
      (await tellCosts(client, answered)) && output.outcome === 'answered' && (await checkChain(client, answered));

    chapter(`The same question, with a budget of $${TOO_LITTLE}`);
    const before = provider.requests.length;
    const input = { question: QUESTION, wflo: { budgetUsd: TOO_LITTLE } };
    const ended = await narrate(client, { workflow: 'research-agent', input });
    if (!hasSucceeded(ended)) return false;
    const { outcome, refusal = '', turns } = ended.output as unknown as Researched;
    say(indent(`  refused before it left, in the words that the agent got:\n      ${refusal}`));
    const costed = await tellCosts(client, ended);
    const calls = provider.requests.length - before;
    const kept = outcome === 'out_of_budget' && calls === turns && (ended.costUsd ?? 1) <= Number(TOO_LITTLE);
    if (kept) done(`The provider was called ${calls} times, and not once more; the agent says what it has read`);
    else failed(`it ended as ${outcome} after ${calls} calls and ${turns} turns, for ${ended.costUsd}`);
    return whole && costed && kept && (await checkChain(client, ended));
  } finally {
    await provider.stop();
  }
}

function hasSucceeded({ executionId, status, error }: ExecutionView): boolean {
  if (status !== 'succeeded')
    failed(`${executionId} ended ${status}${error === undefined ? '' : `: ${error.message}`}`);
  return status === 'succeeded';
}

/** What was spent, by the ledger; true where the sum over its entries is what the execution says. */
async function tellCosts(
  client: ControlApiClient,
  { executionId, costUsd, budgetUsd }: ExecutionView,
): Promise<boolean> {
  const { entries, budgets } = await client.executionCosts(executionId);
  const models = entries.filter(({ kind }) => kind === 'call');
  const tasks = entries.filter(({ kind }) => kind === 'compute');
  const sum = (of: typeof entries) => dollars(sumUsd(...of.map((entry) => usd(entry.costUsd))));
  const held = budgets.find(({ kind }) => kind === 'execution')?.heldUsd;
  const agrees = sum(entries) === costUsd && held === 0;
  const text = `${models.length} model calls for ${exactUsd(sum(models))}, the sandbox for ${exactUsd(sum(tasks))}: ${exactUsd(costUsd ?? 0)} of ${exactUsd(budgetUsd ?? 0)}`;
  if (agrees) done(text);
  else failed(`${text}, but the execution says ${costUsd}, and ${held} are held`);
  return agrees;
}
