import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionCostsAnswer } from '../../lib/client/api.ts';
import { installDependencies } from '../../lib/local-cloud/install-dependencies.ts';
import { localAws } from '../_helpers/local-aws.ts';
import { useScriptedProvider } from '../_helpers/provider-secrets.ts';
import { itResearches, TASK, TURNS } from '../_helpers/research-agent.ts';
import { runAgent } from '../_helpers/run-agent.ts';
import { ScriptedProvider } from '../_helpers/scripted-provider/scripted-provider.ts';
import { runToEnd, wfloJson } from '../_helpers/wflo.ts';

const root = join(import.meta.dirname, '../..');
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await ScriptedProvider.start();
  await installDependencies(root, process.env, () => undefined);
  const { endpoint, region, credentials, stage } = await localAws();
  await useScriptedProvider({ endpoint, region, credentials }, stage, provider.url);
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

describe('the research agent in Python, with the openai package of its vendor folder', () => {
  itResearches(
    () => provider,
    (given) =>
      runAgent(
        join(root, 'state-machines/research-agent/agent'),
        ['python3', 'research.py'],
        { ...TASK, model: 'gpt-4o-mini', ...given },
        { PYTHONPATH: 'vendor', OPENAI_BASE_URL: `${provider.url}/openai/v1`, OPENAI_API_KEY: 'wflo' },
      ),
  );
});

describe.each([
  // One call fits, and not all four.
  { workflow: 'research-agent', tooLittle: '0.0009' },
  { workflow: 'research-agent-ts', tooLittle: '0.008' },
])('the workflow $workflow', ({ workflow, tooLittle }) => {
  const run = (budgetUsd: string) => {
    provider.script = { turns: TURNS.map((turn) => ({ inputTokens: 1000, outputTokens: 100, ...turn })) };
    return runToEnd(workflow, { ...TASK, wflo: { budgetUsd } });
  };

  it('answers from its sandbox, and every call is in the ledger', async () => {
    const view = await run('0.20');
    expect(view).toMatchObject({ status: 'succeeded', output: { outcome: 'answered', turns: 4 } });
    const { entries, budgets } = await wfloJson<ExecutionCostsAnswer>('costs', view.executionId);
    const calls = entries.filter(({ kind }) => kind === 'call');
    expect(
      calls.map(({ agent, inputTokens, outputTokens, source }) => [agent, inputTokens, outputTokens, source]),
    ).toEqual(Array(4).fill(['researcher', 1000, 100, 'reported']));
    expect(budgets[0]).toMatchObject({ kind: 'execution', limitUsd: 0.2, heldUsd: 0, spentUsd: view.costUsd });
  });

  it('ends before the call that does not fit, and says so', async () => {
    const view = await run(tooLittle);
    expect(view).toMatchObject({ status: 'succeeded', output: { outcome: 'out_of_budget' } });
    const { turns } = view.output as unknown as { readonly turns: number };
    expect(provider.requests).toHaveLength(turns);
    expect(turns).toBeGreaterThan(0);
    expect(turns).toBeLessThan(4);
    expect(view.costUsd).toBeLessThanOrEqual(Number(tooLittle));
  });
});
