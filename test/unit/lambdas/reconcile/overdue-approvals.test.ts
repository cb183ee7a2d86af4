import { beforeEach, describe, expect, it } from 'vitest';
import { overdueApprovals } from '../../../../lambdas/reconcile/checks/overdue-approvals.ts';
import type { ApprovalRecord } from '../../../../lib/execution/records.ts';
import type { ExecutionStatus } from '../../../../lib/execution/status.ts';
import { anApproval } from '../../../_helpers/approval-samples.ts';
import { beforeNextCommit, EXECUTION_ARN, EXECUTION_ID } from '../../../_helpers/execution-scene.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { GATED, GateScene, POLICY } from '../../../_helpers/gate-scene.ts';

let scene: GateScene;
let told: string[];
beforeEach(() => {
  scene = new GateScene();
  told = [];
});

async function run(resumeApprovals = async (ids: readonly string[]) => void told.push(...ids)) {
  const outcome = await overdueApprovals.run({ ...scene, resumeApprovals, remainingMs: () => 50_000 });
  return { repaired: outcome.repaired, failures: outcome.failures };
}
/** Whatever it did: not a repair, which would be an alarm. */
const fine = { repaired: 0, failures: [] };
const repaired = { repaired: 1, failures: [] };

/** In the next run, behind all that wait now. */
async function expectLook(at: string): Promise<void> {
  expect(await scene.approval()).toMatchObject({ checkAt: at });
}

/** Decided a minute ago, and its state was not told. */
const DECIDED: Partial<ApprovalRecord> = {
  path: 'apply',
  status: 'granted',
  version: 2,
  votes: [{ personId: 'bob', decision: 'approve', at: '2025-12-31T23:59:00.000Z', via: 'api' }],
  decidedAt: '2025-12-31T23:59:00.000Z',
  executeBy: '2026-01-01T00:29:00.000Z',
  checkAt: '2025-12-31T23:59:30.000Z',
};

describe('a decision whose execution has ended', () => {
  it.each<ExecutionStatus>(['succeeded', 'failed', 'cancelled', 'timed_out', 'rejected'])(
    'as %s is left: nobody is told, and it is not looked at again',
    async (status) => {
      const approval = anApproval(DECIDED);
      scene.executions.seed({ executions: [anExecution({ status })], approvals: [approval] });
      expect(await run()).toEqual(fine);
      const { checkAt: _, ...rest } = approval;
      expect(await scene.approval()).toEqual(rest);
      expect(told).toEqual([]);
      expect(scene.events()).toEqual([]);
      expect(await scene.executions.due('approval', new Date('2030-01-01'), 10)).toEqual([]);
    },
  );

  it('is left as well where the execution is gone', async () => {
    scene.executions.seed({ approvals: [anApproval(DECIDED)] });
    expect(await run()).toEqual(fine);
    expect(await scene.approval()).not.toHaveProperty('checkAt');
  });

  it('is looked at again where nobody decided: what ends the execution has not come to it yet', async () => {
    const pending = anApproval({ path: 'apply', checkAt: '2025-12-31T23:59:30.000Z' });
    scene.executions.seed({ executions: [anExecution({ status: 'cancelled' })], approvals: [pending] });
    expect(await run()).toEqual(fine);
    const { checkAt: _, ...rest } = await scene.approval();
    expect({ ...rest, checkAt: pending.checkAt }).toEqual(pending);
    await expectLook('2026-01-01T00:00:51.000Z');
  });

  it('is left as it was changed in the very moment, and is looked at again', async () => {
    scene.executions.seed({ executions: [anExecution({ status: 'failed' })], approvals: [anApproval(DECIDED)] });
    beforeNextCommit(scene.executions, () =>
      scene.executions.commit({
        executionId: EXECUTION_ID,
        changes: [{ item: 'approval', approvalId: scene.approvalId(), set: { version: 3 } }],
        events: [],
      }),
    );
    await run();
    expect(await scene.approval()).toMatchObject({ version: 3 });
    await expectLook('2026-01-01T00:00:51.000Z');
    scene.clock.advance(60);
    await run();
    expect(await scene.approval()).not.toHaveProperty('checkAt');
  });

  it('is not expired, not even past its time: the end of the execution closes what is pending', async () => {
    await scene.openedBy('ada');
    await scene.prepare(GATED);
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    const closed = await scene.approval();
    expect(closed).toMatchObject({ status: 'cancelled' });
    scene.clock.advance(POLICY.withinSeconds + 1);
    expect(await run()).toEqual(fine);
    expect(await scene.approval()).toEqual(closed);
  });
});

describe('an execution that is ending', () => {
  beforeEach(async () => {
    await scene.openedBy('ada');
    await scene.prepare(GATED);
  });

  it('has its pending request left to its end, also past its time', async () => {
    await scene.beginToCancel();
    scene.clock.advance(POLICY.withinSeconds + 1);
    expect(await run()).toEqual(fine);
    expect(await scene.approval()).toMatchObject({ status: 'pending', version: 1 });
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.approval()).toMatchObject({ status: 'cancelled' });
    expect(scene.events()).not.toContain('approval.expired');
  });

  it('still has its state told of what was decided before', async () => {
    await scene.decide('bob');
    await scene.beginToCancel();
    scene.clock.advance(31);
    expect(await run()).toEqual(repaired);
    expect(told).toEqual([scene.approvalId()]);
  });
});

describe('a request that nobody decides', () => {
  beforeEach(async () => {
    await scene.openedBy('ada');
    await scene.prepare(GATED);
  });

  it('is left alone until its time is over, then expires once and is told', async () => {
    scene.clock.advance(POLICY.withinSeconds);
    expect(await run()).toEqual(fine);
    scene.clock.advance(1);
    expect(await Promise.all([run(), run()])).toHaveLength(2);
    expect(scene.events().filter((type) => type === 'approval.expired')).toHaveLength(1);
    expect(new Set(told)).toEqual(new Set([scene.approvalId()]));
  });

  it('is not expired when somebody decides in the very moment: the decision is told', async () => {
    scene.clock.advance(POLICY.withinSeconds - 1);
    const { clock } = scene;
    beforeNextCommit(scene.executions, async () => {
      clock.set(new Date(clock.now().getTime() - 2000).toISOString());
      await scene.decide('bob');
      clock.advance(2);
    });
    clock.advance(2);
    expect(await run()).toEqual(fine);
    expect(await scene.approval()).toMatchObject({ status: 'granted' });
    expect(told).toEqual([scene.approvalId()]);
  });

  it('comes again where telling fails', async () => {
    await scene.decide('bob');
    scene.clock.advance(31);
    const failing = async () => {
      throw new Error('Lambda is away');
    };
    expect(await run(failing)).toMatchObject({ repaired: 0, failures: [expect.any(Error)] });
    scene.clock.advance(60);
    expect(await run()).toEqual(repaired);
    expect(told).toEqual([scene.approvalId()]);
  });
});
