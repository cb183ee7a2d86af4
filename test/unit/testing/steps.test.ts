import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { minutes, seconds, text, workflow } from '../../../lib/index.ts';
import { fails, type StepCall, testWorkflow } from '../../../lib/testing/index.ts';

const input = z.object({ table: z.string(), days: z.number().int().default(30) });
const agent = { image: 'python', command: ['run'] } as const;

/** A sandbox, and a function that gets what it wrote. */
const twoSteps = workflow('two-steps', { input }, (w) => {
  const plan = w.sandbox('plan', {
    ...agent,
    command: ['run', text`--days=${w.input.days}`],
    env: { TABLE: w.input.table },
    input: { table: w.input.table },
    output: z.object({ ids: z.array(z.string()), note: z.string().default('none') }),
  });
  const applied = w.lambda('apply', {
    function: './f.ts',
    with: { ids: plan.output.ids, note: plan.output.note },
    effects: 'reversible',
    output: z.object({ count: z.number() }),
  });
  return { count: applied.output.count, ids: plan.output.ids };
});

describe('steps of a tested workflow', () => {
  it('get what the definition says, with references, texts and defaults filled in', async () => {
    const run = await testWorkflow(twoSteps, {
      input: { table: 'orders' },
      steps: { plan: { output: { ids: ['a'] } }, apply: { output: { count: 1 } } },
    });
    expect(run.status).toBe('succeeded');
    expect(run.output).toEqual({ count: 1, ids: ['a'] });
    expect(run.error).toBeUndefined();
    expect(run.step('plan')).toMatchObject({
      kind: 'sandbox',
      status: 'succeeded',
      output: { ids: ['a'], note: 'none' },
    });
    expect(run.step('plan').attempts[0]).toMatchObject({
      command: ['run', '--days=30'],
      env: { TABLE: 'orders' },
      input: { table: 'orders' },
    });
    expect(run.step('apply').attempts[0]?.input).toEqual({ ids: ['a'], note: 'none' });
    expect(run.steps.map(({ path }) => path)).toEqual(['plan', 'apply']);
  });

  it('tell a stub that is a function what they get', async () => {
    const calls: StepCall[] = [];
    await testWorkflow(twoSteps, {
      input: { table: 'orders', days: 7 },
      start: new Date('2026-05-01T00:00:00Z'),
      steps: {
        plan: (call) => {
          calls.push(call);
          return { output: { ids: ['a'] }, takes: seconds(20) };
        },
        apply: async (call) => {
          calls.push(call);
          return { output: { count: 1 } };
        },
      },
    });
    expect(calls).toEqual([
      {
        path: 'plan',
        attempt: 1,
        input: { table: 'orders' },
        command: ['run', '--days=7'],
        env: { TABLE: 'orders' },
        now: new Date('2026-05-01T00:00:00Z'),
      },
      {
        path: 'apply',
        attempt: 1,
        input: { ids: ['a'], note: 'none' },
        idempotencyKey: expect.stringMatching(/^two-steps:test\/apply\//),
        now: new Date('2026-05-01T00:00:20Z'),
      },
    ]);
  });

  it('fail with an output that does not fit, as they would', async () => {
    const run = await testWorkflow(twoSteps, { input: { table: 'orders' }, steps: { plan: { output: { ids: 'a' } } } });
    expect(run.status).toBe('failed');
    expect(run.error).toMatchObject({ code: 'invalid_output', stepPath: 'plan' });
    expect(run.error?.message).toContain('/ids must be array');
    expect(run.step('plan').attempts).toHaveLength(1);
    expect(run.step('apply')).toMatchObject({ status: 'pending', attempts: [] });
  });

  it('fail without an output that they declare', async () => {
    const noOutput = await testWorkflow(twoSteps, { input: { table: 'orders' }, steps: { plan: {} } });
    expect(noOutput.error?.code).toBe('no_output');
    const steps = { plan: { output: { ids: [] } }, apply: {} };
    const returnsNothing = await testWorkflow(twoSteps, { input: { table: 'orders' }, steps });
    expect(returnsNothing.error).toMatchObject({ code: 'invalid_output', stepPath: 'apply' });
  });

  it('fail with an output that is larger than a sandbox may leave', async () => {
    const output = { ids: ['x'.repeat(10 * 1024 * 1024)] };
    const run = await testWorkflow(twoSteps, { input: { table: 'orders' }, steps: { plan: { output } } });
    expect(run.error).toMatchObject({ code: 'output_too_large', stepPath: 'plan' });
  });

  it('fail where the input of a step has a text with a NUL in it', async () => {
    const run = await testWorkflow(twoSteps, { input: { table: 'a\0b' } });
    expect(run.error).toMatchObject({ code: 'invalid_env', stepPath: 'plan' });
    expect(run.step('plan').attempts[0]).not.toHaveProperty('input');
  });

  it('hand on JSON: a Date is its text, and a field that is undefined is gone', async () => {
    const dated = workflow('dated', { input: z.object({}) }, (w) => {
      const read = w.lambda('read', { function: './f.ts', effects: 'none', output: z.object({ at: z.string() }) });
      return read.output;
    });
    const output = { at: new Date('2026-05-01T00:00:00Z'), gone: undefined };
    expect((await testWorkflow(dated, { steps: { read: { output } } })).output).toEqual({
      at: '2026-05-01T00:00:00.000Z',
    });
  });

  it('hand on the workspace that they keep', async () => {
    const carried = workflow('carried', { input: z.object({}) }, (w) => {
      const make = w.sandbox('make', { ...agent, keepWorkspace: true });
      w.sandbox('check', { ...agent, workspace: make.workspace });
    });
    let from: string | undefined;
    const run = await testWorkflow(carried, {
      steps: {
        make: {},
        check: ({ workspaceFrom }) => {
          from = workspaceFrom;
          return {};
        },
      },
    });
    expect(run).toMatchObject({ status: 'succeeded', output: null });
    expect(from).toBe('make');
    expect(run.step('check').attempts[0]?.workspaceFrom).toBe('make');
  });
});

describe('a failed attempt', () => {
  const one = (effects: 'none' | 'reversible', idempotent = false) =>
    workflow('one', { input: z.object({}) }, (w) => {
      w.sandbox('work', {
        ...agent,
        effects,
        idempotent,
        timeout: minutes(2),
        retry: { maxRetries: 2, initialDelay: seconds(8) },
      });
    });

  it.each([
    ['agent_failed', 3],
    ['killed', 3],
    ['sandbox_lost', 3],
    ['runner_error', 3],
    ['image_error', 3],
    ['sandbox_not_started', 3],
    ['timed_out', 1],
    ['out_of_memory', 1],
    ['invalid_output', 1],
    ['output_too_large', 1],
    ['invalid_workspace', 1],
    ['workspace_too_large', 1],
  ] as const)('of a harmless sandbox with %s is made %i times', async (code, attempts) => {
    const run = await testWorkflow(one('none'), { steps: { work: fails(code) } });
    expect(run).toMatchObject({ status: 'failed', error: { code, stepPath: 'work' } });
    expect(run.step('work').attempts).toHaveLength(attempts);
  });

  it.each([
    ['agent_failed', 'agent_failed', 1],
    ['sandbox_lost', 'outcome_unknown', 1],
    ['runner_error', 'outcome_unknown', 1],
    ['image_error', 'image_error', 3],
    ['sandbox_not_started', 'sandbox_not_started', 3],
  ] as const)('of a sandbox that changes things, with %s, ends as %s', async (code, told, attempts) => {
    const run = await testWorkflow(one('reversible'), { steps: { work: fails(code) } });
    expect(run.error?.code).toBe(told);
    expect(run.step('work').attempts).toHaveLength(attempts);
  });

  it('is repeated after an idempotent step was lost', async () => {
    const work = ({ attempt }: StepCall) => (attempt === 1 ? fails('sandbox_lost') : {});
    expect((await testWorkflow(one('reversible', true), { steps: { work } })).status).toBe('succeeded');
  });

  it('says what the stub says', async () => {
    const steps = { work: fails('timed_out', 'too slow') };
    expect((await testWorkflow(one('none'), { steps })).error?.message).toBe('too slow');
    const exit = { work: fails('agent_failed', undefined, { exitCode: 7 }) };
    expect((await testWorkflow(one('none'), { steps: exit })).error?.message).toBe('the agent ended with code 7');
  });

  it('is followed by a delay with the jitter of the test', async () => {
    const steps = { work: fails('agent_failed') };
    const delays = async (random?: number) =>
      (await testWorkflow(one('none'), { steps, ...(random === undefined ? {} : { random }) }))
        .step('work')
        .attempts.map(({ waitSeconds }) => waitSeconds);
    expect(await delays()).toEqual([4, 8, 0]);
    expect(await delays(0)).toEqual([0, 0, 0]);
    expect(await delays(0.999)).toEqual([8, 16, 0]);
  });

  it('ends at the time limit of its step', async () => {
    const run = await testWorkflow(one('none'), { steps: { work: { takes: minutes(3) } } });
    expect(run).toMatchObject({ error: { code: 'timed_out' }, seconds: 120 });
    expect(run.error?.message).toContain('120 s');
  });

  const call = (effects: 'none' | 'reversible') =>
    workflow('call', { input: z.object({}) }, (w) => {
      w.lambda('work', { function: './f.ts', effects, timeout: seconds(30) });
    });

  it.each([
    ['none', 'function_failed', 'function_failed', 3],
    ['reversible', 'function_failed', 'function_failed', 1],
    ['none', 'lost', 'function_failed', 3],
    ['reversible', 'lost', 'outcome_unknown', 1],
    ['none', 'timed_out', 'timed_out', 1],
  ] as const)('of a function with effects %s and %s ends as %s', async (effects, code, told, attempts) => {
    const run = await testWorkflow(call(effects), { steps: { work: fails(code) } });
    expect(run.error?.code).toBe(told);
    expect(run.step('work').attempts).toHaveLength(attempts);
  });

  it('of a function ends at the time limit of its step', async () => {
    const steps = { work: fails('function_failed', 'boom', { takes: seconds(31) }) };
    const run = await testWorkflow(call('none'), { steps });
    expect(run).toMatchObject({ error: { code: 'timed_out' }, seconds: 30 });
  });
});
