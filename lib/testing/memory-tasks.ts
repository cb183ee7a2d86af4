import type { Clock, SandboxTasks, TaskState } from '../ports.ts';
import { RUNNER_ENV } from '../sandbox/protocol.ts';

/** What ECS would say of the sandboxes of a test. */
export class MemoryTasks implements SandboxTasks {
  readonly #tasks = new Map<string, TaskState>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It began when it was put first, and ended when it was put as stopped. */
  put(task: TaskState): void {
    const now = this.#clock.now().toISOString();
    const before = this.#tasks.get(task.taskArn);
    this.#tasks.set(task.taskArn, {
      createdAt: before?.createdAt ?? now,
      ...(task.lastStatus === 'STOPPED' ? { stoppedAt: now } : {}),
      ...task,
    });
  }

  async describe(taskArn: string): Promise<TaskState | undefined> {
    return this.#tasks.get(taskArn);
  }

  async findByLease(leaseId: string): Promise<TaskState | undefined> {
    return [...this.#tasks.values()].find(({ environment }) => environment[RUNNER_ENV.lease] === leaseId);
  }

  async stop(taskArn: string, reason: string): Promise<void> {
    const task = this.#tasks.get(taskArn);
    if (task === undefined || task.lastStatus === 'STOPPED') return;
    this.put({ ...task, lastStatus: 'STOPPED', stopCode: 'UserInitiated', stoppedReason: reason });
  }

  async listRunning(): Promise<readonly string[]> {
    return [...this.#tasks.values()].filter(({ lastStatus }) => lastStatus !== 'STOPPED').map(({ taskArn }) => taskArn);
  }
}
