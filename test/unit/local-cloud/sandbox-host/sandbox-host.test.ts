import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxPayload } from '../../../../lib/execution/payload.ts';
import { processDriver } from '../../../../lib/local-cloud/sandbox-host/process-driver.ts';
import type { SandboxDriver, SandboxTask } from '../../../../lib/local-cloud/sandbox-host/sandbox-driver.ts';
import {
  type SandboxHost,
  type SandboxHostOptions,
  startSandboxHost,
} from '../../../../lib/local-cloud/sandbox-host/sandbox-host.ts';
import { type TaskSource, taskIdOf } from '../../../../lib/local-cloud/sandbox-host/task-source.ts';
import { processesWith } from '../../../../sandbox-images/runner/src/stray-processes.ts';
import { runnerWorld, until, type World } from '../../../_helpers/runner-world.ts';
import { TASK, TASK_DEFINITION } from '../../../_helpers/sandbox-scene.ts';

let workFolder: string;
let driver: SandboxDriver;
const worlds: World[] = [];
const hosts: SandboxHost[] = [];

beforeAll(async () => {
  workFolder = await mkdtemp(join(tmpdir(), 'wflo-host-'));
  process.env.SECRET_OF_THE_HOST = 'must not be passed on';
  driver = await processDriver({
    workFolder,
    caFile: '/dev/null',
    env: process.env,
    log: () => undefined,
    graceMs: 700,
  });
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop('the test is over');
  for (const world of worlds.splice(0)) await world.close();
});
afterAll(async () => {
  delete process.env.SECRET_OF_THE_HOST;
  await driver.close();
  await rm(workFolder, { recursive: true, force: true });
});

class FakeSource implements TaskSource {
  readonly running = new Map<string, SandboxTask>();
  readonly stops: [string, string][] = [];
  failing = false;
  looks = 0;

  async listRunning() {
    this.looks += 1;
    if (this.failing) throw new Error('ECONNREFUSED');
    return [...this.running.keys()];
  }

  async describe(arns: readonly string[]) {
    return arns.flatMap((arn) => this.running.get(arn) ?? []);
  }

  async stop(taskArn: string, reason: string) {
    if (this.failing) throw new Error('ECONNREFUSED');
    this.stops.push([taskArn, reason]);
    this.running.delete(taskArn);
  }
}

function taskFor(world: World): SandboxTask {
  const { WFLO_ROOT: _root, PATH: _path, ECS_CONTAINER_METADATA_URI_V4: _uri, ...environment } = world.variables();
  return {
    taskArn: TASK,
    taskId: taskIdOf(TASK),
    clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/wflo-dev',
    taskDefinitionArn: TASK_DEFINITION,
    image: 'wflo/python:local',
    environment: { ...environment, WFLO_AGENT_UID: '1000' },
  };
}

async function world(payload: Partial<SandboxPayload>): Promise<World> {
  const made = await runnerWorld(payload);
  worlds.push(made);
  return made;
}

/** The shared driver is not closed by a host that ends. */
async function host(source: TaskSource, options: Partial<SandboxHostOptions> = {}): Promise<SandboxHost> {
  const started = await startSandboxHost({
    source,
    driver: { ...driver, close: async () => undefined },
    log: () => undefined,
    isWanted: async () => true,
    pollMs: 10,
    goneMs: 300,
    ...options,
  });
  hosts.push(started);
  return started;
}

const taskProcesses = () => processesWith(join(workFolder, 'tasks'));
const taskFolders = () => readdir(join(workFolder, 'tasks'));
const sh = (script: string): string[] => ['sh', '-c', script];

