import { describe, expect, it } from 'vitest';
import { finishStep } from '../../../../lambdas/finish-step/finish.ts';
import { fenceLease } from '../../../../lib/execution/close-attempt.ts';
import type { FinishAnswer } from '../../../../lib/execution/records.ts';
import { sha256 } from '../../../../lib/json.ts';
import { PLAN } from '../../../_helpers/execution-scene.ts';
import { costPorts } from '../../../_helpers/fakes/cost-ports.ts';
import { aLease, anAttempt, anExecution } from '../../../_helpers/fakes/records.ts';
import {
  CODE,
  claimBody,
  claimed,
  codeOf,
  completeBody,
  EXECUTION_ID,
  LEASE_ID,
  type Scene,
  STEP,
  sandboxScene,
  TASK,
  TASK_DEFINITION,
} from '../../../_helpers/sandbox-scene.ts';

const OTHER_NONCE = 'nonce-of-another-runner-process';
const OTHER_CODE = 'another-code-of-32-random-bytes-x';

async function refusal(scene: Scene, fields: Parameters<typeof claimBody>[0] = {}) {
  const answer = await scene.call('claim', claimBody(fields));
  return [answer.status, codeOf(answer)];
}

async function fence(scene: Scene): Promise<void> {
  await scene.store.commit({ executionId: EXECUTION_ID, changes: [fenceLease(await scene.lease())], events: [] });
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
      prepared: { attempt: 1, route: 'run', leaseId: LEASE_ID, code: CODE, approvalId: '' },
    },
  );
}

describe('a bootstrap code', () => {
  it('that is guessed is refused and counted, and the right one is still good', async () => {
    const scene = await sandboxScene();
    for (const code of [OTHER_CODE, CODE.toUpperCase(), `${CODE}x`, sha256(CODE)]) {
      expect(await refusal(scene, { code }), code).toEqual([403, 'claim_refused']);
    }
    expect(scene.counted).toEqual(Array.from({ length: 4 }, () => 'ClaimRefused'));
    expect(await scene.lease()).toMatchObject({ status: 'offered', epoch: 1 });
    await claimed(scene);
  });

  it('of another attempt is refused, for this attempt and with the lease of the other', async () => {
    const scene = await sandboxScene();
    scene.store.seed({
      attempts: [anAttempt({ attempt: 2 })],
      leases: [aLease({ attempt: 2, leaseId: '01LEASE0000000000000000002', codeHash: sha256(OTHER_CODE) })],
    });
    expect(await refusal(scene, { code: OTHER_CODE })).toEqual([403, 'claim_refused']);
    const foreign = { code: OTHER_CODE, leaseId: '01LEASE0000000000000000002' };
    expect(await refusal(scene, foreign)).toEqual([403, 'claim_refused']);
    // Code, lease and attempt of the other, by a task that was started for this one.
    expect(await refusal(scene, { ...foreign, attempt: 2 })).toEqual([403, 'claim_refused']);
    expect(scene.store.events()).toEqual([]);
  });

  it('of another execution is refused', async () => {
    const scene = await sandboxScene();
    scene.store.seed({
      executions: [anExecution({ executionId: 'report:two' })],
      attempts: [anAttempt({ executionId: 'report:two' })],
      leases: [aLease({ executionId: 'report:two', codeHash: sha256(OTHER_CODE) })],
    });
    expect(await refusal(scene, { code: OTHER_CODE })).toEqual([403, 'claim_refused']);
    expect(await refusal(scene, { executionId: 'report:two' })).toEqual([403, 'claim_refused']);
    expect(scene.store.events()).toEqual([]);
  });

  it('that was used is refused after its completion, to its own runner and to others', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    await scene.call('complete', completeBody(), sessionToken);
    for (const nonce of [claimBody().nonce, OTHER_NONCE]) {
      expect(await refusal(scene, { nonce })).toEqual([403, 'claim_refused']);
    }
    expect(await scene.lease()).toMatchObject({ status: 'completed', epoch: 1 });
  });

  it('that was used is refused also long after its claim, and fences no more than before', async () => {
    const scene = await sandboxScene();
    await claimed(scene);
    scene.clock.advance(121);
    expect(await refusal(scene)).toEqual([403, 'claim_refused']);
    expect(await scene.lease()).toMatchObject({ status: 'claimed', epoch: 1 });
    expect(await refusal(scene, { nonce: OTHER_NONCE })).toEqual([409, 'claim_conflict']);
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
  });

  it('whose lease was taken away before it was used is stale', async () => {
    const scene = await sandboxScene();
    await fence(scene);
    expect(await refusal(scene)).toEqual([409, 'stale_epoch']);
    expect(await scene.attempt()).toMatchObject({ status: 'prepared' });
  });

  it('whose execution has ended is over', async () => {
    const scene = await sandboxScene();
    await scene.store.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', set: { status: 'cancelled' } }],
      events: [],
    });
    expect(await refusal(scene)).toEqual([409, 'execution_closed']);
    expect(await refusal(scene, { code: OTHER_CODE })).toEqual([403, 'claim_refused']);
  });

  it('that is right but late is not counted as refused: nobody has to look for whoever had it', async () => {
    const scene = await sandboxScene();
    await fence(scene);
    await refusal(scene);
    expect(scene.counted).toEqual([]);
  });
});

