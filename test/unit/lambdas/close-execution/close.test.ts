import { beforeEach, describe, expect, it } from 'vitest';
import { beforeNextCommit, EXECUTION_ID, ExecutionScene } from '../../../_helpers/execution-scene.ts';

let scene: ExecutionScene;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  await scene.succeed();
});

describe('closing an execution', () => {
  it('stores the output and ends it as succeeded', async () => {
    expect(await scene.close()).toEqual({ ok: true, output: { risk: 12, note: 'none' }, error: null });
    const execution = await scene.execution();
    expect(execution).toMatchObject({ status: 'succeeded', endedAt: scene.clock.now().toISOString() });
    // Once more, for what its sandboxes still hold.
    expect(execution.checkAt).toBe('2026-01-01T00:02:01.000Z');
    expect(execution.output && (await scene.blobs.get(EXECUTION_ID, execution.output))).toEqual({
      risk: 12,
      note: 'none',
    });
    expect(scene.events().at(-1)).toBe('workflow.succeeded');
  });

  it('answers a repeated call the same, and tells of the end once', async () => {
    const first = await scene.close();
    scene.clock.advance(60);
    expect(await scene.close()).toEqual(first);
    expect(scene.events().filter((type) => type === 'workflow.succeeded')).toHaveLength(1);
  });

  it('answers two calls at the same time the same', async () => {
    const [one, other] = await Promise.all([scene.close(), scene.close()]);
    expect(one).toEqual(other);
    expect(scene.events().filter((type) => type === 'workflow.succeeded')).toHaveLength(1);
  });

  it('names a large output by its hash instead of carrying it', async () => {
    const answer = await scene.close({ literal: 'x'.repeat(40_000) });
    const { output } = await scene.execution();
    expect(answer).toEqual({
      ok: true,
      output: { wfloOutput: { sha256: output?.sha256, bytes: 40_002, note: expect.any(String) } },
      error: null,
    });
  });
});

describe('an execution that is ending', () => {
  it('does not succeed any more', async () => {
    await scene.beginToCancel();
    expect(await scene.close()).toMatchObject({ ok: false, output: null, error: { code: 'execution_closed' } });
    expect(await scene.execution()).toMatchObject({ status: 'running', ending: { status: 'cancelled' } });
  });

  it('does not succeed when it begins to end in the very moment', async () => {
    beforeNextCommit(scene.executions, () => scene.beginToCancel());
    expect(await scene.close()).toMatchObject({ ok: false });
    expect(scene.events()).not.toContain('workflow.succeeded');
  });

  it('fails when its output cannot be built', async () => {
    const missing = { ref: { source: { from: 'step', step: 'plan' }, path: ['total'] } } as const;
    expect(await scene.close(missing)).toMatchObject({ ok: false, error: { code: 'reference_not_resolved' } });
    expect(await scene.execution()).toMatchObject({
      status: 'running',
      ending: { status: 'failed', error: { code: 'reference_not_resolved' } },
    });
    expect(await scene.close(missing)).toMatchObject({ ok: false, error: { code: 'reference_not_resolved' } });
  });

  it('fails when a stored output was changed', async () => {
    const ref = scene.state.steps.plan?.ref;
    if (ref) scene.blobs.tamper(EXECUTION_ID, ref, '{}');
    expect(await scene.close()).toMatchObject({ ok: false, error: { code: 'payload_changed' } });
  });
});
