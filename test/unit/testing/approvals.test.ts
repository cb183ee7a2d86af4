import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { group, hours, minutes, seconds, workflow } from '../../../lib/index.ts';
import {
  type ApprovalRequest,
  approvedBy,
  expires,
  fails,
  rejectedBy,
  type StepCall,
  testWorkflow,
} from '../../../lib/testing/index.ts';

const agent = { image: 'python', command: ['run'] } as const;
const input = z.object({ table: z.string().default('orders') });
const oneOwner = { from: [group('data-owners', 1)], within: hours(4), executeWithin: minutes(30) };

/** A function that asks for approval of itself. */
const inline = (policy: object = {}, step: object = {}) =>
  workflow('inline', { input }, (w) => {
    w.lambda('erase', {
      function: './erase.ts',
      with: { table: w.input.table },
      effects: 'irreversible',
      approval: { ...oneOwner, ...policy },
      ...step,
    });
  });

/** A gate of its own, and something between it and the step that it protects. */
const gated = (same: boolean) =>
  workflow('gated', { input }, (w) => {
    const plan = w.sandbox('plan', { ...agent, output: z.object({ ids: z.array(z.string()) }) });
    const deletion = { table: w.input.table, ids: plan.output.ids };
    const confirmed = w.approval('confirm', { subject: deletion, ...oneOwner });
    w.sandbox('back-up', { ...agent, timeout: hours(1) });
    w.lambda('delete', {
      function: './delete.ts',
      with: same ? deletion : { table: w.input.table, ids: [] },
      effects: 'irreversible',
      requires: confirmed,
    });
  });
const planned = { output: { ids: ['a'] } };

