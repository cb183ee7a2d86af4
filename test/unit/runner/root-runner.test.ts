import { spawn, spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { DROPPED_CAPABILITIES } from '../../../lib/constructs/sandbox-task/sandbox-tasks.ts';
import type { SandboxPayload } from '../../../lib/execution/payload.ts';
import { runnerBundle, runnerWorld, type World } from '../../_helpers/runner-world.ts';

/** On Fargate the runner is root with what the task definition leaves it, and the agent is uid 1000. */
const dropped = `-${DROPPED_CAPABILITIES.map((name) => name.toLowerCase()).join(',-')}`;
const SETPRIV = ['--bounding-set', dropped, '--inh-caps', '-all'];
/** Elsewhere the runner is nobody special and the agent is of its own user: what holds then is looked at instead. */
const isRoot = process.getuid?.() === 0 && spawnSync('setpriv', [...SETPRIV, 'true']).status === 0;
const WRAPPER = isRoot ? ['setpriv', ...SETPRIV] : ['env'];

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function runAsOnFargate(
  script: string,
  payload: Partial<SandboxPayload> = {},
  prepare: (made: World) => void = () => undefined,
): Promise<{ code: number | null; stderr: string; world: World }> {
  const made = await runnerWorld({ command: ['sh', '-c', script], ...payload });
  world = made;
  prepare(made);
  const [program = '', ...parameters] = [...WRAPPER, process.execPath, await runnerBundle()];
  const child = spawn(program, parameters, {
    env: { ...made.variables(), ...(isRoot ? { WFLO_AGENT_UID: '1000' } : {}) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stderr, world: made };
}

describe('a runner that is root without the capabilities that are dropped on Fargate', () => {
  it('runs the agent as another user with no capability, and takes an output that only this user could read', async () => {
    const { code, stderr, world } = await runAsOnFargate(
      `umask 077
       caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
       chmod 0700 .. ; echo "{\\"user\\":$(id -u),\\"groups\\":\\"$(id -G)\\",\\"caps\\":\\"$caps\\"}" > "$WFLO_OUTPUT"`,
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(await world.outputOf()).toMatchObject({
      user: isRoot ? 1000 : process.getuid?.(),
      caps: expect.stringMatching(/^0*$/),
      ...(isRoot ? { groups: '1000' } : {}),
    });
  });

  it('keeps its environment, which holds the code of the lease, from the agent', async () => {
    const { code, world } = await runAsOnFargate(
      'if cat "/proc/$PPID/environ" >/dev/null 2>&1; then echo 1; else echo 0; fi > "$WFLO_OUTPUT"',
    );
    expect(code).toBe(0);
    expect(await world.outputOf()).toBe(isRoot ? 0 : 1);
  });

  it('takes a workspace that only the agent could read, and hands it to the next one', async () => {
    const { code, stderr, world } = await runAsOnFargate(
      `umask 077; cd "$WFLO_WORKSPACE"; mkdir -p closed/deep; echo secret > closed/deep/file; ln -s closed/deep/file link
       ln closed/deep/file hard; chmod 000 closed/deep/file closed/deep closed "$WFLO_WORKSPACE" ${isRoot ? '"${WFLO_WORKSPACE%/*}"' : ''}`,
      { keepWorkspace: true },
    );
    expect([code, stderr]).toEqual([0, '']);
    const { workspace, error } = await world.scene.attempt();
    expect(error).toBeUndefined();
    const archive = world.objects.get(workspace?.key ?? '');
    if (workspace === undefined || archive === undefined) throw new Error('nothing was kept');
    await world.close();
    const next = await runAsOnFargate(
      `cd "$WFLO_WORKSPACE"; cat link hard; stat -c '%u %a' . closed closed/deep closed/deep/file; echo more >> link`,
      { workspace },
      (made) => made.objects.set(workspace.key, archive),
    );
    const uid = isRoot ? 1000 : process.getuid?.();
    expect(next.world.scene.logs.lines.map(({ text }) => text)).toEqual([
      ...['secret', 'secret'],
      ...[`${uid} 755`, `${uid} 700`, `${uid} 700`, `${uid} 600`],
    ]);
    expect(await next.world.scene.attempt()).toMatchObject({ exit: { reason: 'ok', code: 0 } });
  });

  it('may end an agent of another user, at its time limit', async () => {
    const { code, world } = await runAsOnFargate('sleep 60', { timeoutSeconds: 1 });
    expect(code).toBe(0);
    expect(await world.scene.attempt()).toMatchObject({ exit: { reason: 'timed_out' } });
  });
});
