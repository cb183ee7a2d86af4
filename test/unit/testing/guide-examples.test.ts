import { describe, expect, it } from 'vitest';
import retire from '../../../docs/guides/examples/approved-step.ts';
import review from '../../../docs/guides/examples/carried-workspace.ts';
import triage from '../../../docs/guides/examples/every-step.ts';
import { approvedBy, testWorkflow } from '../../../lib/testing/index.ts';

describe('the examples of the authoring guide', () => {
  it('take one of two ways', async () => {
    const facts = { items: ['a'], score: 40, pauseSeconds: 30 };
    const steps = { 'collect-facts': { output: facts }, 'read-fast': {}, 'read-deep': {}, act: {}, explain: {} };
    const dry = await testWorkflow(triage, { input: { bucket: 'b' }, steps });
    expect(dry).toMatchObject({ status: 'succeeded', output: { score: 40, items: ['a'] }, seconds: 30 });
    expect(dry.began).toEqual(['collect-facts', 'read-fast', 'read-deep', 'settle', 'explain']);
    const wet = await testWorkflow(triage, { input: { bucket: 'b', dryRun: false }, steps });
    expect(wet.began.at(-1)).toBe('act');
    expect(wet.step('act').attempts[0]?.env).toEqual({ BUCKET: 'b' });
    expect(wet.step('collect-facts').attempts[0]?.input).toEqual({ source: 's3://b/incoming' });
  });

  it('carry a workspace', async () => {
    const steps = { generate: {}, check: { output: { passed: true } } };
    const run = await testWorkflow(review, { input: { ticket: 'T-1' }, steps });
    expect(run.output).toEqual({ passed: true, note: 'checked for T-1' });
    expect(run.step('generate').attempts[0]?.command).toEqual(['node', 'generate.mjs', 'T-1']);
  });

  it('ask two groups', async () => {
    const groups = { 'data-owners': ['ada', 'ben'], legal: ['ada', 'eve'] };
    const by = (...people: [string, ...string[]]) =>
      testWorkflow(retire, {
        input: { customer: 'c-1' },
        groups,
        steps: { erase: {} },
        approvals: { erase: approvedBy(...people) },
      });
    expect((await by('ada', 'ben', 'eve')).status).toBe('succeeded');
    // Ada counts for one of her groups only.
    expect((await by('ada', 'ben')).error?.code).toBe('approval_expired');
  });
});