describe('a running task', () => {
  it('gets its sandbox, and ends with it', async () => {
    const w = await world({ command: ['python', '-c', 'print("from python")'] });
    const source = new FakeSource();
    await host(source);
    source.running.set(TASK, taskFor(w));
    await until(() => source.stops.length > 0);
    expect(source.stops).toEqual([[TASK, 'exit=0 the runner ended with code 0']]);
    expect((await w.scene.attempt()).exit).toEqual({ reason: 'ok', code: 0 });
    expect(w.scene.logs.lines.map((line) => line.text)).toEqual(['from python']);
    await until(async () => (await taskFolders()).length === 0);
  });

  it('hands the agent nothing of the host, and of its metadata only its own', async () => {
    const script =
      'require("fs").writeFileSync(process.env.WFLO_OUTPUT, JSON.stringify({...process.env, runner: require("fs").readFileSync(`/proc/${process.ppid}/environ`, "utf8").split("\\0")}))';
    const w = await world({ command: ['node', '-e', script] });
    const source = new FakeSource();
    source.running.set(TASK, taskFor(w));
    await host(source);
    await until(() => source.stops.length > 0);
    const env = (await w.outputOf()) as Record<string, string> & { runner: string[] };
    expect(JSON.stringify(env)).not.toContain('must not be passed on');
    expect(env.runner.filter((pair) => pair.startsWith('AWS_'))).toEqual([]);
    expect(env.PATH?.split(':')[0]).toBe(join(workFolder, 'bin'));
    expect(Object.keys(env).filter((name) => /CODE|LEASE|API|METADATA/.test(name))).toEqual([]);
  });

  it('that is stopped takes its whole sandbox with it, also what ignores SIGTERM', async () => {
    const w = await world({
      command: sh('trap "" TERM; setsid sh -c "trap \\"\\" TERM; sleep 100" & sleep 100; sleep 100'),
    });
    const source = new FakeSource();
    await host(source);
    source.running.set(TASK, taskFor(w));
    await until(async () => (await taskProcesses()).length >= 4);
    source.running.delete(TASK);
    await until(async () => (await taskFolders()).length === 0);
    expect(await taskProcesses()).toEqual([]);
    expect(source.stops).toEqual([]);
  });

  it('whose runner is refused ends with the code of the runner', async () => {
    const w = await world({});
    const source = new FakeSource();
    const task = taskFor(w);
    source.running.set(TASK, { ...task, environment: { ...task.environment, WFLO_LEASE: 'another' } });
    await host(source);
    await until(() => source.stops.length > 0);
    expect(source.stops).toEqual([[TASK, 'exit=64 the runner ended with code 64']]);
  });

  it('whose runner is killed says so', async () => {
    const w = await world({ command: ['sleep', '100'] });
    const source = new FakeSource();
    await host(source);
    source.running.set(TASK, taskFor(w));
    await until(async () => (await w.scene.attempt()).status === 'running');
    await until(async () => (await taskProcesses()).length === 2);
    const [runner = 0] = (await taskProcesses()).sort((a, b) => a - b);
    process.kill(runner, 'SIGKILL');
    await until(() => source.stops.length > 0);
    expect(source.stops).toEqual([[TASK, 'exit=137 the runner was killed by SIGKILL']]);
    expect(await taskProcesses()).toEqual([]);
  });

  it('that cannot be started ends as one that could not be started', async () => {
    const source = new FakeSource();
    source.running.set(TASK, taskFor(await world({})));
    const broken = { ...driver, close: async () => undefined, start: () => Promise.reject(new Error('no room')) };
    await host(source, { driver: broken });
    await until(() => source.stops.length > 0);
    expect(source.stops).toEqual([[TASK, 'CannotStartContainerError: no room']]);
  });
});

describe('a host', () => {
  it('ends what an earlier host left: its processes, its folder, its task', async () => {
    const w = await world({ command: ['sleep', '100'] });
    const source = new FakeSource();
    source.running.set(TASK, taskFor(w));
    const lost = await driver.start(taskFor(w));
    await until(async () => (await w.scene.attempt()).status === 'running');
    await host(source);
    expect(source.stops).toEqual([[TASK, 'the sandbox host was restarted, and the sandbox was lost']]);
    expect((await lost.ended).code).toBe(137);
    expect([await taskProcesses(), await taskFolders()]).toEqual([[], []]);
  });

  it('survives a cluster that is away for a moment, and reports what ended meanwhile', async () => {
    const w = await world({ command: ['true'] });
    const source = new FakeSource();
    await host(source, { goneMs: 10_000 });
    source.running.set(TASK, taskFor(w));
    await until(async () => (await w.scene.attempt()).status === 'running');
    source.failing = true;
    await until(async () => (await w.scene.attempt()).status === 'exited');
    source.failing = false;
    await until(() => source.stops.length > 0);
    expect(source.stops).toEqual([[TASK, 'exit=0 the runner ended with code 0']]);
  });

  it('ends when the cluster is gone, and leaves nothing running', async () => {
    const w = await world({ command: ['sleep', '100'] });
    const source = new FakeSource();
    const started = await host(source);
    source.running.set(TASK, taskFor(w));
    await until(async () => (await w.scene.attempt()).status === 'running');
    source.failing = true;
    expect(await started.ended).toBe('the cluster is gone');
    expect(await taskProcesses()).toEqual([]);
  });

  it('ends when its configuration is deleted', async () => {
    let wanted = true;
    const started = await host(new FakeSource(), { isWanted: async () => wanted });
    wanted = false;
    expect(await started.ended).toBe('the configuration file is gone');
  });

  it('ends the tasks of its sandboxes when it is told to stop', async () => {
    const w = await world({ command: ['sleep', '100'] });
    const source = new FakeSource();
    const started = await host(source);
    source.running.set(TASK, taskFor(w));
    await until(async () => (await w.scene.attempt()).status === 'running');
    await started.stop('told to stop');
    expect(source.stops).toEqual([[TASK, 'exit=0 the runner ended with code 0']]);
    expect((await w.scene.attempt()).exit).toMatchObject({ reason: 'killed', code: 143 });
    expect(await taskProcesses()).toEqual([]);
  });
});

it('says of every property whether it is enforced', () => {
  const { properties } = driver.isolation;
  expect(driver.isolation.driver).toBe('process');
  const enforced = Object.fromEntries(properties.map((each) => [each.property, each.enforced]));
  expect(enforced).toMatchObject({
    'memory limit': false,
    'cpu limit': false,
    'separate user': false,
    'read-only root': false,
    capabilities: false,
    network: false,
    'process limit': false,
    'time limit': true,
    'no AWS credentials': true,
  });
});
