import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../../lib/json.ts';
import {
  CODE,
  claimBody,
  claimed,
  codeOf,
  EXECUTION_ID,
  LEASE_ID,
  STEP,
  sandboxScene,
  TASK,
  TASK_DEFINITION,
} from '../../../_helpers/sandbox-scene.ts';

const OTHER_NONCE = 'nonce-of-another-runner-process';

describe('a claim', () => {
  it('hands out the frozen work and takes lease and attempt, with both events', async () => {
    const scene = await sandboxScene({ command: ['python', '${x}'], env: { A: '$.x' }, input: { n: 1 } });
    const answer = await claimed(scene);
    expect(answer.work).toMatchObject({
      command: ['python', '${x}'],
      env: { A: '$.x' },
      timeoutSeconds: 60,
      input: { inline: { n: 1 } },
      code: null,
    });
    expect(answer).toMatchObject({ epoch: 1, heartbeatSeconds: 30, sessionExpiresAt: '2026-01-01T00:15:00.000Z' });
    expect(await scene.attempt()).toMatchObject({ status: 'running', claimedAt: '2026-01-01T00:00:00.000Z' });
    expect(await scene.lease()).toMatchObject({
      status: 'claimed',
      taskArn: TASK,
      checkAt: '2026-01-01T00:06:00.000Z',
      session: { tokenHash: sha256(answer.sessionToken) },
    });
    expect(scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started']);
    expect(scene.store.events()[0]).toMatchObject({
      actor: { type: 'runner', id: TASK },
      stepPath: STEP,
      attempt: 1,
      data: { leaseId: LEASE_ID, epoch: 1, taskArn: TASK },
    });
  });

  it('stores no secret as it is', async () => {
    const scene = await sandboxScene();
    const answer = await claimed(scene);
    const stored = JSON.stringify([await scene.lease(), await scene.attempt(), scene.store.outbox()]);
    for (const secret of [CODE, claimBody().nonce, answer.sessionToken]) expect(stored).not.toContain(secret);
  });

  it('gives a large input and the code by URL', async () => {
    const codeSha256 = 'c'.repeat(64);
    const scene = await sandboxScene({ codeSha256, input: 'x'.repeat(40_000) });
    const { work } = await claimed(scene);
    expect(work.code).toEqual({ url: `memory:///code/${codeSha256}.tar.gz`, sha256: codeSha256 });
    expect(work.input).toMatchObject({ sha256: sha256(JSON.stringify('x'.repeat(40_000))) });
    expect(work.input).toHaveProperty('url');
  });

  it('is answered again for the same runner within two minutes, and both tokens are good', async () => {
    const scene = await sandboxScene();
    const first = await claimed(scene);
    scene.clock.advance(119);
    const second = await claimed(scene);
    expect(second.work).toEqual(first.work);
    for (const { sessionToken } of [first, second]) {
      expect(await scene.call('events', { epoch: 1, logs: [] }, sessionToken)).toMatchObject({ status: 200 });
    }
    expect(scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started']);
  });

  it('is refused for the same runner after two minutes', async () => {
    const scene = await sandboxScene();
    await claimed(scene);
    scene.clock.advance(121);
    const answer = await scene.call('claim', claimBody());
    expect([answer.status, codeOf(answer)]).toEqual([403, 'claim_refused']);
  });

  it('by another runner fences the lease, so that neither acts on', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    const answer = await scene.call('claim', claimBody({ nonce: OTHER_NONCE }));
    expect([answer.status, codeOf(answer)]).toEqual([409, 'claim_conflict']);
    const lease = await scene.lease();
    expect(lease).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(lease).not.toHaveProperty('checkAt');
    expect(scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started', 'sandbox.claim_conflict']);
    expect(scene.counted).toEqual(['ClaimConflict']);
    const beat = await scene.call('heartbeat', { epoch: 1, logs: [] }, sessionToken);
    expect([beat.status, codeOf(beat)]).toEqual([409, 'stale_epoch']);
  });

  it('of two runners at the same moment gives work to one', async () => {
    const scene = await sandboxScene();
    let raced: Promise<unknown> | undefined;
    scene.store.beforeCommit = async () => {
      scene.store.beforeCommit = undefined;
      raced = claimed(scene, { nonce: OTHER_NONCE });
      await raced;
    };
    const loser = await scene.call('claim', claimBody());
    expect(codeOf(loser)).toBe('claim_conflict');
    expect(scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started', 'sandbox.claim_conflict']);
  });

  it.each([
    ['an unknown execution', { executionId: 'report:two' }],
    ['an unknown attempt', { attempt: 2 }],
    ['another lease', { leaseId: '01LEASE0000000000000000002' }],
    ['a wrong code', { code: 'another-code-of-32-random-bytes-x' }],
  ])('for %s is refused and changes nothing', async (_what, fields) => {
    const scene = await sandboxScene();
    const answer = await scene.call('claim', claimBody(fields));
    expect([answer.status, codeOf(answer)]).toEqual([403, 'claim_refused']);
    expect(await scene.lease()).toMatchObject({ status: 'offered' });
    expect(scene.store.events()).toEqual([]);
  });

  it.each([
    ['runs in another cluster', { clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/other-wflo-dev' }],
    ['was started for no lease', { environment: {} }],
    ['carries another lease in its overrides', { environment: { WFLO_LEASE: 'another' } }],
    ['runs another revision', { taskDefinitionArn: TASK_DEFINITION.replace(/1$/, '2') }],
    ['has stopped', { lastStatus: 'STOPPED' }],
  ])('of a task that %s is refused', async (_what, task) => {
    const scene = await sandboxScene();
    scene.tasks.add({
      taskArn: TASK,
      taskDefinitionArn: TASK_DEFINITION,
      environment: { WFLO_LEASE: LEASE_ID },
      ...task,
    });
    const answer = await scene.call('claim', claimBody());
    expect([answer.status, codeOf(answer)]).toEqual([403, 'claim_refused']);
    expect(await scene.attempt()).toMatchObject({ status: 'prepared' });
  });

  it('of a task that ECS does not show yet is to be repeated', async () => {
    const scene = await sandboxScene();
    scene.tasks.remove(TASK);
    expect(await scene.call('claim', claimBody())).toMatchObject({ status: 503 });
    expect(await scene.lease()).toMatchObject({ status: 'offered' });
  });

  it('of a payload that was changed in the store is refused', async () => {
    const scene = await sandboxScene();
    const { payload } = await scene.attempt();
    if (payload === undefined) throw new Error('no payload');
    scene.blobs.tamper(EXECUTION_ID, payload, '{"kind":"sandbox"}');
    const answer = await scene.call('claim', claimBody());
    expect([answer.status, codeOf(answer)]).toEqual([409, 'payload_changed']);
    expect(await scene.attempt()).toMatchObject({ status: 'prepared' });
  });

  it('in an execution that is ending is refused', async () => {
    const scene = await sandboxScene();
    const actor = { type: 'person', id: 'ada', via: 'api' } as const;
    await scene.store.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', set: { ending: { status: 'cancelled', actor, reason: 'enough' } } }],
      events: [],
    });
    const answer = await scene.call('claim', claimBody());
    expect([answer.status, codeOf(answer)]).toEqual([409, 'execution_closed']);
  });
});

describe('a malformed request', () => {
  it.each([
    ['text that is not JSON', '{'],
    ['an array', []],
    ['another protocol', { ...claimBody(), protocol: 2 }],
    ['a nonce that is too short', { ...claimBody(), nonce: 'short' }],
    ['no ARN of a task', { ...claimBody(), taskArn: 'task/1' }],
  ])('(%s) is refused without a value in the answer', async (_what, body) => {
    const scene = await sandboxScene();
    const answer = await scene.call('claim', body);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
    expect(JSON.stringify(answer.body)).not.toContain(CODE);
  });

  it('to an unknown path is 404', async () => {
    const scene = await sandboxScene();
    expect(await scene.call('destroy', {})).toMatchObject({ status: 404 });
  });
});

it('tells nothing of an unexpected failure, but its operator', async () => {
  const scene = await sandboxScene();
  scene.tasks.describe = async () => {
    throw new Error('AccessDenied on arn:aws:ecs:secret');
  };
  const answer = await scene.call('claim', claimBody());
  expect(answer).toEqual({ status: 500, body: { error: { code: 'internal', message: 'an unexpected failure' } } });
  expect(scene.failures).toHaveLength(1);
});
