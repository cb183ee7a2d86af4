import { expect, it } from 'vitest';
import cleanUp from '../../../docs/guides/examples/approved-value.ts';
import { minutes } from '../../../lib/index.ts';
import { approvedBy, expires, fails, rejectedBy, testWorkflow } from '../../../lib/testing/index.ts';

const input = { table: 'orders' };
const steps = { plan: { output: { ids: ['7', '9'] } }, 'back-up': { takes: minutes(8) }, delete: {} };
const approvals = { confirm: approvedBy('ada').after(minutes(5)) };

it('deletes exactly what was approved', async () => {
  const run = await testWorkflow(cleanUp, { input, steps, approvals });
  expect(run.error).toBeUndefined();
  expect(run.began).toEqual(['plan', 'confirm', 'back-up', 'delete']);
  expect(run.approval('confirm')).toMatchObject({ status: 'granted', subject: { table: 'orders', ids: ['7', '9'] } });
  expect(run.step('delete').attempts[0]?.input).toEqual({ table: 'orders', ids: ['7', '9'] });
  expect(run.seconds).toBe((5 + 8) * 60);
});

it.each([
  ['approval_rejected', rejectedBy('ada', 'order 9 is disputed')],
  ['approval_expired', expires()],
])('deletes nothing otherwise: %s', async (code, confirm) => {
  const run = await testWorkflow(cleanUp, { input, steps, approvals: { confirm } });
  expect(run).toMatchObject({ status: 'rejected', error: { code } });
  expect(run.step('delete').status).toBe('pending');
});

it('waits with the deletion until there is a back-up', async () => {
  const run = await testWorkflow(cleanUp, {
    input,
    approvals,
    steps: { ...steps, 'back-up': ({ attempt }) => (attempt < 3 ? fails('agent_failed', 'no space left') : {}) },
  });
  expect(run.error).toBeUndefined();
  expect(run.step('back-up').attempts.map(({ status }) => status)).toEqual(['retried', 'retried', 'succeeded']);
});

it('deletes nothing when there is none', async () => {
  const run = await testWorkflow(cleanUp, { input, approvals, steps: { ...steps, 'back-up': fails('out_of_memory') } });
  expect(run).toMatchObject({ status: 'failed', error: { code: 'out_of_memory', stepPath: 'back-up' } });
  expect(run.began).not.toContain('delete');
});
