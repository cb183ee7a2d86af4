import { describe, expect, it } from 'vitest';
import { finishStep } from '../../../../lambdas/finish-step/finish.ts';
import { subjectHash } from '../../../../lib/approvals/check-claim.ts';
import type { SandboxPayload } from '../../../../lib/execution/payload.ts';
import type { ApprovalRecord, FinishAnswer, Freeze } from '../../../../lib/execution/records.ts';
import type { Json } from '../../../../lib/json.ts';
import { anApproval } from '../../../_helpers/approval-samples.ts';
import { beforeNextCommit, PLAN } from '../../../_helpers/execution-scene.ts';
import { costPorts } from '../../../_helpers/fakes/cost-ports.ts';
import { aGroup, aPerson, type FakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { POLICY } from '../../../_helpers/gate-scene.ts';
import {
  CODE,
  claimBody,
  claimed,
  codeOf,
  EXECUTION_ID,
  LEASE_ID,
  type Scene,
  STEP,
  sandboxScene,
  TASK,
} from '../../../_helpers/sandbox-scene.ts';

const ID = `${EXECUTION_ID}:${STEP}:1`;
const OTHER_NONCE = 'nonce-of-another-runner-process';
const GRANTED = {
  status: 'granted',
  votes: [{ personId: 'bob', decision: 'approve', at: '2026-01-01T00:00:00.000Z', via: 'api' }],
  decidedAt: '2026-01-01T00:00:00.000Z',
  executeBy: '2026-01-01T00:30:00.000Z',
} as const satisfies Partial<ApprovalRecord>;
const FREEZE: Freeze = { version: 1, all: false, workflows: ['report'], tenants: [], reason: 'odd' };

interface Gated extends Scene {
  readonly people: FakePeopleStore;
  approval(): Promise<ApprovalRecord>;
}

/** The sandbox step `write`, which people of `owners` (Bob, Cyd) have to approve. Rex asked. */
async function gated(fields: Partial<ApprovalRecord> = {}, payload: Partial<SandboxPayload> = {}): Promise<Gated> {
  const scene = await sandboxScene({ approval: POLICY, ...payload });
  const people = scene.ports.people as FakePeopleStore;
  people.seed({
    people: ['bob', 'cyd', 'rex'].map((personId) => aPerson({ personId })),
    groups: [aGroup('owners', ['bob', 'cyd', 'rex'])],
  });
  const attempt = await scene.attempt();
  if (attempt.payload === undefined || attempt.payloadHash === undefined) throw new Error('nothing is frozen');
  const status = fields.status === 'granted' ? 'prepared' : 'waiting_approval';
  scene.store.seed({
    attempts: [{ ...attempt, status, approvalId: ID }],
    approvals: [
      anApproval({ kind: 'sandbox', payload: attempt.payload, approvedHash: attempt.payloadHash, ...fields }),
    ],
  });
  const approval = async () => {
    const stored = await scene.store.getApproval(ID);
    if (stored === undefined) throw new Error('no approval');
    return stored;
  };
  return { ...scene, people, approval };
}

async function refusal(scene: Scene, fields: Parameters<typeof claimBody>[0] = {}) {
  const answer = await scene.call('claim', claimBody(fields));
  expect(answer.body).not.toHaveProperty('work');
  return [answer.status, codeOf(answer)];
}

/** What Finish makes of the attempt, after its refused runner has ended. */
async function finish(scene: Scene): Promise<FinishAnswer> {
  await scene.tasks.stop(TASK, 'runner ended: exit=64');
  const { store: executions, blobs, tasks, clock, ids } = scene.ports;
  const signals = { outcomeRefused: () => expect.fail('there is no outcome') };
  return finishStep(
    { ...costPorts({ clock }), executions, blobs, tasks, clock, ids, signals, random: () => 0 },
    {
      schema: 1,
      executionId: EXECUTION_ID,
      step: JSON.stringify({ ...PLAN, path: STEP }),
      prepared: { attempt: 1, route: 'run', leaseId: LEASE_ID, code: CODE, approvalId: ID },
    },
  );
}

describe('a sandbox whose step has to be approved', () => {
  it('gets no work before, whatever started it', async () => {
    const scene = await gated();
    expect(await refusal(scene)).toEqual([409, 'not_approved']);
    expect(await scene.attempt()).toMatchObject({ status: 'waiting_approval' });
    expect(await scene.lease()).toMatchObject({ status: 'offered', epoch: 1 });
    expect(await scene.approval()).toMatchObject({ status: 'pending', version: 1 });
    expect(scene.eventTypes()).toEqual([]);
    expect(scene.failures).toEqual([]);
  });

  it('tells who does not know the code nothing of that', async () => {
    const scene = await gated();
    expect(await refusal(scene, { code: 'another-code-of-32-random-bytes-x' })).toEqual([403, 'claim_refused']);
  });

  it('gets its work after, and consumes the approval with the lease', async () => {
    const scene = await gated(GRANTED, { command: ['python', 'write.py'] });
    const { approvedHash } = await scene.approval();
    const { work } = await claimed(scene);
    expect(work).toMatchObject({ command: ['python', 'write.py'], payloadHash: approvedHash });
    expect(await scene.approval()).toMatchObject({
      claimedBy: { path: STEP, attempt: 1 },
      claimedAt: '2026-01-01T00:00:00.000Z',
      version: 2,
    });
    expect(await scene.lease()).toMatchObject({ status: 'claimed' });
    expect(scene.store.events()).toMatchObject([
      {
        eventType: 'approval.claimed',
        actor: { type: 'runner', id: TASK, via: 'sandbox' },
        data: { approvalId: ID, payloadHash: approvedHash },
      },
      { eventType: 'sandbox.claimed' },
      { eventType: 'step.started' },
    ]);
  });

  it('gets the same again within two minutes, although the approval is used by then', async () => {
    const scene = await gated(GRANTED);
    const first = await claimed(scene);
    scene.clock.advance(119);
    expect((await claimed(scene)).work).toEqual(first.work);
    expect(await scene.approval()).toMatchObject({ version: 2 });
    expect(scene.eventTypes().filter((type) => type === 'approval.claimed')).toHaveLength(1);
    scene.clock.advance(2);
    expect(await refusal(scene)).toEqual([403, 'claim_refused']);
  });

  it('gets the same again although the approval could no longer be used by then', async () => {
    const scene = await gated(GRANTED);
    scene.clock.set('2026-01-01T00:29:59.000Z');
    const first = await claimed(scene);
    scene.clock.advance(60);
    scene.people.seed({ groups: [aGroup('owners', ['cyd', 'rex'])] });
    expect((await claimed(scene)).work).toEqual(first.work);
    expect(await scene.lease()).toMatchObject({ status: 'claimed', epoch: 1 });
  });

  it('gets it once: of two runners in the same moment one is a conflict, and neither acts on', async () => {
    const scene = await gated(GRANTED);
    beforeNextCommit(scene.store, () => claimed(scene, { nonce: OTHER_NONCE }));
    expect(await refusal(scene)).toEqual([409, 'claim_conflict']);
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(scene.eventTypes().filter((type) => type === 'approval.claimed')).toHaveLength(1);
  });

  it('does not get it when another attempt used the approval in the very moment', async () => {
    const scene = await gated(GRANTED);
    beforeNextCommit(scene.store, () =>
      scene.store.commit({
        executionId: EXECUTION_ID,
        changes: [{ item: 'approval', approvalId: ID, set: { claimedBy: { path: STEP, attempt: 2 }, version: 2 } }],
        events: [],
      }),
    );
    expect(await refusal(scene)).toEqual([409, 'not_approved']);
    expect(await scene.approval()).toMatchObject({ claimedBy: { attempt: 2 } });
    expect(await scene.attempt()).toMatchObject({ error: { code: 'not_approved' } });
  });

  it('does not get it when its execution begins to end in the very moment', async () => {
    const scene = await gated(GRANTED);
    const ending = { status: 'cancelled', actor: { type: 'person', id: 'rex', via: 'api' }, reason: 'no' } as const;
    beforeNextCommit(scene.store, () =>
      scene.store.commit({
        executionId: EXECUTION_ID,
        changes: [{ item: 'execution', set: { ending } }],
        events: [],
      }),
    );
    expect(await refusal(scene)).toEqual([409, 'execution_closed']);
    expect(await scene.approval()).not.toHaveProperty('claimedBy');
  });
});

describe('a claim under an approval that does not hold', () => {
  /** Refused, recorded, told in the chain, and the end of its attempt: nobody gets this work later. */
  async function refusedForGood(scene: Gated, code: string): Promise<void> {
    expect(await refusal(scene)).toEqual([409, code]);
    expect(scene.failures).toEqual([]);
    expect(scene.counted).toEqual(['ClaimRefused']);
    expect(await scene.approval()).not.toHaveProperty('claimedBy');
    expect(await scene.attempt()).toMatchObject({ status: 'prepared', error: { code, stepPath: STEP } });
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(scene.store.events()).toMatchObject([
      { eventType: 'approval.refused', stepPath: STEP, attempt: 1, data: { approvalId: ID, code } },
    ]);
    expect(await refusal(scene)).toEqual([409, 'stale_epoch']);
    expect(await finish(scene)).toMatchObject({ next: 'failed', error: { code } });
    expect(await scene.execution()).toMatchObject({ ending: { status: 'failed', error: { code } } });
  }

  it('because the stored payload was altered', async () => {
    const scene = await gated(GRANTED);
    const { payload } = await scene.approval();
    if (payload === undefined) throw new Error('no payload');
    scene.blobs.tamper(EXECUTION_ID, payload, '{"kind":"sandbox","command":["rm"]}');
    await refusedForGood(scene, 'payload_changed');
  });

  it('because the attempt was given another payload, hash and all, than was approved', async () => {
    const scene = await gated(GRANTED);
    const other = await sandboxScene({ approval: POLICY, command: ['rm'] });
    const { payload, payloadHash } = await other.attempt();
    if (payload === undefined || payloadHash === undefined) throw new Error('nothing is frozen');
    await scene.blobs.put(EXECUTION_ID, payload.key, await other.blobs.get(EXECUTION_ID, payload));
    await scene.store.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'attempt', path: STEP, attempt: 1, set: { payload, payloadHash } }],
      events: [],
    });
    await refusedForGood(scene, 'payload_changed');
  });

  it('because it comes in the moment in which the approval is stale', async () => {
    const scene = await gated(GRANTED);
    scene.clock.set(GRANTED.executeBy);
    await refusedForGood(scene, 'approval_stale');
  });

  it('because who approved has left the group', async () => {
    const scene = await gated(GRANTED);
    scene.people.seed({ groups: [aGroup('owners', ['cyd', 'rex'])] });
    await refusedForGood(scene, 'not_approved');
  });

  it('because who approved was removed', async () => {
    const scene = await gated(GRANTED);
    scene.people.seed({ people: [aPerson({ personId: 'bob', active: false, identities: [] })] });
    await refusedForGood(scene, 'not_approved');
  });

  it('because the one who approved is the one who asked', async () => {
    const scene = await gated({ ...GRANTED, votes: [{ ...GRANTED.votes[0], personId: 'rex' }] });
    await refusedForGood(scene, 'not_approved');
  });

  it('because the record says granted, and nobody approved', async () => {
    await refusedForGood(await gated({ ...GRANTED, votes: [] }), 'not_approved');
  });

  it.each(['pending', 'rejected', 'expired', 'cancelled'] as const)(
    'because it is %s, although its attempt says that it may begin',
    async (status) => {
      const scene = await gated({ ...GRANTED, status });
      scene.store.seed({ attempts: [{ ...(await scene.attempt()), status: 'prepared' }] });
      await refusedForGood(scene, 'not_approved');
    },
  );

  it('because it is of another step', async () => {
    const scene = await gated({ ...GRANTED, approvalId: ID, path: 'plan' });
    await refusedForGood(scene, 'not_approved');
  });

  it('because an emergency stop holds', async () => {
    const scene = await gated(GRANTED);
    scene.store.seed({ freeze: FREEZE });
    await refusedForGood(scene, 'frozen');
  });
});

