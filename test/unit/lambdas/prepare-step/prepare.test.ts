import { beforeEach, describe, expect, it } from 'vitest';
import type { SandboxStepConfig } from '../../../../lib/execution/machine.ts';
import { sha256 } from '../../../../lib/json.ts';
import { APPLY, beforeNextCommit, EXECUTION_ID, ExecutionScene, PLAN } from '../../../_helpers/execution-scene.ts';

const DENIED = { attempt: 0, route: 'deny', leaseId: '', code: '', approvalId: '' };

let scene: ExecutionScene;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
});

describe('preparing a step', () => {
  it('freezes the payload and offers a lease, in one commit', async () => {
    const prepared = await scene.prepare();
    const attempt = await scene.attempt();
    expect(attempt).toMatchObject({ status: 'prepared', attempt: 1, kind: 'sandbox' });
    expect(attempt.payload && (await scene.blobs.get(EXECUTION_ID, attempt.payload))).toMatchObject({
      env: { TABLE: 'orders' },
      input: { days: 30 },
      command: ['python', 'plan.py'],
    });
    expect(await scene.lease()).toMatchObject({
      status: 'offered',
      epoch: 1,
      leaseId: prepared.leaseId,
      codeHash: sha256(prepared.code),
      taskDefinition: expect.any(String),
    });
    expect(prepared).toMatchObject({ attempt: 1, route: 'run' });
    expect(scene.executions.outbox(EXECUTION_ID)).toHaveLength(2);
    expect(scene.events()).toEqual(['workflow.started', 'step.prepared']);
  });

  it('never stores the code, and never tells it in an event', async () => {
    const { code } = await scene.prepare();
    const stored = JSON.stringify([await scene.attempt(), await scene.lease(), scene.executions.events()]);
    expect(stored).not.toContain(code);
  });

  it('offers a lambda step in the same way', async () => {
    await scene.succeed();
    const prepared = await scene.prepare(APPLY);
    expect(prepared).toMatchObject({ attempt: 1, route: 'run', code: expect.stringMatching(/./) });
    expect(await scene.lease('apply')).toMatchObject({ kind: 'lambda', codeHash: sha256(prepared.code) });
  });

  it('reads only what the step refers to', async () => {
    const plain: SandboxStepConfig = { ...PLAN, env: {}, input: { literal: null } };
    const { input } = await scene.execution();
    if (input !== undefined) scene.blobs.tamper(EXECUTION_ID, input, '"changed"');
    expect(await scene.prepare(plain)).toMatchObject({ route: 'run' });
  });
});

describe('a workspace', () => {
  const REVIEW: SandboxStepConfig = { ...PLAN, path: 'review', workspaceFrom: 'plan', keepWorkspace: true };
  const kept = { key: 'workspaces/report/one/a.tar.gz', sha256: 'a'.repeat(64), bytes: 1024 };

  async function keep(attempt: number, workspace: typeof kept): Promise<void> {
    await scene.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'attempt', path: 'plan', attempt, set: { workspace } }],
      events: [],
    });
  }

  it('of the attempt that succeeded is frozen into the payload, and so is that one is kept', async () => {
    await scene.finish(await scene.prepare());
    await keep(1, { ...kept, sha256: 'b'.repeat(64) });
    scene.clock.advance(10);
    await scene.succeed();
    await keep(2, kept);
    expect(await scene.prepare(REVIEW)).toMatchObject({ attempt: 1, route: 'run' });
    const { payload } = await scene.attempt('review');
    const frozen = payload && (await scene.blobs.get(EXECUTION_ID, payload));
    expect(frozen).toMatchObject({ workspace: kept, keepWorkspace: true });
  });

  it('that no step left denies, with its own error', async () => {
    await scene.succeed();
    const prepared = await scene.prepare(REVIEW);
    expect(prepared).toEqual({ ...DENIED, attempt: 1 });
    expect(await scene.attempt('review')).toMatchObject({ error: { code: 'workspace_missing', stepPath: 'review' } });
    expect(await scene.finish(prepared, REVIEW)).toMatchObject({
      next: 'failed',
      error: { code: 'workspace_missing' },
    });
  });

  it('of an attempt that did not succeed does not count', async () => {
    await scene.finish(await scene.prepare());
    await keep(1, kept);
    await scene.prepare(REVIEW);
    expect(await scene.attempt('review')).toMatchObject({ error: { code: 'workspace_missing' } });
  });
});

