import type { SandboxTasks, TaskState } from '../ports.ts';
import type { LeaseRecord } from './records.ts';

/** The task that acts, or acted, under a lease: the one that claimed it, else the one that was started for it. */
export async function findTask(tasks: SandboxTasks, lease: LeaseRecord | undefined): Promise<TaskState | undefined> {
  if (lease === undefined) return undefined;
  const known = lease.taskArn === undefined ? undefined : await tasks.describe(lease.taskArn);
  return known ?? tasks.findByLease(lease.leaseId);
}
