import type { DynamoDBRecord } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { overdueApprovals } from '../../../../lambdas/reconcile/checks/overdue-approvals.ts';
import { resumeDecided } from '../../../../lambdas/resume-approval/resume-decided.ts';
import type { LambdaStepConfig } from '../../../../lib/execution/machine.ts';
import { EXECUTION_ID } from '../../../_helpers/execution-scene.ts';
import { GATED, GateScene, POLICY } from '../../../_helpers/gate-scene.ts';
import { rowOf, type StreamRow, streamRecord } from '../../../_helpers/stream-records.ts';

const STEPS = ['apply', 'notify'] as const;

let scene: GateScene;
beforeEach(async () => {
  scene = new GateScene();
  await scene.openedBy('ada');
});

/** The state of each step waits: `apply` with the token `apply-1`. */
async function asked(): Promise<void> {
  for (const path of STEPS) {
    const step: LambdaStepConfig = { ...GATED, path };
    const prepared = await scene.prepare(step);
    scene.waiting.waiting.add(`${path}-1`);
    await scene.ask(prepared, `${path}-1`);
  }
}
const idOf = (path: string) => scene.approvalId(path);
/** What the stream brings of everything that was written so far. */
const batch = () => scene.executions.outbox(EXECUTION_ID).map((item) => streamRecord(rowOf(item)));
const handle = (records: readonly DynamoDBRecord[]) => resumeDecided(scene, { Records: records });
const resumed = () => scene.waiting.resumed.map(({ token }) => token);

/** An item with one event, which may be anything. */
function item(event: StreamRow, eventName?: 'INSERT' | 'MODIFY' | 'REMOVE'): DynamoDBRecord {
  return streamRecord({ pk: `EXEC#${EXECUTION_ID}`, sk: '01ITEM0000000000000000001', events: [event] }, eventName);
}

describe('the stream of the outbox', () => {
  it('resumes what was granted', async () => {
    await asked();
    await scene.decide('bob');
    expect(await handle(batch())).toEqual({ resumed: 1 });
    expect(scene.waiting.resumed).toEqual([{ token: 'apply-1', output: { decision: 'granted' } }]);
    expect(await scene.approval()).toMatchObject({ resumedAt: scene.clock.now().toISOString() });
    expect(await scene.approval()).not.toHaveProperty('checkAt');
    expect([...scene.tokens.tokens.values()]).toEqual(['notify-1']);
  });

  it('resumes what was rejected, and what expired, with a refusal', async () => {
    await asked();
    await scene.decide('bob', 'reject', idOf('notify'));
    scene.clock.advance(POLICY.withinSeconds + 1);
    const ports = { ...scene, resumeApprovals: async () => {}, remainingMs: () => 50_000 };
    expect(await overdueApprovals.run(ports)).toMatchObject({ failures: [] });
    expect(await handle(batch())).toEqual({ resumed: 2 });
    expect(scene.events().slice(-2)).toEqual(['approval.rejected', 'approval.expired']);
    expect(scene.waiting.resumed).toEqual([
      { token: 'notify-1', output: { decision: 'refused' } },
      { token: 'apply-1', output: { decision: 'refused' } },
    ]);
  });

  it('resumes several of one batch', async () => {
    await asked();
    await scene.decide('bob');
    await scene.decide('cyd', 'approve', idOf('notify'));
    expect(await handle(batch())).toEqual({ resumed: 2 });
    expect(resumed()).toEqual(['apply-1', 'notify-1']);
  });

  it('resumes once what is in a batch twice, and what comes in two batches', async () => {
    await asked();
    await scene.decide('bob');
    expect(await handle([...batch(), ...batch()])).toEqual({ resumed: 1 });
    expect(await handle(batch())).toEqual({ resumed: 0 });
    expect(resumed()).toEqual(['apply-1']);
  });

  it('asks once for what is in a batch twice, although no state waits yet', async () => {
    await scene.prepare(GATED);
    await scene.decide('bob');
    let reads = 0;
    const { executions } = scene;
    const counting = Object.assign(Object.create(executions), {
      getApproval: (id: string) => {
        reads += 1;
        return executions.getApproval(id);
      },
      getExecution: (id: string) => executions.getExecution(id),
    });
    expect(await resumeDecided({ ...scene, executions: counting }, { Records: [...batch(), ...batch()] })).toEqual({
      resumed: 0,
    });
    expect(reads).toBe(1);
  });

  it('tells nothing to an execution that has ended: nothing of it waits', async () => {
    await asked();
    await scene.decide('bob');
    await scene.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', set: { status: 'cancelled' } }],
      events: [],
    });
    expect(await handle(batch())).toEqual({ resumed: 0 });
    expect(scene.waiting.resumed).toEqual([]);
  });

  it('believes the record, and not the event', async () => {
    await asked();
    const forged = item({ eventType: 'approval.granted', data: { approvalId: idOf('apply') } });
    expect(await handle([forged])).toEqual({ resumed: 0 });
    await scene.decide('bob', 'reject');
    await handle([forged]);
    expect(scene.waiting.resumed).toEqual([{ token: 'apply-1', output: { decision: 'refused' } }]);
  });

  it('knows nothing to do for an approval that does not exist', async () => {
    const unknown = item({ eventType: 'approval.granted', data: { approvalId: 'report:one:apply:9' } });
    expect(await handle([unknown])).toEqual({ resumed: 0 });
  });
});