describe('work that is not what was frozen', () => {
  async function withChangedPayload(): Promise<Scene> {
    const scene = await sandboxScene();
    const { payload } = await scene.attempt();
    if (payload === undefined) throw new Error('no payload');
    scene.blobs.tamper(EXECUTION_ID, payload, '{"kind":"sandbox"}');
    return scene;
  }

  it('ends its attempt as payload_changed, and nobody gets it later', async () => {
    const scene = await withChangedPayload();
    expect(await refusal(scene)).toEqual([409, 'payload_changed']);
    expect(await scene.attempt()).toMatchObject({ error: { code: 'payload_changed', stepPath: STEP } });
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(scene.counted).toEqual(['ClaimRefused']);
    expect(scene.noticed).toEqual([
      {
        what: 'a claim with the right code was refused',
        details: expect.objectContaining({ executionId: EXECUTION_ID, path: STEP, code: 'payload_changed' }),
      },
    ]);
    expect(JSON.stringify(scene.noticed)).not.toContain(CODE);
    expect(await refusal(scene)).toEqual([409, 'stale_epoch']);

    // Not `runner_error`, with which the refused runner ends, and not repeated: it would be the same again.
    expect(await finish(scene)).toMatchObject({ next: 'failed', error: { code: 'payload_changed' } });
    expect(await scene.attempt()).toMatchObject({ status: 'failed', error: { code: 'payload_changed' } });
    expect(await scene.execution()).toMatchObject({ ending: { status: 'failed', error: { code: 'payload_changed' } } });
    expect(scene.eventTypes()).toEqual(['step.failed']);
  });

  it('is found also where the changed payload has the hash of its handle', async () => {
    const scene = await sandboxScene();
    const other = await scene.blobs.put(EXECUTION_ID, 'payload/other', { kind: 'sandbox', command: ['rm'] });
    await scene.store.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'attempt', path: STEP, attempt: 1, set: { payload: other } }],
      events: [],
    });
    expect(await refusal(scene)).toEqual([409, 'payload_changed']);
    expect(await scene.lease()).toMatchObject({ status: 'fenced' });
  });

  it('ends its attempt where the task of the lease runs another revision', async () => {
    const scene = await sandboxScene();
    const taskDefinitionArn = TASK_DEFINITION.replace(/1$/, '2');
    scene.tasks.add({ taskArn: TASK, taskDefinitionArn, environment: { WFLO_LEASE: LEASE_ID } });
    expect(await refusal(scene)).toEqual([403, 'claim_refused']);
    expect(await scene.attempt()).toMatchObject({ error: { code: 'claim_refused' } });
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(await finish(scene)).toMatchObject({
      next: 'failed',
      error: { code: 'claim_refused', message: expect.stringContaining(taskDefinitionArn) },
    });
  });

  it('is not ended by who does not show the code', async () => {
    const scene = await withChangedPayload();
    expect(await refusal(scene, { code: OTHER_CODE })).toEqual([403, 'claim_refused']);
    expect(await scene.attempt()).not.toHaveProperty('error');
    expect(await scene.lease()).toMatchObject({ status: 'offered', epoch: 1 });
  });

  it('is not ended by a task of somebody else', async () => {
    const scene = await sandboxScene();
    const taskArn = `${TASK}1`;
    const taskDefinitionArn = TASK_DEFINITION.replace(/1$/, '2');
    scene.tasks.add({ taskArn, taskDefinitionArn, environment: { WFLO_LEASE: 'another' } });
    expect(await refusal(scene, { taskArn })).toEqual([403, 'claim_refused']);
    expect(await scene.attempt()).not.toHaveProperty('error');
    expect(await scene.lease()).toMatchObject({ status: 'offered', epoch: 1 });
    await claimed(scene);
  });

  it('leaves what was recorded in the very moment', async () => {
    const scene = await withChangedPayload();
    scene.store.beforeCommit = async () => {
      scene.store.beforeCommit = undefined;
      await fence(scene);
    };
    expect(await refusal(scene)).toEqual([409, 'payload_changed']);
    expect(await scene.attempt()).not.toHaveProperty('error');
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
  });
});