describe('a step that asks for approval', () => {
  it('runs when it is approved', async () => {
    const run = await testWorkflow(inline(), {
      steps: { erase: {} },
      approvals: { erase: approvedBy('ada').after(minutes(10)) },
    });
    expect(run).toMatchObject({ status: 'succeeded', seconds: 600 });
    expect(run.approval('erase')).toMatchObject({
      attempt: 1,
      status: 'granted',
      from: [{ group: 'data-owners', min: 1 }],
      subject: { table: 'orders' },
      votes: [{ personId: 'ada', decision: 'approve' }],
      writtenByAgents: [],
      decidedAt: new Date('2026-01-01T00:10:00Z'),
      expiresAt: new Date('2026-01-01T04:00:00Z'),
    });
  });

  it('does not run when it is rejected', async () => {
    let called = 0;
    const run = await testWorkflow(inline(), {
      steps: {
        erase: () => {
          called += 1;
          return {};
        },
      },
      approvals: { erase: rejectedBy('ada', 'not today') },
    });
    expect(run).toMatchObject({ status: 'rejected', error: { code: 'approval_rejected', stepPath: 'erase' } });
    expect(run.error?.message).toMatch(/ada rejected .*not today/);
    expect(run.step('erase')).toMatchObject({ status: 'rejected' });
    expect(run.approval('erase').status).toBe('rejected');
    expect(called).toBe(0);
  });

  it('does not run when nobody decides in time', async () => {
    const run = await testWorkflow(inline(), { approvals: { erase: expires() } });
    expect(run).toMatchObject({ status: 'rejected', error: { code: 'approval_expired' }, seconds: 4 * 3600 });
    const late = await testWorkflow(inline(), { approvals: { erase: approvedBy('ada').after(hours(4)) } });
    expect(late.error?.code).toBe('approval_expired');
    expect(late.approval('erase').votes).toEqual([]);
  });

  it('runs when nobody decides and its policy allows that', async () => {
    const lenient = inline({ otherwise: 'approve' }, { effects: 'reversible' });
    const run = await testWorkflow(lenient, { steps: { erase: {} }, approvals: { erase: expires() } });
    expect(run).toMatchObject({ status: 'succeeded', seconds: 4 * 3600 });
    expect(run.approval('erase')).toMatchObject({ status: 'granted', votes: [] });
  });

  it('needs as many people as its policy says, from all groups', async () => {
    const two = inline({ from: [group('data-owners', 2), group('legal', 1)] });
    const steps = { erase: {} };
    const enough = await testWorkflow(two, { steps, approvals: { erase: approvedBy('ada', 'ben', 'eve') } });
    expect(enough.status).toBe('succeeded');
    const tooFew = await testWorkflow(two, { steps, approvals: { erase: approvedBy('ada', 'ben') } });
    expect(tooFew).toMatchObject({ status: 'rejected', error: { code: 'approval_expired' } });
    expect(tooFew.approval('erase').votes).toHaveLength(2);
  });

  it('takes decisions in the order of their times', async () => {
    const two = inline({ from: [group('data-owners', 2)] });
    const run = await testWorkflow(two, {
      steps: { erase: {} },
      approvals: { erase: [rejectedBy('ben', 'no').after(minutes(2)), approvedBy('ada').after(minutes(1))] },
    });
    expect(run.status).toBe('rejected');
    expect(run.approval('erase').votes.map(({ personId }) => personId)).toEqual(['ada', 'ben']);
  });

  it('asks with what it will get, and again after an attempt that may have acted', async () => {
    const requests: ApprovalRequest[] = [];
    const run = await testWorkflow(inline({}, { idempotent: true }), {
      steps: { erase: ({ attempt }: StepCall) => (attempt === 1 ? fails('lost') : {}) },
      approvals: {
        erase: (request) => {
          requests.push(request);
          return request.attempt === 1 ? approvedBy('ada') : [rejectedBy('ben', 'once is enough')];
        },
      },
    });
    expect(run.error?.code).toBe('approval_rejected');
    expect(requests).toMatchObject([
      { path: 'erase', attempt: 1, subject: { table: 'orders' }, from: [{ group: 'data-owners', min: 1 }] },
      { path: 'erase', attempt: 2 },
    ]);
  });

  it('keeps its approval for an attempt that never began', async () => {
    const sandboxed = workflow('sandboxed', { input }, (w) => {
      w.sandbox('work', { ...agent, effects: 'irreversible', approval: oneOwner });
    });
    const run = await testWorkflow(sandboxed, {
      steps: { work: ({ attempt }) => (attempt === 1 ? fails('sandbox_not_started') : {}) },
      approvals: { work: approvedBy('ada') },
    });
    expect(run.status).toBe('succeeded');
    expect(run.step('work').attempts).toHaveLength(2);
    expect(run.approvals).toHaveLength(1);
  });
});

