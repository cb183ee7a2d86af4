import { describe, expect, it } from 'vitest';
import type { ExecutionView } from '../../../../lib/client/api.ts';
import { EXECUTION_STATUSES, isFinal } from '../../../../lib/execution/status.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { controlApi } from './api-harness.ts';

const running = anExecution();
const cancel = '/v1/executions/report%3Aone/cancel';
const machineRuns = { status: 'RUNNING', startedAt: '2026-01-01T00:00:00.000Z' } as const;
const ended = (status: 'cancelled' | 'failed') => ({
  status,
  actor: { type: 'person' as const, id: 'ada', via: 'api' },
  reason: 'first',
});

describe('cancel', () => {
  it('writes who ends it and why, then stops the machine', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [running] });
    api.machines.set(running.executionArn, machineRuns);
    let machineAtCommit: string | undefined;
    api.executions.beforeCommit = async () => {
      machineAtCommit = (await api.machines.describe(running.executionArn))?.status;
    };
    const answer = await api.call<ExecutionView>('POST', cancel, { reason: 'wrong table' });
    expect(answer).toMatchObject({ status: 202, body: { executionId: 'report:one' } });
    expect(machineAtCommit).toBe('RUNNING');
    expect((await api.machines.describe(running.executionArn))?.status).toBe('ABORTED');
    expect(await api.executions.getExecution('report:one')).toMatchObject({
      status: 'running',
      ending: {
        status: 'cancelled',
        actor: { type: 'person', id: 'ada', via: 'api' },
        reason: 'wrong table',
      },
    });
  });

  it('needs no body', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [running] });
    expect((await api.call('POST', cancel)).status).toBe(202);
    expect((await api.executions.getExecution('report:one'))?.ending?.reason).toContain('ada');
  });

  it('keeps the first actor when it is repeated, and stops what the first one did not', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [{ ...running, ending: ended('cancelled') }] });
    api.machines.set(running.executionArn, machineRuns);
    expect((await api.call('POST', cancel, { reason: 'second' })).status).toBe(202);
    expect((await api.executions.getExecution('report:one'))?.ending?.reason).toBe('first');
    expect((await api.machines.describe(running.executionArn))?.status).toBe('ABORTED');
  });

  it.each(EXECUTION_STATUSES.filter(isFinal))('of an execution that is %s is execution_closed', async (status) => {
    const api = controlApi();
    api.executions.seed({ executions: [{ ...running, status }] });
    const answer = await api.call('POST', cancel);
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'execution_closed', details: { status } } } });
    expect((await api.executions.getExecution('report:one'))?.ending).toBeUndefined();
  });

  it('does not overtake another ending', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [running] });
    api.machines.set(running.executionArn, machineRuns);
    api.executions.beforeCommit = () => {
      api.executions.beforeCommit = undefined;
      api.executions.seed({ executions: [{ ...running, ending: ended('failed') }] });
    };
    const answer = await api.call('POST', cancel);
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'execution_closed' } } });
    expect((await api.executions.getExecution('report:one'))?.ending?.status).toBe('failed');
    expect((await api.machines.describe(running.executionArn))?.status).toBe('RUNNING');
  });

  it('of an execution whose machine was not started yet leaves the ending for Open', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [{ ...running, status: 'starting' }] });
    expect((await api.call('POST', cancel)).status).toBe(202);
    expect((await api.executions.getExecution('report:one'))?.ending?.status).toBe('cancelled');
  });

  it.each([{ reason: '' }, { reason: 'x'.repeat(501) }, { why: 'x' }])('refuses the body %j', async (body) => {
    const api = controlApi();
    api.executions.seed({ executions: [running] });
    expect(await api.call('POST', cancel, body)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request' } },
    });
    expect((await api.executions.getExecution('report:one'))?.ending).toBeUndefined();
  });

  it('of what does not exist is unknown_execution', async () => {
    const answer = await controlApi().call('POST', cancel);
    expect(answer).toMatchObject({ status: 404, body: { error: { code: 'unknown_execution' } } });
  });
});
