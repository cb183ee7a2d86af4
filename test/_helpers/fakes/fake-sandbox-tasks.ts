import type { Clock, SandboxTasks, TaskState } from '../../../lib/ports.ts';
import { RUNNER_ENV } from '../../../lib/sandbox/protocol.ts';

export class FakeSandboxTasks implements SandboxTasks {
  readonly #now: () => string | undefined;
  readonly #tasks = new Map<string, TaskState>();
  readonly stopped: { readonly taskArn: string; readonly reason: string }[] = [];

  /** With a clock, tasks say from when to when they ran. */
  constructor({ clock }: { readonly clock?: Clock } = {}) {
    this.#now = () => clock?.now().toISOString();
  }

  add(task: Partial<TaskState> & Pick<TaskState, 'taskArn'>): this {
    this.#tasks.set(task.taskArn, {
      taskDefinitionArn: 'arn:aws:ecs:us-east-1:123456789012:task-definition/sandbox:1',
      clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/wflo-dev',
      lastStatus: 'RUNNING',
      environment: {},
      ...this.#at('createdAt'),
      ...this.#at('pullStartedAt'),
      ...task,
    });
    return this;
  }

  remove(taskArn: string): this {
    this.#tasks.delete(taskArn);
    return this;
  }

  async describe(taskArn: string): Promise<TaskState | undefined> {
    return this.#tasks.get(taskArn);
  }

  async findByLease(leaseId: string): Promise<TaskState | undefined> {
    return [...this.#tasks.values()].find((task) => task.environment[RUNNER_ENV.lease] === leaseId);
  }

  async stop(taskArn: string, reason: string): Promise<void> {
    const task = this.#tasks.get(taskArn);
    if (task === undefined || task.lastStatus === 'STOPPED') return;
    this.stopped.push({ taskArn, reason });
    const stopped = { lastStatus: 'STOPPED', stopCode: 'UserInitiated', stoppedReason: reason };
    this.#tasks.set(taskArn, { ...task, ...stopped, ...this.#at('stoppedAt') });
  }

  #at(field: 'createdAt' | 'pullStartedAt' | 'stoppedAt'): Partial<TaskState> {
    const now = this.#now();
    return now === undefined ? {} : { [field]: now };
  }

  async listRunning(): Promise<readonly string[]> {
    return [...this.#tasks.values()].filter((task) => task.lastStatus !== 'STOPPED').map((task) => task.taskArn);
  }
}
