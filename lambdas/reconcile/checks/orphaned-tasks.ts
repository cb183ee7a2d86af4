import { isFinal } from '../../../lib/execution/status.ts';
import { sha256 } from '../../../lib/json.ts';
import { RUNNER_ENV } from '../../../lib/sandbox/protocol.ts';
import { type Check, type Look, lookAtEach } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/** A runner ends within seconds once its outcome was accepted (milliseconds). */
const ENDING_MS = 5 * 60_000;

/** Running tasks that act for nobody: they cost money, and may still hold what they were given. */
export const orphanedTasks: Check = {
  name: 'orphaned-tasks',
  async run(ports) {
    const running = await ports.tasks.listRunning();
    return lookAtEach(ports, shuffled(running, ports.clock.now()), (taskArn) => stopIfOrphaned(ports, taskArn));
  },
};

/** In another order in every run: where there are more than a run has time for, none is always among the last. */
function shuffled(taskArns: readonly string[], now: Date): readonly string[] {
  const place = new Map(taskArns.map((taskArn) => [taskArn, sha256(`${now.toISOString()} ${taskArn}`)]));
  return taskArns.toSorted((a, b) => ((place.get(a) ?? '') < (place.get(b) ?? '') ? -1 : 1));
}

async function stopIfOrphaned(ports: ReconcilePorts, taskArn: string): Promise<Look> {
  const task = await ports.tasks.describe(taskArn);
  if (task === undefined || task.lastStatus === 'STOPPED') return 'fine';
  const executionId = task.environment[RUNNER_ENV.execution];
  const path = task.environment[RUNNER_ENV.step];
  const attempt = Number(task.environment[RUNNER_ENV.attempt]);
  const leaseId = task.environment[RUNNER_ENV.lease];
  // Not started by a workflow: whoever started it in this cluster has to stop it.
  if (executionId === undefined || path === undefined || leaseId === undefined) return 'fine';
  const reason = await whyOrphaned(ports, { executionId, path, attempt, leaseId });
  if (reason === undefined) return 'fine';
  await ports.tasks.stop(taskArn, reason);
  return 'repaired';
}

async function whyOrphaned(
  ports: ReconcilePorts,
  of: { readonly executionId: string; readonly path: string; readonly attempt: number; readonly leaseId: string },
): Promise<string | undefined> {
  // Lease first: it is written before the task is started, so what is missing now was never there.
  const lease = await ports.executions.getLease(of.executionId, of.path, of.attempt);
  if (lease === undefined || lease.leaseId !== of.leaseId) return 'the lease of this task does not exist';
  if (lease.status === 'fenced') return 'the lease of this task was fenced';
  const execution = await ports.executions.getExecution(of.executionId);
  if (execution === undefined || isFinal(execution.status)) return `the execution ${of.executionId} has ended`;
  if (lease.status !== 'completed') return undefined;
  const attempt = await ports.executions.getAttempt(of.executionId, of.path, of.attempt);
  const age = ports.clock.now().getTime() - Date.parse(attempt?.exitedAt ?? '');
  return age > ENDING_MS ? 'the outcome of this task was accepted, and it did not end' : undefined;
}
