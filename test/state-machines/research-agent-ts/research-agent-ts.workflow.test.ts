import { describe, expect, it } from 'vitest';
import { minutes } from '../../../lib/index.ts';
import { fails, testWorkflow } from '../../../lib/testing/index.ts';
import workflow from '../../../state-machines/research-agent-ts/workflow.ts';

const input = { question: 'What does the diesel of the Aurora cost on a day in summer?' };
const answered = {
  outcome: 'answered',
  answer: 'About 1,901 [fleet] [energy].',
  citations: [{ id: 'fleet', title: 'The fleet' }],
  read: ['fleet', 'energy'],
  toolCalls: ['search', 'read', 'read', 'calculate'],
  turns: 4,
} as const;

describe('research-agent-ts', () => {
  it('asks the agent with defaults, and hands on its answer', async () => {
    const run = await testWorkflow(workflow, { input, steps: { research: { output: answered } } });
    expect(run.step('research').attempts[0]?.input).toMatchObject({ ...input, maxTurns: 12, maxOutputTokens: 800 });
    expect(run).toMatchObject({ status: 'succeeded', output: answered });
  });

  it('succeeds with what was read when the budget of the agent has ended', async () => {
    const output = {
      ...answered,
      outcome: 'out_of_budget',
      answer: '',
      citations: [],
      refusal: 'budget exhausted',
    } as const;
    const run = await testWorkflow(workflow, { input, steps: { research: { output } } });
    expect(run).toMatchObject({ status: 'succeeded', output: { outcome: 'out_of_budget', read: ['fleet', 'energy'] } });
  });

  it.each([{}, { question: '' }, { ...input, model: 'gpt-unknown' }, { ...input, maxTurns: 0 }])(
    'refuses the input %o',
    async (given) => {
      const run = await testWorkflow(workflow, { input: given as typeof input });
      expect(run).toMatchObject({ status: 'failed', error: { code: 'invalid_input' }, began: [] });
    },
  );

  it('asks again when the sandbox was lost', async () => {
    const run = await testWorkflow(workflow, {
      input,
      steps: { research: ({ attempt }) => (attempt === 1 ? fails('sandbox_lost') : { output: answered }) },
    });
    expect(run.status).toBe('succeeded');
    expect(run.step('research').attempts).toHaveLength(2);
  });

  it('ends an agent that takes longer than its time limit', async () => {
    const run = await testWorkflow(workflow, {
      input,
      steps: { research: { output: answered, takes: minutes(16) } },
    });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'timed_out' } });
  });
});