describe('people of a tested workflow', () => {
  const steps = { erase: {} };

  it('may not approve what they started', async () => {
    const approvals = { erase: approvedBy('ada') };
    const run = testWorkflow(inline(), { steps, approvals, requester: 'ada' });
    await expect(run).rejects.toMatchObject({ code: 'requester_may_not_decide' });
    const allowed = inline({ notRequester: false });
    expect((await testWorkflow(allowed, { steps, approvals, requester: 'ada' })).status).toBe('succeeded');
  });

  it('are in the groups that the test names', async () => {
    const groups = { 'data-owners': ['ada'] };
    const by = (person: string) => testWorkflow(inline(), { steps, groups, approvals: { erase: approvedBy(person) } });
    expect((await by('ada')).status).toBe('succeeded');
    await expect(by('ben')).rejects.toMatchObject({ code: 'not_an_approver' });
  });

  it('are too few for a gate: nothing begins', async () => {
    for (const groups of [{}, { 'data-owners': [] }, { 'data-owners': ['ada'] }]) {
      const run = await testWorkflow(inline(), { steps, groups, requester: 'ada' });
      expect(run).toMatchObject({ status: 'failed', error: { code: 'approvers_missing' }, began: [] });
    }
  });

  it('have to give a reason to reject', async () => {
    const run = testWorkflow(inline(), { steps, approvals: { erase: rejectedBy('ada', ' ') } });
    await expect(run).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('a gate of its own', () => {
  const steps = { plan: planned, 'back-up': { takes: minutes(10) }, delete: {} };

  it('lets the step act on what was approved', async () => {
    const run = await testWorkflow(gated(true), { steps, approvals: { confirm: approvedBy('ada') } });
    expect(run.status).toBe('succeeded');
    expect(run.began).toEqual(['plan', 'confirm', 'back-up', 'delete']);
    expect(run.step('confirm')).toMatchObject({ kind: 'approval', status: 'succeeded' });
    expect(run.step('confirm').attempts[0]?.subject).toEqual({ table: 'orders', ids: ['a'] });
    expect(run.approval('confirm').writtenByAgents).toEqual([{ field: 'subject.ids', step: 'plan' }]);
  });

  it('lets it act on nothing else', async () => {
    const run = await testWorkflow(gated(false), { steps, approvals: { confirm: approvedBy('ada') } });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'not_approved', stepPath: 'delete' } });
    expect(run.step('delete').attempts[0]?.startedAt).toBeUndefined();
  });

  it('is good for so long', async () => {
    let called = false;
    const run = await testWorkflow(gated(true), {
      steps: {
        ...steps,
        'back-up': { takes: minutes(30) },
        delete: () => {
          called = true;
          return {};
        },
      },
      approvals: { confirm: approvedBy('ada') },
    });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'approval_stale', stepPath: 'delete' } });
    expect(called).toBe(false);
  });

  it('holds a sandbox in the same way', async () => {
    const late = workflow('late', { input }, (w) => {
      const confirmed = w.approval('confirm', { subject: { go: true }, ...oneOwner, executeWithin: seconds(30) });
      w.wait('pause', minutes(1));
      w.sandbox('work', { ...agent, input: { go: true }, effects: 'irreversible', requires: confirmed });
    });
    let called = false;
    const work = () => {
      called = true;
      return {};
    };
    const run = await testWorkflow(late, { steps: { work }, approvals: { confirm: approvedBy('ada') } });
    expect(run.error).toMatchObject({ code: 'approval_stale', stepPath: 'work' });
    expect(called).toBe(false);
  });

  it('ends the execution when it is rejected, and what comes after does not begin', async () => {
    const run = await testWorkflow(gated(true), { steps, approvals: { confirm: rejectedBy('ada', 'no') } });
    expect(run).toMatchObject({ status: 'rejected', error: { code: 'approval_rejected', stepPath: 'confirm' } });
    expect(run.began).toEqual(['plan', 'confirm']);
  });

  it('protects a step that is not repeated once it began', async () => {
    const run = await testWorkflow(gated(true), {
      steps: { ...steps, delete: fails('function_failed') },
      approvals: { confirm: approvedBy('ada') },
    });
    expect(run.step('delete').attempts).toHaveLength(1);
  });
});

describe('an approval beside other branches', () => {
  it('is asked for while they run, and cancelled when one of them fails', async () => {
    const beside = workflow('beside', { input }, (w) => {
      w.parallel('both', {
        erase: () => {
          w.lambda('erase', { function: './e.ts', effects: 'irreversible', approval: oneOwner });
        },
        other: () => {
          w.sandbox('other', agent);
        },
      });
    });
    const approvals = { erase: approvedBy('ada').after(minutes(5)) };
    const fine = await testWorkflow(beside, { steps: { erase: {}, other: { takes: minutes(2) } }, approvals });
    expect(fine).toMatchObject({ status: 'succeeded', seconds: 300 });
    const other = fails('out_of_memory', undefined, { takes: minutes(2) });
    const failed = await testWorkflow(beside, { steps: { erase: {}, other }, approvals });
    expect(failed).toMatchObject({ status: 'failed', seconds: 120 });
    expect(failed.approval('erase').status).toBe('cancelled');
    expect(failed.step('erase').status).toBe('cancelled');
  });
});
