import { isFinal } from '../../../lib/execution/status.ts';
import { RUNNER_ENV } from '../../../lib/sandbox/protocol.ts';
import { type Check, type Look, lookAtEach, overdueSince, shuffled } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/** A runner ends within seconds once its outcome was accepted (milliseconds). */
const ENDING_MS = 5 * 60_000;

/** Running tasks that act for nobody: they cost money, and may still hold what they were given. */
export const orphanedTasks: Check = {
  name: 'orphaned-tasks',
  async run(ports) {
    const running = await ports.tasks.listRunning();
    const tasks = shuffled(running, (taskArn) => taskArn, ports.clock.now());
    return lookAtEach(ports, tasks, (taskArn) => stopIfOrphaned(ports, taskArn));
  },
};

async function stopIfOrphaned(ports: ReconcilePorts, taskArn: string): Promise<Look> {
  const task = await ports.tasks.describe(taskArn);
  if (task === undefined || task.lastStatus === 'STOPPED') return 'fine';
  const executionId = task.environment[RUNNER_ENV.execution];
  const path = task.environment[RUNNER_ENV.step];
  const attempt = Number(task.environment[RUNNER_ENV.attempt]);
  const leaseId = task.environment[RUNNER_ENV.lease];
  // Not started by a workflow: whoever started it in this cluster has to stop it.
  if (executionId === undefined || path === undefined || leaseId === undefined) return 'fine';
  const orphaned = await whyOrphaned(ports, { executionId, path, attempt, leaseId });
  if (orphaned === undefined) return 'fine';
  await ports.tasks.stop(taskArn, orphaned.reason);
  return overdueSince(ports.clock.now(), orphaned.since);
}

interface Orphaned {
  readonly reason: string;
  /** When its right ended: whoever took it away was about to stop the task. Undefined where that is long over, or unknown. */
  readonly since?: string | undefined;
}

async function whyOrphaned(
  ports: ReconcilePorts,
  of: { readonly executionId: string; readonly path: string; readonly attempt: number; readonly leaseId: string },
): Promise<Orphaned | undefined> {
  // Lease first: it is written before the task is started, so what is missing now was never there.
  const lease = await ports.executions.getLease(of.executionId, of.path, of.attempt);
  if (lease === undefined || lease.leaseId !== of.leaseId) return { reason: 'the lease of this task does not exist' };
  const attempt = await ports.executions.getAttempt(of.executionId, of.path, of.attempt);
  if (lease.status === 'fenced') {
    return { reason: 'the lease of this task was fenced', since: attempt?.endedAt ?? attempt?.exitedAt };
  }
  const execution = await ports.executions.getExecution(of.executionId);
  if (execution === undefined || isFinal(execution.status)) {
    return { reason: `the execution ${of.executionId} has ended`, since: execution?.endedAt };
  }
  if (lease.status !== 'completed') return undefined;
  const age = ports.clock.now().getTime() - Date.parse(attempt?.exitedAt ?? '');
  return age > ENDING_MS ? { reason: 'the outcome of this task was accepted, and it did not end' } : undefined;
}
