import { setTimeout as sleep } from 'node:timers/promises';
import type { HostLog } from './host-log.ts';
import type { RunningSandbox, SandboxDriver, SandboxTask } from './sandbox-driver.ts';
import { type TaskSource, taskIdOf } from './task-source.ts';

export interface SandboxHostOptions {
  readonly source: TaskSource;
  readonly driver: SandboxDriver;
  readonly log: HostLog;
  /** False when the host has nothing to do any more: its configuration was deleted. */
  readonly isWanted: () => Promise<boolean>;
  /** How often the cluster is looked at. */
  readonly pollMs?: number;
  /** The host ends when the cluster has not answered for this long. */
  readonly goneMs?: number;
}

export interface SandboxHost {
  /** Settles with the reason when the host has ended, with nothing of its sandboxes running. */
  readonly ended: Promise<string>;
  stop(reason: string): Promise<void>;
}

const POLL_MS = 150;
const GONE_MS = 30_000;

interface Taken {
  readonly taskArn: string;
  sandbox?: RunningSandbox;
  /** The task was stopped by somebody else, so there is nothing to report. */
  stopped: boolean;
  /** The sandbox has ended, and the task ends with it. */
  ended: boolean;
}

/**
 * Takes the running tasks of the cluster, runs a sandbox for each, ends the task with it, and the sandbox with the
 * task. Resolves once tasks of an earlier host are ended (their sandboxes are lost) and new ones are taken.
 */
export async function startSandboxHost(options: SandboxHostOptions): Promise<SandboxHost> {
  const { source, driver, log, pollMs = POLL_MS, goneMs = GONE_MS } = options;
  const taken = new Map<string, Taken>();
  const work = new Set<Promise<void>>();
  /** A list may be older than the end of a task: none is taken twice. */
  const over = new Set<string>();
  let stopping: string | undefined;

  async function take(task: SandboxTask): Promise<void> {
    const entry: Taken = { taskArn: task.taskArn, stopped: false, ended: false };
    taken.set(task.taskArn, entry);
    let reason: string;
    try {
      entry.sandbox = await driver.start(task);
      log('started', { taskId: task.taskId, image: task.image });
      if (entry.stopped || stopping !== undefined) entry.sandbox.stop();
      const end = await entry.sandbox.ended;
      log('ended', { taskId: task.taskId, code: end.code });
      reason = `exit=${end.code} ${end.detail}`;
    } catch (error) {
      // A driver that knows more of it says so in the words of ECS.
      const message = messageOf(error);
      reason = /^Cannot\w+Error: /.test(message) ? message : `CannotStartContainerError: ${message}`;
      log('not started', { taskId: task.taskId, reason });
    }
    entry.ended = true;
    if (!entry.stopped) await endTask(task.taskArn, reason);
    await driver.discard(task.taskId);
    over.add(task.taskArn);
    taken.delete(task.taskArn);
  }

  /** The state machine waits for this, so it is repeated while the cluster may come back. */
  async function endTask(taskArn: string, reason: string): Promise<void> {
    const deadline = performance.now() + goneMs;
    for (;;) {
      try {
        return await source.stop(taskArn, reason);
      } catch (error) {
        if (stopping !== undefined || performance.now() > deadline) {
          log('task not ended', { taskId: taskIdOf(taskArn), failure: messageOf(error) });
          return;
        }
        await sleep(pollMs);
      }
    }
  }

  async function look(): Promise<void> {
    const running = await source.listRunning();
    for (const entry of taken.values()) {
      if (entry.stopped || entry.ended || running.includes(entry.taskArn)) continue;
      entry.stopped = true;
      log('task was stopped', { taskId: taskIdOf(entry.taskArn) });
      entry.sandbox?.stop();
    }
    const fresh = running.filter((arn) => !taken.has(arn) && !over.has(arn));
    if (fresh.length === 0) return;
    for (const task of await source.describe(fresh)) {
      const promise = take(task)
        .catch((error: unknown) => log('failure', { taskId: task.taskId, failure: messageOf(error) }))
        .finally(() => work.delete(promise));
      work.add(promise);
    }
  }

  /** Whatever an earlier host took is lost: its runners are killed, and its tasks end, so that Finish can decide. */
  async function endLeftovers(): Promise<void> {
    const leftovers = new Set(await driver.leftovers());
    for (const taskArn of await source.listRunning()) {
      if (!leftovers.has(taskIdOf(taskArn))) continue;
      log('lost with an earlier host', { taskId: taskIdOf(taskArn) });
      await source.stop(taskArn, 'the sandbox host was restarted, and the sandbox was lost');
      over.add(taskArn);
    }
    for (const taskId of leftovers) await driver.discard(taskId);
  }

  async function run(): Promise<string> {
    let lastAnswer = performance.now();
    let failing = false;
    while (stopping === undefined) {
      if (!(await options.isWanted())) return 'the configuration file is gone';
      try {
        await look();
        if (failing) log('the cluster answers again');
        failing = false;
        lastAnswer = performance.now();
      } catch (error) {
        if (!failing) log('the cluster does not answer', { failure: messageOf(error) });
        failing = true;
        if (performance.now() - lastAnswer > goneMs) return 'the cluster is gone';
      }
      await sleep(pollMs);
    }
    return stopping;
  }

  await endLeftovers();
  await look();
  const ended = run().then(async (reason) => {
    stopping ??= reason;
    log('ending', { reason, sandboxes: taken.size });
    for (const entry of taken.values()) entry.sandbox?.stop();
    await Promise.all(work);
    await driver.close();
    return reason;
  });
  return {
    ended,
    async stop(reason) {
      stopping ??= reason;
      await ended;
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
