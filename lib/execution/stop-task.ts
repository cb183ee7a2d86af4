import type { SandboxTasks } from '../ports.ts';
import { findTask } from './find-task.ts';
import type { LeaseRecord } from './records.ts';

/** Does nothing where there is no such task, or where it has stopped. */
export async function stopTask(tasks: SandboxTasks, lease: LeaseRecord | undefined, reason: string): Promise<void> {
  const task = await findTask(tasks, lease);
  if (task !== undefined && task.lastStatus !== 'STOPPED') await tasks.stop(task.taskArn, reason);
}