describe('a repeated call', () => {
  it('gets the same attempt with a new code; only the new one counts', async () => {
    const first = await scene.prepare(PLAN, '2026-01-01T00:00:05.000Z');
    const second = await scene.prepare(PLAN, '2026-01-01T00:00:05.000Z');
    expect(second).toMatchObject({ attempt: 1, leaseId: first.leaseId });
    expect(second.code).not.toBe(first.code);
    expect(await scene.lease()).toMatchObject({ codeHash: sha256(second.code) });
    expect(scene.events()).toEqual(['workflow.started', 'step.prepared']);
  });

  it('allots one attempt when two calls come at the same time', async () => {
    const answers = await Promise.all([
      scene.prepare(PLAN, '2026-01-01T00:00:05.000Z'),
      scene.prepare(PLAN, '2026-01-01T00:00:05.000Z'),
    ]);
    expect(answers.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(await scene.executions.listAttempts(EXECUTION_ID)).toHaveLength(1);
    const { codeHash } = await scene.lease();
    expect(answers.filter(({ code }) => sha256(code) === codeHash)).toHaveLength(1);
  });

  it('gets nothing once the lease was claimed', async () => {
    const entered = '2026-01-01T00:00:05.000Z';
    const prepared = await scene.prepare(PLAN, entered);
    await scene.claim(prepared, 'arn:task');
    expect(await scene.prepare(PLAN, entered)).toEqual({ ...DENIED, attempt: 1 });
    expect(await scene.lease()).toMatchObject({ status: 'claimed', codeHash: sha256(prepared.code) });
  });

  it('does not take the code away from a runner that claims in the very moment', async () => {
    const entered = '2026-01-01T00:00:05.000Z';
    const prepared = await scene.prepare(PLAN, entered);
    beforeNextCommit(scene.executions, () => scene.claim(prepared, 'arn:task'));
    expect(await scene.prepare(PLAN, entered)).toMatchObject({ route: 'deny' });
    expect(await scene.lease()).toMatchObject({ status: 'claimed', codeHash: sha256(prepared.code) });
  });
});

describe('a later entry', () => {
  it('gets the next attempt, with the same payload hash for the same work', async () => {
    const first = await scene.prepare();
    await scene.finish(first);
    scene.clock.advance(10);
    expect(await scene.prepare()).toMatchObject({ attempt: 2, route: 'run' });
    expect((await scene.attempt('plan', 2)).payloadHash).toBe((await scene.attempt('plan', 1)).payloadHash);
  });

  it('starts nothing while an attempt is open, nor when it comes late', async () => {
    await scene.prepare(PLAN, '2026-01-01T00:00:05.000Z');
    expect(await scene.prepare(PLAN, '2026-01-01T00:00:09.000Z')).toEqual(DENIED);
    expect(await scene.prepare(PLAN, '2026-01-01T00:00:02.000Z')).toEqual(DENIED);
    expect(await scene.executions.listAttempts(EXECUTION_ID)).toHaveLength(1);
  });
});

describe('a denial', () => {
  it('is the answer while the execution is ending', async () => {
    await scene.beginToCancel();
    expect(await scene.prepare()).toEqual(DENIED);
    expect(await scene.executions.listAttempts(EXECUTION_ID)).toEqual([]);
  });

  it('is the answer when the execution begins to end in the very moment', async () => {
    beforeNextCommit(scene.executions, () => scene.beginToCancel());
    expect(await scene.prepare()).toEqual(DENIED);
    expect(await scene.executions.listAttempts(EXECUTION_ID)).toEqual([]);
  });

  it('is the answer once the execution has ended', async () => {
    await scene.succeed();
    await scene.close();
    expect(await scene.prepare(APPLY)).toEqual(DENIED);
  });

  it.each([
    ['reference_not_resolved', { ref: { source: { from: 'input' }, path: ['missing'] } }],
    ['reference_not_resolved', { ref: { source: { from: 'step', step: 'apply' }, path: [] } }],
    ['payload_too_large', { literal: 'x'.repeat(6 * 1024 * 1024) }],
  ] as const)('is recorded with its error, and fails the step: %s', async (code, input) => {
    const step: SandboxStepConfig = { ...PLAN, input };
    const prepared = await scene.prepare(step);
    expect(prepared).toEqual({ ...DENIED, attempt: 1 });
    expect(await scene.attempt()).toMatchObject({ error: { code, stepPath: 'plan' } });
    expect(await scene.finish(prepared, step)).toMatchObject({ next: 'failed', error: { code } });
    expect(scene.events()).toEqual(['workflow.started', 'step.failed']);
  });

  it('is the answer when a stored value was changed', async () => {
    const { input } = await scene.execution();
    if (input !== undefined) scene.blobs.tamper(EXECUTION_ID, input, '{"table":"payments","days":30}');
    expect(await scene.prepare()).toMatchObject({ route: 'deny' });
    expect(await scene.attempt()).toMatchObject({ error: { code: 'payload_changed' } });
  });

  it('is the same again for the same entry', async () => {
    const step: SandboxStepConfig = { ...PLAN, input: { ref: { source: { from: 'input' }, path: ['missing'] } } };
    const first = await scene.prepare(step, '2026-01-01T00:00:05.000Z');
    expect(await scene.prepare(step, '2026-01-01T00:00:05.000Z')).toEqual(first);
    expect(await scene.executions.listAttempts(EXECUTION_ID)).toHaveLength(1);
  });
});

it('fails for an execution that nobody opened', async () => {
  await expect(new ExecutionScene().prepare()).rejects.toMatchObject({ code: 'unknown_execution' });
});
