import { readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxPayload } from '../../../lib/execution/payload.ts';
import { sha256 } from '../../../lib/json.ts';
import type { WorkspaceObject } from '../../../lib/sandbox/protocol.ts';
import { answer, FAST, runnerWorld, type World } from '../../_helpers/runner-world.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function world(script: string, payload: Partial<SandboxPayload> = {}): Promise<World> {
  const made = await runnerWorld({ command: ['sh', '-c', script], ...payload });
  worlds.push(made);
  return made;
}

/** Runs a step that keeps its workspace, and answers what it kept. */
async function keep(script: string, payload: Partial<SandboxPayload> = {}): Promise<[World, WorkspaceObject]> {
  const w = await world(script, { keepWorkspace: true, ...payload });
  expect(await w.run()).toBe(0);
  const { workspace, exit } = await w.scene.attempt();
  expect(exit).toEqual({ reason: 'ok', code: 0 });
  if (workspace === undefined) throw new Error('nothing was kept');
  return [w, workspace];
}

/** A step that begins with what another world kept. */
async function begin(script: string, from: World, workspace: WorkspaceObject, keepWorkspace = false): Promise<World> {
  const w = await world(script, { workspace, ...(keepWorkspace ? { keepWorkspace: true } : {}) });
  w.objects.set(workspace.key, from.objects.get(workspace.key) ?? Buffer.alloc(0));
  return w;
}

describe('a workspace', () => {
  it('is an empty folder of the agent where nothing is carried, and ends with the step', async () => {
    const w = await world('cd "$WFLO_WORKSPACE" && ls -A > list && ls -A | wc -l > "$WFLO_OUTPUT"');
    expect(await w.run()).toBe(0);
    expect(await w.outputOf()).toBe(1);
    expect(await w.scene.attempt()).not.toHaveProperty('workspace');
    expect(w.calls).toEqual(['claim', 'complete']);
  });

  it('is carried from step to step, and changed by each', async () => {
    const [first, kept] = await keep(
      'cd "$WFLO_WORKSPACE" && mkdir -p src/deep && echo one > "src/deep/ünï 🦉" && ln -s src/deep/* link && chmod 700 src',
    );
    expect(first.calls).toEqual(['claim', 'urls', 'PUT object', 'complete']);
    expect(kept.key).toBe(`workspaces/report/one/${kept.sha256}.tar.gz`);
    expect(sha256(first.objects.get(kept.key) ?? '')).toBe(kept.sha256);
    const second = await begin('cd "$WFLO_WORKSPACE" && cat link && echo two >> link && rm link', first, kept, true);
    expect(await second.run()).toBe(0);
    expect(second.scene.logs.lines.map(({ text }) => text)).toEqual(['one']);
    const { workspace } = await second.scene.attempt();
    if (workspace === undefined) throw new Error('nothing was kept');
    const third = await begin('cd "$WFLO_WORKSPACE" && find . | sort && cat src/deep/*', second, workspace);
    expect(await third.run()).toBe(0);
    expect(third.scene.logs.lines.map(({ text }) => text)).toEqual([
      '.',
      './src',
      './src/deep',
      './src/deep/ünï 🦉',
      'one',
      'two',
    ]);
    expect(await third.scene.attempt()).not.toHaveProperty('workspace');
  });

  it('leaves no archive on the disk', async () => {
    const [first, kept] = await keep('echo x > "$WFLO_WORKSPACE/f"');
    const second = await begin('ls -A .. > "$TMPDIR/seen"', first, kept, true);
    expect(await second.run()).toBe(0);
    expect((await readdir(second.root)).sort()).toEqual(['code', 'home', 'input.json', 'tmp', 'workspace']);
  });

  it('that was changed on its way never reaches an agent', async () => {
    const [first, kept] = await keep('echo x > "$WFLO_WORKSPACE/f"');
    const second = await begin('echo ran', first, kept);
    second.objects.set(kept.key, gzipSync('something else'));
    expect(await second.run()).toBe(0);
    expect((await second.scene.attempt()).exit).toMatchObject({ reason: 'runner_error', code: 64 });
    expect(second.scene.logs.lines).toEqual([]);
  });

  it('that cannot be carried on fails the step by its name, and the exit stays', async () => {
    const w = await world('mkfifo "$WFLO_WORKSPACE/pipe"', { keepWorkspace: true });
    expect(await w.run()).toBe(0);
    const attempt = await w.scene.attempt();
    expect(attempt).toMatchObject({
      exit: { reason: 'ok', code: 0 },
      error: { code: 'invalid_workspace', message: expect.stringContaining('"pipe"') },
    });
    expect(attempt).not.toHaveProperty('workspace');
    expect(w.calls).toEqual(['claim', 'complete']);
  });

  it('of an agent that failed is not kept', async () => {
    const w = await world('echo x > "$WFLO_WORKSPACE/f"; exit 3', { keepWorkspace: true });
    expect(await w.run()).toBe(0);
    expect(await w.scene.attempt()).toMatchObject({ exit: { reason: 'agent_failed', code: 3 } });
    expect(w.calls).toEqual(['claim', 'complete']);
  });

  it('is uploaded although the store fails for a moment', async () => {
    const w = await world('echo x > "$WFLO_WORKSPACE/f"', { keepWorkspace: true });
    let failures = 0;
    w.intercept = (call, _request, response) => {
      if (call !== 'PUT object' || failures > 1) return false;
      failures += 1;
      answer(response, failures === 1 ? 503 : 403, '');
      return true;
    };
    expect(await w.run()).toBe(0);
    expect(await w.scene.attempt()).toMatchObject({ workspace: { key: expect.any(String) } });
    expect(w.calls.filter((call) => call === 'urls')).toHaveLength(3);
  });

  it('that cannot be uploaded is a failure of the runner', async () => {
    const w = await world('echo x > "$WFLO_WORKSPACE/f"', { keepWorkspace: true });
    w.intercept = (call, _request, response) => {
      if (call === 'PUT object') answer(response, 400, '');
      return call === 'PUT object';
    };
    expect(await w.run({ timings: { ...FAST, deliveryMs: 1_000 } })).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({
      reason: 'runner_error',
      message: expect.stringContaining('the workspace could not be kept'),
    });
  });
});
