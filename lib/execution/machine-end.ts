import type { EventToBuild } from '../audit/build-event.ts';
import { ERROR_CODES, type ErrorCode, type ErrorData } from '../errors.ts';
import type { MachineExecution } from '../ports.ts';
import { GRAPH, UNVERIFIED } from './actors.ts';
import { causeText } from './classify-task-end.ts';
import type { Ending, ExecutionRecord } from './records.ts';

/** How Step Functions says that an execution has ended. */
export type MachineEnd = Pick<MachineExecution, 'error' | 'cause'> & {
  readonly status: Exclude<MachineExecution['status'], 'RUNNING'>;
};

/** Longest message of a Fail state that is taken over (characters). */
const MESSAGE_CHARACTERS = 2000;

/** How an execution ends that nobody of ours has ended: all there is to go by is what Step Functions says. */
export function endingOfMachine(end: MachineEnd): Ending {
  if (end.status === 'ABORTED') {
    const cause = end.cause === undefined || end.cause === '' ? '' : `: ${causeText(end.cause)}`;
    return { status: 'cancelled', actor: UNVERIFIED, reason: `stopped in Step Functions${cause}` };
  }
  if (end.status === 'TIMED_OUT') {
    return { status: 'timed_out', actor: GRAPH, reason: 'the time limit of the state machine is over' };
  }
  const error: ErrorData =
    end.status === 'FAILED'
      ? errorOfMachine(end)
      : { code: 'internal', message: 'the state machine succeeded without closing the execution' };
  return { status: 'failed', actor: GRAPH, reason: error.message, error };
}

/** Fail states of compiled workflows carry a code of ours and a message; everything else is an error of AWS. */
function errorOfMachine({ error = 'unknown error', cause }: MachineEnd): ErrorData {
  if (isErrorCode(error)) return { code: error, message: (cause ?? ERROR_CODES[error]).slice(0, MESSAGE_CHARACTERS) };
  const message = `${error}: ${causeText(cause)}`;
  if (/AccessDenied|not authorized/i.test(message)) {
    return { code: 'forbidden', message, fix: 'give the role that is named the permission that is named' };
  }
  return { code: 'internal', message };
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

/** What the record of an execution says of its error in the end: a cancelled one has none. */
export function finalError(ending: Ending, timeoutSeconds: number): ErrorData | undefined {
  if (ending.status === 'cancelled') return undefined;
  if (ending.error !== undefined) return ending.error;
  if (ending.status === 'failed' || ending.status === 'rejected') return { code: 'internal', message: ending.reason };
  if (ending.status === 'budget_exceeded') return { code: 'budget_exceeded', message: ending.reason };
  return {
    code: 'timed_out',
    message: `the execution passed the time limit of its workflow, ${timeoutSeconds} seconds`,
    fix: 'give the workflow a longer `timeout`, or find out which step takes so long',
  };
}

export function endEvent(
  ending: Ending,
  timeoutSeconds: number,
):
  | EventToBuild<'workflow.failed'>
  | EventToBuild<'workflow.rejected'>
  | EventToBuild<'workflow.budget_exceeded'>
  | EventToBuild<'workflow.cancelled'>
  | EventToBuild<'workflow.timed_out'> {
  const { actor } = ending;
  if (ending.status === 'cancelled') return { type: 'workflow.cancelled', actor, data: { reason: ending.reason } };
  if (ending.status === 'timed_out') return { type: 'workflow.timed_out', actor, data: { timeoutSeconds } };
  const error = finalError(ending, timeoutSeconds) ?? { code: 'internal', message: ending.reason };
  if (ending.status === 'budget_exceeded') return { type: 'workflow.budget_exceeded', actor, data: { error } };
  return { type: ending.status === 'rejected' ? 'workflow.rejected' : 'workflow.failed', actor, data: { error } };
}

/** The time limit of the workflow as it was when the execution was opened; 0 where it never was. */
export function timeoutSecondsOf(execution: Pick<ExecutionRecord, 'startedAt' | 'timeoutAt'>): number {
  if (execution.timeoutAt === undefined) return 0;
  return Math.round((Date.parse(execution.timeoutAt) - Date.parse(execution.startedAt)) / 1000);
}
