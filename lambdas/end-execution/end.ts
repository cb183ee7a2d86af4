import { buildEvent } from '../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../lib/audit/events.ts';
import { DEFAULT_TENANT, UNVERIFIED } from '../../lib/execution/actors.ts';
import { lastCheckAt } from '../../lib/execution/check-at.ts';
import { executionIdFromArn, isExecutionId, parseExecutionId } from '../../lib/execution/identity.ts';
import { inputHash } from '../../lib/execution/input-hash.ts';
import {
  endEvent,
  endingOfMachine,
  finalError,
  type MachineEnd,
  timeoutSecondsOf,
} from '../../lib/execution/machine-end.ts';
import { countOff } from '../../lib/execution/open-count.ts';
import { type Ending, type ExecutionRecord, SCHEMA } from '../../lib/execution/records.ts';
import { EXECUTION_STATUSES, isFinal } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { Json } from '../../lib/json.ts';
import type { MachineExecution, StateMachines } from '../../lib/ports.ts';
import { type CloseAttemptsPorts, closeAttempts, stopCancelledTasks } from './close-attempts.ts';
import { type CloseHoldsPorts, closeHolds } from './close-holds.ts';

export interface EndPorts extends CloseAttemptsPorts, CloseHoldsPorts {
  readonly machines: Pick<StateMachines, 'describe'>;
  readonly stage: string;
}

/** `ignored`: not an execution of this stage, or one that has not ended. */
export type Ended = 'ended' | 'already' | 'ignored';

const OPEN_STATUSES = EXECUTION_STATUSES.filter((status) => !isFinal(status));

/**
 * Closes what ended outside the graph: takes all rights away, stops what still runs, and writes the end last, so that
 * a call that was cut off is simply made again. `seen` is what the event said, for a machine that is gone meanwhile.
 */
export async function endExecution(ports: EndPorts, executionArn: string, seen?: MachineEnd): Promise<Ended> {
  const executionId = ourExecutionId(executionArn, ports.stage);
  if (executionId === undefined) return 'ignored';
  const machine = await ports.machines.describe(executionArn);
  const end = machineEnd(machine) ?? seen;
  if (end === undefined) return 'ignored';

  const begun = await untilDecided(() => beginToEnd(ports, executionId, executionArn, end, machine));
  if (begun === 'ended' || begun === 'already') return begun;
  await closeRecord(ports, begun);
  return 'ended';
}

/**
 * Ends an execution whose record says how it ends (`ending`): closes its attempts, stops their tasks, writes the end event.
 */
export async function closeRecord(
  ports: EndPorts,
  execution: ExecutionRecord & { readonly ending: Ending },
): Promise<void> {
  await closeAttempts(ports, execution, execution.ending);
  await stopCancelledTasks(ports, execution);
  // What has not stopped yet, `reconcile` closes: it looks once more at what has ended.
  await closeHolds(ports, execution);
  await untilDecided(() => writeEnd(ports, execution));
}

function ourExecutionId(executionArn: string, stage: string): string | undefined {
  try {
    const executionId = executionIdFromArn(executionArn, stage);
    return isExecutionId(executionId) ? executionId : undefined;
  } catch {
    return undefined;
  }
}

function machineEnd(machine: MachineExecution | undefined): MachineEnd | undefined {
  if (machine === undefined || machine.status === 'RUNNING') return undefined;
  const { status, error, cause } = machine;
  return { status, ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
}

/** Writes the ending first: from then on no attempt is prepared, claimed or closed as a success. */
async function beginToEnd(
  ports: EndPorts,
  executionId: string,
  executionArn: string,
  end: MachineEnd,
  machine: MachineExecution | undefined,
): Promise<(ExecutionRecord & { readonly ending: Ending }) | 'ended' | 'already' | undefined> {
  const execution = await ports.executions.getExecution(executionId);
  if (execution === undefined) {
    return (await recordUnopened(ports, executionId, executionArn, end, machine)) ? 'ended' : undefined;
  }
  if (isFinal(execution.status)) return 'already';
  if (execution.ending !== undefined) return { ...execution, ending: execution.ending };
  const ending = endingOfMachine(end);
  const written = await ports.executions.commit({
    executionId,
    changes: [
      { item: 'execution', set: { ending }, expect: { status: { oneOf: OPEN_STATUSES }, ending: { absent: true } } },
    ],
    events: [],
  });
  return written ? { ...execution, ending } : undefined;
}

/** Open never came to record it: so that nothing is lost, it is recorded as it ended. */
async function recordUnopened(
  ports: EndPorts,
  executionId: string,
  executionArn: string,
  end: MachineEnd,
  machine: MachineExecution | undefined,
): Promise<boolean> {
  const ending = endingOfMachine(end);
  const timeoutSeconds = 0;
  const error = finalError(ending, timeoutSeconds);
  const now = ports.clock.now().toISOString();
  const record: ExecutionRecord = {
    schema: SCHEMA,
    executionId,
    workflow: parseExecutionId(executionId).workflow,
    tenant: DEFAULT_TENANT,
    status: ending.status,
    executionArn,
    requester: UNVERIFIED,
    inputHash: inputHash(machine?.input === undefined ? null : (JSON.parse(machine.input) as Json)),
    ...(error === undefined ? {} : { error }),
    ending,
    steps: [],
    startedAt: new Date(machine?.startedAt ?? now).toISOString(),
    endedAt: now,
    eventCount: 0,
    traceId: executionId,
  };
  return ports.executions.commit({
    executionId,
    changes: [{ item: 'execution', put: record }],
    events: [endEventOf(ports, record, ending, timeoutSeconds)],
  });
}

async function writeEnd(
  ports: EndPorts,
  { executionId, ending }: ExecutionRecord & { ending: Ending },
): Promise<true | undefined> {
  const execution = await ports.executions.getExecution(executionId);
  if (execution === undefined || isFinal(execution.status)) return true;
  const timeoutSeconds = timeoutSecondsOf(execution);
  const error = finalError(ending, timeoutSeconds);
  const now = ports.clock.now();
  const checkAt = lastCheckAt(now, execution);
  const written = await ports.executions.commit({
    executionId,
    changes: [
      {
        item: 'execution',
        set: {
          status: ending.status,
          endedAt: now.toISOString(),
          ...(error === undefined ? {} : { error }),
          ...(checkAt === undefined ? {} : { checkAt }),
        },
        remove: checkAt === undefined ? ['checkAt', 'counted'] : ['counted'],
        expect: { status: execution.status, counted: execution.counted ?? { absent: true } },
      },
      ...countOff(execution),
    ],
    events: [endEventOf(ports, execution, ending, timeoutSeconds)],
  });
  return written ? true : undefined;
}

function endEventOf(ports: EndPorts, execution: ExecutionRecord, ending: Ending, timeoutSeconds: number): WfloEvent {
  const event = endEvent(ending, timeoutSeconds);
  // One call per type, because the data of an event depends on its type.
  if (event.type === 'workflow.cancelled') return buildEvent(ports, execution, event);
  if (event.type === 'workflow.timed_out') return buildEvent(ports, execution, event);
  if (event.type === 'workflow.budget_exceeded') return buildEvent(ports, execution, event);
  if (event.type === 'workflow.rejected') return buildEvent(ports, execution, event);
  return buildEvent(ports, execution, event);
}