describe('a claim without an approval', () => {
  it('is refused where the payload says that it needs one, whatever the attempt says', async () => {
    const scene = await sandboxScene({ approval: POLICY });
    expect(await refusal(scene)).toEqual([409, 'not_approved']);
    expect(await scene.lease()).toMatchObject({ status: 'fenced' });
  });

  it('is refused while an emergency stop holds, and tells of no approval', async () => {
    const scene = await sandboxScene();
    scene.store.seed({ freeze: FREEZE });
    expect(await refusal(scene)).toEqual([409, 'frozen']);
    expect(await scene.attempt()).toMatchObject({ error: { code: 'frozen', message: expect.stringContaining('odd') } });
    expect(scene.eventTypes()).toEqual([]);
    expect(await finish(scene)).toMatchObject({ next: 'failed', error: { code: 'frozen' } });
  });

  it.each([
    ['another workflow', { ...FREEZE, workflows: ['reindex'] }],
    ['another tenant', { ...FREEZE, workflows: [], tenants: ['acme'] }],
  ])('is not refused by an emergency stop of %s', async (_what, freeze) => {
    const scene = await sandboxScene();
    scene.store.seed({ freeze });
    expect((await claimed(scene)).epoch).toBe(1);
  });

  it.each([
    ['everything', { ...FREEZE, all: true, workflows: [] }],
    ['its tenant', { ...FREEZE, workflows: [], tenants: ['default'] }],
  ])('is refused by an emergency stop of %s', async (_what, freeze) => {
    const scene = await sandboxScene();
    scene.store.seed({ freeze });
    expect(await refusal(scene)).toEqual([409, 'frozen']);
  });
});

