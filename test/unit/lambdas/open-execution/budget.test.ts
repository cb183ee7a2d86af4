import { beforeEach, describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { WfloError } from '../../../../lib/errors.ts';
import type { WorkflowConfig } from '../../../../lib/execution/machine.ts';
import { beforeNextCommit, EXECUTION_ID, ExecutionScene, WORKFLOW } from '../../../_helpers/execution-scene.ts';

const BUDGETED: WorkflowConfig = {
  ...WORKFLOW,
  budget: {
    execution: usd(5),
    agents: { plan: usd(2) },
    daily: usd(100),
    alertsAt: [500, 900],
    onExceeded: 'ask',
  },
};
const SCOPE = { kind: 'execution', executionId: EXECUTION_ID } as const;

let scene: ExecutionScene;
beforeEach(() => {
  scene = new ExecutionScene();
});
const open = (wflo?: { readonly budgetUsd: string | number }, workflow = BUDGETED) =>
  scene.open({ table: 'orders', ...(wflo === undefined ? {} : { wflo }) }, { workflow: JSON.stringify(workflow) });

describe('the budget of an execution', () => {
  it('is opened before its graph goes on: its own, that of its agents and that of the workflow', async () => {
    expect(await open()).toMatchObject({ ok: true });
    expect(await scene.execution()).toMatchObject({ budget: { onExceeded: 'ask', limit: 5_000_000_000 } });
    expect(await scene.ledger.listScopes(EXECUTION_ID)).toEqual([
      expect.objectContaining({ scope: SCOPE, limit: usd(5), alertsAt: [500, 900] }),
      expect.objectContaining({ scope: { ...SCOPE, kind: 'agent', agent: 'plan' }, limit: usd(2) }),
    ]);
  });

  it('is counted, and not limited, where the workflow has none', async () => {
    await open(undefined, WORKFLOW);
    expect((await scene.execution()).budget).toEqual({ onExceeded: 'stop' });
    expect(await scene.ledger.getScope(SCOPE)).not.toHaveProperty('limit');
  });

  it('is lowered by its start, and is what its start asks for where the workflow has none', async () => {
    await open({ budgetUsd: '0.10' });
    expect((await scene.ledger.getScope(SCOPE))?.limit).toBe(100_000_000);
    const other = new ExecutionScene();
    await other.open({ table: 'orders', wflo: { budgetUsd: 7 } });
    expect((await other.execution()).budget).toEqual({ onExceeded: 'stop', limit: 7_000_000_000 });
  });

  it('is refused above that of the workflow, with nothing half done', async () => {
    expect(await open({ budgetUsd: 5.01 })).toMatchObject({ ok: false, error: { code: 'invalid_budget' } });
    expect(await scene.execution()).toMatchObject({ ending: { status: 'failed', error: { code: 'invalid_budget' } } });
    expect(await scene.execution()).not.toHaveProperty('budget');
    expect(scene.ledger.scopes()).toEqual([]);
  });

  it('is opened by the repeat of a call that was cut off after the record', async () => {
    scene.ledger.failure = new WfloError('ledger_unreachable', 'away');
    await expect(open({ budgetUsd: 2 })).rejects.toMatchObject({ code: 'ledger_unreachable' });
    expect(await scene.execution()).toMatchObject({ status: 'running' });
    scene.ledger.failure = undefined;
    expect(await open({ budgetUsd: 2 })).toMatchObject({ ok: true });
    expect(await open({ budgetUsd: 2 })).toMatchObject({ ok: true });
    expect((await scene.ledger.getScope(SCOPE))?.limit).toBe(usd(2));
    expect(scene.events()).toEqual(['workflow.started']);
  });

  it('is opened once by two calls at the same time', async () => {
    beforeNextCommit(scene.executions, () => open());
    expect(await open()).toMatchObject({ ok: true });
    expect(await scene.ledger.listScopes(EXECUTION_ID)).toHaveLength(2);
  });
});
