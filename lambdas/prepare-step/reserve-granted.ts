import { WfloError } from '../../lib/errors.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import { fenceLease } from '../../lib/execution/close-attempt.ts';
import type { PrepareAnswer, ReserveEvent, SandboxStepConfig } from '../../lib/execution/machine.ts';
import { isActive } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { ExecutionStore } from '../../lib/ports.ts';
import { type ReservePorts, reserveCompute } from './reserve.ts';

export interface ReserveGrantedPorts extends ReservePorts {
  readonly executions: ExecutionStore;
}

/**
 * The state Reserve: an attempt that waited for people may run, if what it can cost fits now. The records say whether it
 * was granted; the state that led here is not believed. A refusal becomes the error of the attempt, and leaves its
 * approval unused, so that a repeat acts under it.
 */
export async function reserveGranted(ports: ReserveGrantedPorts, event: ReserveEvent): Promise<PrepareAnswer> {
  expectSchema(event.schema);
  const { path } = JSON.parse(event.step) as SandboxStepConfig;
  const { executionId, prepared } = event;
  const about = { path, attempt: prepared.attempt };
  const denied: PrepareAnswer = { ...prepared, route: 'deny' };
  return untilDecided(async () => {
    const execution = await ports.executions.getExecution(executionId);
    if (execution === undefined) throw new WfloError('unknown_execution', `there is no execution ${executionId}`);
    const attempt = await ports.executions.getAttempt(executionId, path, prepared.attempt);
    const lease = await ports.executions.getLease(executionId, path, prepared.attempt);
    const open = isActive(execution.status) && execution.ending === undefined;
    const offered = attempt?.status === 'prepared' && attempt.error === undefined && lease?.status === 'offered';
    if (!open || !offered) return denied;
    // Prepared before there were budgets.
    if (attempt.compute === undefined) return { ...prepared, route: 'run' };
    const reserved = await reserveCompute(ports, execution, about, attempt.compute);
    if (reserved.kind === 'closed') return denied;
    if (reserved.kind === 'refused') {
      const refused = await ports.executions.commit({
        executionId,
        changes: [
          { item: 'attempt', ...about, set: { error: reserved.error }, expect: { status: 'prepared' } },
          fenceLease(lease),
        ],
        events: [],
      });
      return refused ? denied : undefined;
    }
    // Where the attempt has ended since it was read, nothing runs, and `reconcile` finds the hold.
    return { ...prepared, route: 'run' };
  });
}
