import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compileWorkflow } from '../../../lib/compiler/compile.ts';
import { type BudgetOptions, type SandboxOptions, usd, workflow } from '../../../lib/index.ts';

const step = { image: 'python', command: ['run'] } as const;

function define(budget: unknown, options: { readonly [name: string]: unknown } = {}) {
  return workflow('sample', { input: z.object({}), budget: budget as BudgetOptions }, (w) => {
    w.sandbox('plan', { ...step, agent: 'planner' });
    w.sandbox('research', { ...step, ...options } as SandboxOptions<undefined, false>);
  });
}

function findingsOf(budget: unknown, options: { readonly [name: string]: unknown } = {}): readonly string[] {
  const { definition, findings } = define(budget, options);
  const result = compileWorkflow(definition, findings);
  return result.ok ? [] : result.findings.map(({ code, path }) => `${code} ${path}`);
}

describe('a budget', () => {
  it('is data: nano-USD, thousandths that rise, and what a refusal means', () => {
    const { definition } = define({
      execution: usd(50),
      agents: { planner: usd('1.5'), research: usd(2) },
      daily: usd(100),
      monthly: usd(50),
      alertsAt: [0.9, 0.5, 0.75, 0.5, 1, 0.001],
      onExceeded: 'ask',
    });
    expect(definition.budget).toEqual({
      execution: 50_000_000_000,
      agents: { planner: 1_500_000_000, research: 2_000_000_000 },
      daily: 100_000_000_000,
      monthly: 50_000_000_000,
      alertsAt: [1, 500, 750, 900, 1000],
      onExceeded: 'ask',
    });
  });

  it('limits nothing, and stops nothing, where it is not there', () => {
    expect(define(undefined).definition).not.toHaveProperty('budget');
    expect(define({}).definition.budget).toEqual({ agents: {}, alertsAt: [], onExceeded: 'stop' });
    expect(findingsOf({})).toEqual([]);
  });

  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, 5n, 2 ** 53])('is not %s', (amount) => {
    expect(findingsOf({ execution: amount, daily: amount, monthly: amount, agents: { planner: amount } })).toEqual([
      'invalid_budget sample/budget.execution',
      'invalid_budget sample/budget.agents.planner',
      'invalid_budget sample/budget.daily',
      'invalid_budget sample/budget.monthly',
    ]);
  });

  it.each([0, 1.001, -0.5, 0.0005, 0.12345, Number.NaN, '0.5', null])('alerts at no %s', (at) => {
    expect(findingsOf({ execution: usd(1), alertsAt: [0.5, at] })).toEqual([
      'invalid_budget sample/budget.alertsAt[1]',
    ]);
  });

  it('is for agents that there are: by `agent`, else by the name of the step', () => {
    expect(findingsOf({ agents: { planner: usd(1), research: usd(1) } })).toEqual([]);
    expect(findingsOf({ agents: { plan: usd(1), 'Not A Name': usd(1), __proto__: usd(1) } })).toEqual([
      'invalid_budget sample/budget.agents.plan',
      'invalid_budget sample/budget.agents.Not A Name',
    ]);
    const { definition, findings } = define({ agents: { writer: usd(1) } });
    const result = compileWorkflow(definition, findings);
    expect(result).toMatchObject({
      ok: false,
      findings: [
        { reason: 'no sandbox step has the agent "writer"', fix: expect.stringContaining("'planner', 'research'") },
      ],
    });
  });

  it('is refused with everything that is wrong with it at once', () => {
    expect(findingsOf({ executions: usd(1), agents: [], alertsAt: 0.5, onExceeded: 'pause' })).toEqual([
      'invalid_budget sample/budget.executions',
      'invalid_budget sample/budget.agents',
      'invalid_budget sample/budget.alertsAt',
      'invalid_budget sample/budget.onExceeded',
    ]);
    expect(findingsOf(usd(5))).toEqual(['invalid_budget sample/budget']);
    expect(findingsOf(null)).toEqual(['invalid_budget sample/budget']);
  });
});

describe('the models of a step', () => {
  it('are none where none is named, else as they were written', () => {
    const { body } = define(undefined, {
      models: ['claude-*', 'gpt-5.4-mini', 'anthropic.claude-v2:1', '*'],
    }).definition;
    expect(body[0]).not.toHaveProperty('models');
    expect(body[1]).toMatchObject({ models: ['claude-*', 'gpt-5.4-mini', 'anthropic.claude-v2:1', '*'] });
  });

  it.each(['', ' gpt', 'gpt 5', 'gpt\n', 'gpt$', 'é', '-x', 'x'.repeat(257), 5, null])('are not %j', (name) => {
    expect(findingsOf(undefined, { models: ['gpt-5', name] })).toEqual(['invalid_budget sample/research.models[1]']);
  });

  it.each([[[]], ['claude-*'], [{}]])('are a list with names in it, not %j', (models) => {
    expect(findingsOf(undefined, { models })).toEqual(['invalid_budget sample/research.models']);
  });

  it('cannot be references', () => {
    const made = workflow('sample', { input: z.object({ model: z.string() }) }, (w) => {
      w.sandbox('plan', { ...step, models: [w.input.model as unknown as string, `gpt-${w.input.model}`] });
    });
    expect(made.findings.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'invalid_budget sample/plan.models[0]',
      'invalid_budget sample/plan.models[1]',
      'reference_in_text sample/plan.models[1]',
    ]);
  });
});

describe('the rate of a step', () => {
  it('is any of three whole numbers', () => {
    const limit = fc.integer({ min: 1 });
    const rates = fc.record(
      { requestsPerMinute: limit, tokensPerMinute: limit, concurrent: limit },
      { requiredKeys: ['concurrent'] },
    );
    fc.assert(
      fc.property(rates, (rate) => {
        const { definition, findings } = define(undefined, { rate });
        expect(findings).toEqual([]);
        expect(definition.body[1]).toMatchObject({ rate });
      }),
    );
  });

  it.each([0, -1, 0.5, Number.NaN, '60', null])('has no limit of %j', (limit) => {
    expect(findingsOf(undefined, { rate: { requestsPerMinute: limit, concurrent: 1 } })).toEqual([
      'invalid_budget sample/research.rate.requestsPerMinute',
    ]);
  });

  it('is refused where it limits nothing, or what there is not', () => {
    expect(findingsOf(undefined, { rate: {} })).toEqual(['invalid_budget sample/research.rate']);
    expect(findingsOf(undefined, { rate: 5 })).toEqual(['invalid_budget sample/research.rate']);
    expect(findingsOf(undefined, { rate: { requestPerMinute: 5 } })).toEqual([
      'invalid_budget sample/research.rate.requestPerMinute',
    ]);
  });
});
