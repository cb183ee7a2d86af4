import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type AuthoredCondition,
  and,
  eq,
  ge,
  group,
  gt,
  hours,
  le,
  lt,
  minutes,
  ne,
  not,
  or,
  type Ref,
  seconds,
  usd,
  workflow,
} from '../../../lib/index.ts';
import { approvedBy, fails, type StepStub, testWorkflow } from '../../../lib/testing/index.ts';

const agent = { image: 'python', command: ['run'] } as const;

describe('the input of a tested workflow', () => {
  const echo = workflow('echo', { input: z.object({ n: z.number().default(3) }) }, (w) => {
    w.sandbox('work', agent);
    return { n: w.input.n };
  });
  const steps = { work: {} };

  it('is accepted with its defaults', async () => {
    expect((await testWorkflow(echo, { steps })).output).toEqual({ n: 3 });
    expect((await testWorkflow(echo, { steps, input: { n: 4, wflo: {} } })).output).toEqual({ n: 4 });
  });

  it.each([
    ['invalid_input', { n: 'three' }],
    ['invalid_input', [1]],
    ['unknown_option', { wflo: { budget: 1 } }],
  ])('is refused with %s before anything begins', async (code, input) => {
    const run = await testWorkflow(echo, { input, steps });
    expect(run).toMatchObject({ status: 'failed', error: { code }, began: [], seconds: 0 });
  });
});

describe('conditions', () => {
  const facts = z.object({ n: z.number(), other: z.number(), word: z.string(), flag: z.boolean() });
  const values = { n: 5, other: 6, word: 'beta', flag: true };
  type Fields = Ref<z.output<typeof facts>>;

  /** The step that a condition leads to. */
  async function chosen(condition: (fields: Fields) => AuthoredCondition): Promise<string | undefined> {
    const decide = workflow('decide', { input: facts }, (w) => {
      w.when(
        'check',
        condition(w.input),
        () => w.sandbox('yes', agent),
        () => w.sandbox('no', agent),
      );
    });
    return (await testWorkflow(decide, { input: values, steps: { yes: {}, no: {} } })).began[0];
  }

  const cases: readonly (readonly [string, 'yes' | 'no', (fields: Fields) => AuthoredCondition])[] = [
    ['n = 5', 'yes', (f) => eq(f.n, 5)],
    ['n = 6', 'no', (f) => eq(f.n, 6)],
    ['equal texts', 'yes', (f) => eq(f.word, 'beta')],
    ['unequal booleans', 'no', (f) => eq(f.flag, false)],
    ['unequal texts', 'yes', (f) => ne(f.word, 'alpha')],
    ['n < 5', 'no', (f) => lt(f.n, 5)],
    ['n ≤ 5', 'yes', (f) => le(f.n, 5)],
    ['n > 4', 'yes', (f) => gt(f.n, 4)],
    ['n ≥ 6', 'no', (f) => ge(f.n, 6)],
    ['texts by order', 'yes', (f) => gt(f.word, 'alpha')],
    ['texts by code point', 'no', (f) => gt(f.word, '\u{1F600}')],
    ['two fields', 'yes', (f) => lt(f.n, f.other)],
    ['and, not', 'yes', (f) => and(lt(f.n, f.other), not(eq(f.word, 'alpha')))],
    ['or', 'no', (f) => or(gt(f.n, f.other), eq(f.flag, false))],
  ];
  it.each(cases)('decide on %s: %s', async (_, to, condition) => {
    expect(await chosen(condition)).toBe(to);
  });

  it('go on after the block, also where there is none for it', async () => {
    const optional = workflow('optional', { input: z.object({ dry: z.boolean() }) }, (w) => {
      w.when('really', eq(w.input.dry, false), () => w.sandbox('act', agent));
      w.sandbox('tell', agent);
    });
    const steps = { act: {}, tell: {} };
    expect((await testWorkflow(optional, { input: { dry: true }, steps })).began).toEqual(['tell']);
    expect((await testWorkflow(optional, { input: { dry: false }, steps })).began).toEqual(['act', 'tell']);
  });
});

