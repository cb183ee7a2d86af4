import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesWith } from '../../sandbox-images/runner/src/stray-processes.ts';
import { type FakeGateway, fakeGateway } from '../_helpers/fake-gateway.ts';
import { archiveOf, runnerWorld, type World } from '../_helpers/runner-world.ts';
import type { Aftermath, Agent, DriverName, Expectation, Run, SandboxCase } from './case.ts';
import { type Listener, openListener } from './listener.ts';
import type { Target } from './target.ts';
import { taskOf } from './task.ts';

/** In the environment of every agent, so that what it leaves running is found. */
const MARK = 'BATTERY_MARK';

/**
 * Runs every case against the driver, one test each, several at a time. After each: the recorded end is exact, nothing
 * of the sandbox is left, and the API has not failed.
 */
export function battery(
  name: DriverName,
  cases: readonly SandboxCase[],
  open: (modelsUrl: string) => Promise<Target>,
): void {
  describe(`the ${name} driver`, () => {
    let target: Target;
    let listener: Listener;
    let gateway: FakeGateway;
    beforeAll(async () => {
      listener = await openListener();
      gateway = await fakeGateway();
      target = await open(gateway.url);
    });
    afterAll(async () => {
      listener.close();
      await target?.close();
      await gateway?.close();
    });

    let number = 0;
    for (const one of cases) {
      const expected = expectationOf(one, name);
      if (expected === undefined) continue;
      number += 1;
      const taskId = `battery${process.pid}x${number}`;
      it.concurrent(one.name, () => runCase({ target, listener, gateway, one, expected, taskId }));
    }
  });
}

/** Undefined: this driver does not run the case. */
export function expectationOf(one: SandboxCase, driver: DriverName): Expectation | undefined {
  const difference = one.differs?.[driver];
  return difference === undefined ? one.ends : difference.ends;
}

interface Arrangement {
  readonly target: Target;
  readonly listener: Listener;
  readonly gateway: FakeGateway;
  readonly one: SandboxCase;
  readonly expected: Expectation;
  readonly taskId: string;
}

async function runCase({ target, listener, gateway, one, expected, taskId }: Arrangement): Promise<void> {
  const agent = typeof one.agent === 'function' ? one.agent({ driver: target.name, listener }) : one.agent;
  const world = await worldOf(one, agent, taskId, gateway.url);
  try {
    const after = await ended({ target, one, gateway, taskId }, agent, world);
    const attempt = await world.scene.attempt();
    const { message, ...exit } = attempt.exit ?? { message: undefined };
    const stderr = after.text('stderr').slice(-2_000);
    expect({ exit: attempt.exit === undefined ? null : exit, error: attempt.error?.code }, stderr).toEqual({
      exit: expected.exit,
      error: expected.error,
    });
    if ('output' in expected) expect(after.output, stderr).toEqual(expected.output);
    expect(await processesWith(`${MARK}=${taskId}`), 'processes of the agent').toEqual([]);
    expect(await target.remains(taskId), 'what is left').toEqual([]);
    expect(world.scene.failures, 'failures of the API').toEqual([]);
    await expected.holds?.(after);
  } finally {
    await world.close();
  }
}

async function worldOf(one: SandboxCase, agent: Agent, taskId: string, modelsUrl: string): Promise<World> {
  const env = { ...agent.env, [MARK]: taskId };
  return runnerWorld(
    { timeoutSeconds: 60, ...one.payload, command: agent.command, env },
    agent.files === undefined ? undefined : await archiveWith(agent.files),
    modelsUrl,
  );
}

async function ended(
  { target, one, gateway, taskId }: Pick<Arrangement, 'target' | 'one' | 'gateway' | 'taskId'>,
  agent: Agent,
  world: World,
): Promise<Aftermath> {
  const task = taskOf(taskId, target.imageOf(agent.image ?? 'python'), world.variables(), one.memoryMiB);
  let stop = (): void => undefined;
  const run: Run = {
    driver: target.name,
    world,
    gateway,
    taskId,
    killRunner: () => target.killRunner(taskId),
    stop: () => stop(),
  };
  one.arrange?.(run);
  const began = performance.now();
  const sandbox = await target.driver.start(task);
  stop = () => sandbox.stop();
  const end = await sandbox.ended;
  const wallMs = performance.now() - began;
  await target.driver.discard(taskId);
  expect(end.code, `${end.detail}; calls: ${world.calls.join(' ')}; ${target.said(taskId)}`).toBe(
    expectationOf(one, target.name)?.sandbox ?? 0,
  );
  const logs = world.scene.logs.lines;
  return {
    ...run,
    exit: (await world.scene.attempt()).exit,
    output: await world.outputOf(),
    logs,
    text: (stream) =>
      logs
        .filter((line) => line.stream === stream)
        .map((line) => line.text)
        .join('\n'),
    wallMs,
  };
}

async function archiveWith(files: { readonly [name: string]: string }): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'wflo-battery-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return await archiveOf(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}.tar.gz`, { force: true });
  }
}
