import { describe, expect, it } from 'vitest';
import { minutes } from '../../../lib/index.ts';
import { approvedBy, expires, fails, rejectedBy, testWorkflow } from '../../../lib/testing/index.ts';
import workflow from '../../../state-machines/data-processor/workflow.ts';

const record = {
  id: 'customer-1',
  kind: 'customer',
  status: 'closed',
  owner: 'ada',
  createdAt: '2019-03-01',
  lastAccessedAt: '2020-03-01',
  sizeBytes: 1200,
  legalHold: false,
} as const;

const plan = {
  asOf: '2026-10-31',
  cutoff: '2025-10-31',
  examined: 1,
  count: 1,
  bytes: 1200,
  ids: ['customer-1'],
  byKind: [{ kind: 'customer', examined: 1, selected: 1, bytes: 1200 }],
  kept: [],
  risk: 12,
  reasons: [],
};

const report = { title: 'Cleanup', markdown: '# Cleanup' };

const steps = {
  'export-records': { output: { count: 1, records: [record] } },
  'plan-cleanup': { output: plan },
  'write-report': { output: report },
  'delete-old-records': { output: { deleted: 1, kept: [] } },
};
const approvals = { 'delete-old-records': approvedBy('ada') };

describe('data-processor', () => {
  it('plans with the exported records, reports on the plan, and deletes what the plan names', async () => {
    const run = await testWorkflow(workflow, { input: { asOf: '2026-10-31' }, steps, approvals });
    expect(run.began).toEqual(['export-records', 'plan-cleanup', 'write-report', 'delete-old-records']);
    expect(run.step('plan-cleanup').attempts[0]?.input).toEqual({
      records: [record],
      olderThanDays: 365,
      asOf: '2026-10-31',
    });
    expect(run.step('write-report').attempts[0]?.input).toEqual({ plan });
    expect(run.step('delete-old-records').attempts[0]?.input).toEqual({ ids: ['customer-1'], cutoff: '2025-10-31' });
    expect(run.output).toEqual({ asOf: '2026-10-31', examined: 1, count: 1, risk: 12, deleted: 1, kept: [], report });
  });

  it.each([{ olderThanDays: 0 }, { asOf: 'yesterday' }])('refuses the input %o', async (input) => {
    const run = await testWorkflow(workflow, { input });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'invalid_input' }, began: [] });
  });

  it('reads the records again when the call is lost, because reading changes nothing', async () => {
    const run = await testWorkflow(workflow, {
      approvals,
      steps: {
        ...steps,
        'export-records': ({ attempt }) => (attempt === 1 ? fails('lost') : steps['export-records']),
      },
    });
    expect(run.status).toBe('succeeded');
    expect(run.step('export-records').attempts).toHaveLength(2);
  });

  it('writes no report of a plan that does not fit its schema', async () => {
    const run = await testWorkflow(workflow, {
      steps: { ...steps, 'plan-cleanup': { output: { ...plan, risk: 140 } } },
    });
    expect(run.error).toMatchObject({ code: 'invalid_output', stepPath: 'plan-cleanup' });
    expect(run.step('write-report').status).toBe('pending');
  });

  it('ends a planner that takes longer than its time limit, and does not try it again', async () => {
    const run = await testWorkflow(workflow, {
      steps: { ...steps, 'plan-cleanup': { output: plan, takes: minutes(6) } },
    });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'timed_out' }, seconds: 300 });
    expect(run.step('plan-cleanup').attempts).toHaveLength(1);
  });
});

describe('the deletion of data-processor', () => {
  it('is approved by one of the data owners, who see which ids an agent has chosen', async () => {
    const run = await testWorkflow(workflow, { steps, approvals });
    expect(run.approval('delete-old-records')).toMatchObject({
      status: 'granted',
      from: [{ group: 'data-owners', min: 1 }],
      subject: { ids: ['customer-1'] },
      writtenByAgents: expect.arrayContaining([{ field: 'with.ids', step: 'plan-cleanup' }]),
    });
  });

  it('does not happen when somebody rejects it', async () => {
    const run = await testWorkflow(workflow, {
      steps,
      approvals: { 'delete-old-records': rejectedBy('ada', 'the invoices are needed') },
    });
    expect(run).toMatchObject({ status: 'rejected', error: { code: 'approval_rejected' } });
    expect(run.error?.message).toContain('the invoices are needed');
    expect(run.step('delete-old-records').attempts[0]?.startedAt).toBeUndefined();
  });

  it('does not happen when nobody decides within four hours', async () => {
    const run = await testWorkflow(workflow, { steps, approvals: { 'delete-old-records': expires() } });
    expect(run).toMatchObject({ status: 'rejected', error: { code: 'approval_expired' }, seconds: 4 * 3600 });
  });

  it('is not for whoever started it to approve', async () => {
    const run = testWorkflow(workflow, { steps, approvals, requester: 'ada' });
    await expect(run).rejects.toMatchObject({ code: 'requester_may_not_decide' });
  });

  it('is asked for again when it was lost on its way', async () => {
    const run = await testWorkflow(workflow, {
      approvals,
      steps: {
        ...steps,
        'delete-old-records': ({ attempt }) => (attempt === 1 ? fails('lost') : steps['delete-old-records']),
      },
    });
    expect(run.status).toBe('succeeded');
    expect(run.approvals.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });
});