describe('a sandbox whose step requires a gate', () => {
  const GATE = `${EXECUTION_ID}:confirm:1`;

  /** Bob has approved the subject `{ table: 'orders' }`. */
  async function requiring(input: Json): Promise<Scene> {
    const scene = await sandboxScene({ requires: 'confirm', input });
    const people = scene.ports.people as FakePeopleStore;
    people.seed({ people: [aPerson({ personId: 'bob' })], groups: [aGroup('owners', ['bob'])] });
    const confirmed = { kind: 'approval', path: 'confirm', subjectHash: subjectHash({ table: 'orders' }) } as const;
    scene.store.seed({
      attempts: [{ ...(await scene.attempt()), approvalId: GATE }],
      approvals: [anApproval({ ...GRANTED, ...confirmed })],
    });
    return scene;
  }

  it('acts on exactly its subject', async () => {
    const scene = await requiring({ table: 'orders' });
    expect((await claimed(scene)).work.input).toEqual({ inline: { table: 'orders' } });
    expect(await scene.store.getApproval(GATE)).toMatchObject({ claimedBy: { path: STEP, attempt: 1 } });
  });

  it('acts on nothing else', async () => {
    const scene = await requiring({ table: 'payments' });
    expect(await refusal(scene)).toEqual([409, 'payload_changed']);
    expect(await scene.lease()).toMatchObject({ status: 'fenced' });
    expect(await scene.store.getApproval(GATE)).not.toHaveProperty('claimedBy');
  });
});
