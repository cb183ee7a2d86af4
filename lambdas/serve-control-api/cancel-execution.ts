import type { CancelRequest } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import type { Ending, ExecutionRecord } from '../../lib/execution/records.ts';
import { EXECUTION_STATUSES, isFinal } from '../../lib/execution/status.ts';
import type { ControlApiPorts } from './ports.ts';
import type { Principal } from './principal.ts';
import { loadExecution } from './read-execution.ts';

const OPEN_STATUSES = EXECUTION_STATUSES.filter((status) => !isFinal(status));

/**
 * What a cancel does with the record as it is. A repeated cancel of what is still being cancelled is the same cancel:
 * the first one may have been cut off before the machine was stopped, so that it stops it again.
 */
export function decideCancel(record: ExecutionRecord): 'end' | 'stop' | 'closed' {
  if (isFinal(record.status)) return 'closed';
  if (record.ending === undefined) return 'end';
  return record.ending.status === 'cancelled' ? 'stop' : 'closed';
}

/**
 * Writes how the execution ends, then stops its machine; the record is closed by the end handler, which reads both.
 * Throws `execution_closed` when it has ended, or is ending, in another way.
 */
export async function cancelExecution(
  ports: ControlApiPorts,
  principal: Principal,
  executionId: string,
  request: CancelRequest,
): Promise<void> {
  for (;;) {
    const record = await loadExecution(ports, principal, executionId);
    const decision = decideCancel(record);
    if (decision === 'closed') throw closed(record);
    if (decision === 'end' && !(await writeEnding(ports, principal, record, request))) continue;
    await stopMachine(ports, record);
    return;
  }
}

/** False when the execution began to end since it was read. */
async function writeEnding(
  ports: Pick<ControlApiPorts, 'executions' | 'clock'>,
  principal: Principal,
  record: ExecutionRecord,
  request: CancelRequest,
): Promise<boolean> {
  const ending: Ending = {
    status: 'cancelled',
    actor: principal.actor,
    reason: request.reason ?? `cancelled by ${principal.actor.id}`,
    at: ports.clock.now().toISOString(),
  };
  return ports.executions.commit({
    executionId: record.executionId,
    changes: [
      { item: 'execution', set: { ending }, expect: { status: { oneOf: OPEN_STATUSES }, ending: { absent: true } } },
    ],
    // The intent is no change of state: the end handler writes `workflow.cancelled` with this actor and reason.
    events: [],
  });
}

async function stopMachine(ports: Pick<ControlApiPorts, 'machines'>, record: ExecutionRecord): Promise<void> {
  // Recorded as `starting`, but the machine may never have been started. If it starts later, Open sees the ending.
  if ((await ports.machines.describe(record.executionArn)) === undefined) return;
  await ports.machines.stop(record.executionArn, 'cancelled', 'cancelled through the control API');
}

function closed(record: ExecutionRecord): WfloError {
  const state = isFinal(record.status)
    ? `has ended as ${record.status}`
    : `is ending as ${record.ending?.status ?? record.status}`;
  return new WfloError('execution_closed', `${record.executionId} ${state} and cannot be cancelled`, {
    details: { status: record.status },
  });
}