describe('waits', () => {
  const waiting = workflow(
    'waiting',
    { input: z.object({ pause: z.number().int().nonnegative() }), timeout: hours(2) },
    (w) => {
      w.wait('first', minutes(10));
      w.wait('second', w.input.pause);
      w.sandbox('work', agent);
    },
  );

  it('take virtual time only', async () => {
    const begun = Date.now();
    const run = await testWorkflow(waiting, {
      input: { pause: 90 },
      steps: { work: {} },
      start: new Date('2026-05-01T00:00:00Z'),
    });
    expect(run).toMatchObject({
      seconds: 690,
      startedAt: new Date('2026-05-01T00:00:00Z'),
      endedAt: new Date('2026-05-01T00:11:30Z'),
      began: ['first', 'second', 'work'],
      waits: [
        { path: 'first', seconds: 600 },
        { path: 'second', seconds: 90 },
      ],
    });
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  it('fail where they are longer than Step Functions allows', async () => {
    const run = await testWorkflow(waiting, { input: { pause: 100_000_000 } });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(run.error?.message).toContain('SecondsPath');
  });

  it('end with the time limit of the workflow', async () => {
    const run = await testWorkflow(waiting, { input: { pause: 2 * 3600 } });
    expect(run).toMatchObject({ status: 'timed_out', error: { code: 'timed_out' }, seconds: 2 * 3600 });
    expect(run.began).toEqual(['first', 'second']);
  });
});

describe('the time limit of a workflow', () => {
  it('cuts off the step that runs', async () => {
    const long = workflow('long', { input: z.object({}), timeout: hours(1) }, (w) => {
      w.sandbox('harmless', { ...agent, timeout: minutes(50) });
      w.lambda('acts', { function: './f.ts', effects: 'reversible', timeout: minutes(14) });
    });
    const run = await testWorkflow(long, { steps: { harmless: { takes: minutes(50) }, acts: { takes: minutes(11) } } });
    expect(run.status).toBe('timed_out');
    expect(run.step('harmless').status).toBe('succeeded');
    expect(run.step('acts').status).toBe('outcome_unknown');
  });

  it('counts the delays between attempts', async () => {
    const slow = workflow('slow', { input: z.object({}), timeout: minutes(5) }, (w) => {
      w.sandbox('work', {
        ...agent,
        timeout: minutes(1),
        retry: { maxRetries: 3, initialDelay: minutes(20), maxDelay: minutes(60) },
      });
    });
    const run = await testWorkflow(slow, { steps: { work: fails('agent_failed') } });
    expect(run).toMatchObject({ status: 'timed_out', seconds: 300 });
  });
});

describe('parallel branches', () => {
  const branches = workflow('branches', { input: z.object({}) }, (w) => {
    const out = { ...agent, output: z.object({ n: z.number() }) };
    const results = w.parallel('both', {
      left: () => {
        w.sandbox('left-one', out);
        return w.sandbox('left-two', out).output.n;
      },
      right: () => {
        w.wait('pause', minutes(1));
        return w.sandbox('right-one', out).output.n;
      },
    });
    w.sandbox('after', { ...agent, input: { left: results.left, right: results.right } });
    return { sum: [results.left, results.right] };
  });
  const output = (n: number, takes = 0): StepStub => ({ output: { n }, takes: seconds(takes) });

  it('run beside each other, and hand on what they made', async () => {
    const run = await testWorkflow(branches, {
      steps: {
        'left-one': output(1, 50),
        'left-two': output(2, 50),
        'right-one': output(3, 5),
        after: {},
      },
    });
    expect(run.output).toEqual({ sum: [2, 3] });
    expect(run.step('after').attempts[0]?.input).toEqual({ left: 2, right: 3 });
    expect(run.began).toEqual(['left-one', 'pause', 'left-two', 'right-one', 'after']);
    expect(run.seconds).toBe(100);
  });

  it('run in the order of the definition where they take no time', async () => {
    const steps = { 'left-one': output(1), 'left-two': output(2), 'right-one': output(3), after: {} };
    const began = ['left-one', 'left-two', 'pause', 'right-one', 'after'];
    for (const _ of [1, 2, 3]) expect((await testWorkflow(branches, { steps })).began).toEqual(began);
  });

  it('end with the first failure, which cuts off the others', async () => {
    const run = await testWorkflow(branches, {
      steps: { 'left-one': output(1, 300), 'right-one': fails('out_of_memory') },
    });
    expect(run).toMatchObject({
      status: 'failed',
      error: { code: 'out_of_memory', stepPath: 'right-one' },
      seconds: 60,
    });
    expect(run.step('left-one').status).toBe('cancelled');
    expect(run.step('left-two').status).toBe('pending');
    expect(run.step('after').status).toBe('pending');
  });

  it('nest', async () => {
    const nested = workflow('nested', { input: z.object({ deep: z.boolean() }) }, (w) => {
      w.parallel('outer', {
        a: () => {
          w.parallel('inner', {
            x: () => w.sandbox('x', agent),
            y: () => w.when('deep', eq(w.input.deep, true), () => w.sandbox('y', agent)),
          });
          w.sandbox('a', agent);
        },
        b: () => w.sandbox('b', agent),
      });
    });
    const took = { takes: seconds(10) };
    const run = await testWorkflow(nested, { input: { deep: true }, steps: { x: took, y: took, a: took, b: took } });
    expect(run).toMatchObject({ status: 'succeeded', seconds: 20, began: ['b', 'x', 'y', 'a'] });
    const failed = await testWorkflow(nested, {
      input: { deep: true },
      steps: { x: took, y: fails('timed_out'), b: took },
    });
    expect(failed).toMatchObject({ status: 'failed', error: { stepPath: 'y' } });
  });
});

describe('a workflow with maxConcurrent', () => {
  it('runs, because a test has one execution', async () => {
    const bounded = workflow('bounded', { input: z.object({}), maxConcurrent: 1 }, (w) => {
      w.sandbox('work', agent);
    });
    for (const _ of [1, 2]) expect((await testWorkflow(bounded, { steps: { work: {} } })).status).toBe('succeeded');
  });
});

describe('a budget', () => {
  const budgeted = workflow('budgeted', { input: z.object({}), budget: { execution: usd(5) } }, (w) => {
    w.sandbox('work', { ...agent, models: ['claude-*'], rate: { concurrent: 2 } });
    w.sandbox('more', agent);
  });

  it('suffices in a test, where nothing costs anything', async () => {
    const run = await testWorkflow(budgeted, {
      steps: { work: {}, more: {} },
      input: { wflo: { budgetUsd: '0.01' } },
    });
    expect(run.status).toBe('succeeded');
  });

  it('that an agent has used up ends the execution so', async () => {
    const run = await testWorkflow(budgeted, { steps: { work: fails('budget_exceeded') } });
    expect(run).toMatchObject({ status: 'budget_exceeded', error: { code: 'budget_exceeded' }, began: ['work'] });
    expect(run.step('work')).toMatchObject({ status: 'failed' });
  });

  it('above that of the workflow is refused before anything begins', async () => {
    const run = await testWorkflow(budgeted, { steps: { work: {} }, input: { wflo: { budgetUsd: 6 } } });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'invalid_budget' }, began: [] });
  });

  it('does not keep a sandbox from running that people agreed to', async () => {
    const guarded = workflow('guarded', { input: z.object({}) }, (w) => {
      w.sandbox('act', { ...agent, approval: { from: [group('owners', 1)], within: hours(1) } });
    });
    const run = await testWorkflow(guarded, { steps: { act: {} }, approvals: { act: approvedBy('bob') } });
    expect(run.status).toBe('succeeded');
  });
});