describe('a record of the stream', () => {
  beforeEach(async () => {
    await asked();
    await scene.decide('bob');
  });
  const decision = () => ({ eventType: 'approval.granted', data: { approvalId: idOf('apply') } });

  it.each(['MODIFY', 'REMOVE'] as const)('is ignored that is a %s', async (eventName) => {
    expect(await handle([item(decision(), eventName)])).toEqual({ resumed: 0 });
    expect(resumed()).toEqual([]);
  });

  it.each([
    'approval.requested',
    'approval.voted',
    'approval.cancelled',
    'approval.claimed',
    'approval.refused',
    'step.started',
    'approval.granted ',
  ])('is ignored that tells of %s', async (eventType) => {
    expect(await handle([item({ ...decision(), eventType })])).toEqual({ resumed: 0 });
    expect(resumed()).toEqual([]);
  });

  it.each<[string, StreamRow]>([
    ['has no events', {}],
    ['has events that are text', { events: 'approval.granted' }],
    ['has an event that is nothing', { events: [null] }],
    ['has an event that is text', { events: ['approval.granted'] }],
    ['has an event without a type', { events: [{ data: { approvalId: 'report:one:apply:1' } }] }],
    ['has an event without data', { events: [{ eventType: 'approval.granted' }] }],
    ['has an event whose data is nothing', { events: [{ eventType: 'approval.granted', data: null }] }],
    ['names no approval', { events: [{ eventType: 'approval.granted', data: { approvalId: 1 } }] }],
    ['names what cannot be an approval', { events: [{ eventType: 'approval.granted', data: { approvalId: 'one' } }] }],
  ])('that %s is ignored, and does not hold up the next', async (_what, image) => {
    const key = { pk: `EXEC#${EXECUTION_ID}`, sk: '01ITEM0000000000000000001' };
    expect(await handle([streamRecord({ ...key, ...image }), item(decision())])).toEqual({ resumed: 1 });
  });

  it('that has values which no outbox item has, or no image, is ignored as well', async () => {
    const strange = item(decision());
    if (strange.dynamodb?.NewImage !== undefined) strange.dynamodb.NewImage.extra = { SS: ['a'] };
    expect(await handle([strange, { eventName: 'INSERT' }, { eventName: 'INSERT', dynamodb: {} }])).toEqual({
      resumed: 0,
    });
    expect(await handle([strange, item(decision())])).toEqual({ resumed: 1 });
  });
});

describe('a failure', () => {
  it('throws, so that the batch comes again, and what was resumed is not resumed twice', async () => {
    await asked();
    await scene.decide('bob');
    await scene.decide('cyd', 'approve', idOf('notify'));
    const waiting = {
      resume: async (token: string, output: { readonly decision: string }) => {
        if (token === 'notify-1') throw new Error('Step Functions is away');
        return scene.waiting.resume(token, output);
      },
    };
    const broken = { ...scene, waiting: waiting as unknown as GateScene['waiting'] };
    await expect(resumeDecided(broken, { Records: batch() })).rejects.toThrow('Step Functions is away');
    expect(resumed()).toEqual(['apply-1']);
    expect(await scene.approval(idOf('notify'))).not.toHaveProperty('resumedAt');
    expect(scene.tokens.tokens.get(idOf('notify'))).toBe('notify-1');

    expect(await handle(batch())).toEqual({ resumed: 1 });
    expect(resumed()).toEqual(['apply-1', 'notify-1']);
  });

  it('of one does not hold up the others', async () => {
    await asked();
    await scene.decide('bob');
    await scene.decide('cyd', 'approve', idOf('notify'));
    const { tokens } = scene;
    const reader = {
      get: async (id: string) => {
        if (id === idOf('apply')) throw new Error('DynamoDB is away');
        return tokens.get(id);
      },
      remove: (id: string) => tokens.remove(id),
    };
    await expect(resumeDecided({ ...scene, tokens: reader }, { Records: batch() })).rejects.toThrow('DynamoDB is away');
    expect(resumed()).toEqual(['notify-1']);
    expect(await handle(batch())).toEqual({ resumed: 1 });
    expect(resumed()).toEqual(['notify-1', 'apply-1']);
  });

  it('of the mark throws too, and the state is not told twice', async () => {
    await asked();
    await scene.decide('bob');
    scene.executions.beforeCommit = () => {
      throw new Error('out of time');
    };
    await expect(handle(batch())).rejects.toThrow('out of time');
    scene.executions.beforeCommit = undefined;
    expect(await handle(batch())).toEqual({ resumed: 1 });
    expect(resumed()).toEqual(['apply-1']);
    expect(scene.tokens.tokens.has(idOf('apply'))).toBe(false);
  });
});
