import { type ErrorCode, type ErrorData, toErrorData, WfloError } from '../../lib/errors.ts';
import { classifyCallEnd, classifyTaskEnd } from '../../lib/execution/classify-task-end.ts';
import { findTask } from '../../lib/execution/find-task.ts';
import type { ActingConfig, FinishEvent } from '../../lib/execution/machine.ts';
import { pickRefs } from '../../lib/execution/pick-refs.ts';
import type { Actor, AttemptRecord, FinishAnswer, Handle, LeaseRecord } from '../../lib/execution/records.ts';
import { problemsError, validateJson } from '../../lib/execution/validate-json.ts';
import { canonicalJson, type Json } from '../../lib/json.ts';
import type { BlobStore, SandboxTasks } from '../../lib/ports.ts';
import type { Exit } from '../../lib/sandbox/exit.ts';

export interface OutcomePorts {
  readonly blobs: BlobStore;
  readonly tasks: SandboxTasks;
}

/** What is known of the end of an attempt. */
export interface Outcome {
  readonly exit: Exit;
  readonly code?: ErrorCode;
  /** The attempt failed in a way that its exit does not tell. */
  readonly failure?: ErrorData;
  /** Nobody reported it: it was concluded from what was found. */
  readonly concluded: boolean;
  /** A task that was not seen STOPPED. */
  readonly runningTask?: string;
  readonly output?: Handle;
  readonly refs: FinishAnswer['refs'];
  /** Who made it end like this, where that was a person. */
  readonly actor?: Actor;
}

/** Finds out how an attempt ended: from its record, else from its task, else from what Run was caught with. */
export async function findOutcome(
  ports: OutcomePorts,
  event: FinishEvent,
  step: ActingConfig,
  attempt: AttemptRecord,
  lease: LeaseRecord | undefined,
): Promise<Outcome> {
  if (attempt.exit !== undefined) return reportedOutcome(ports, step, attempt, attempt.exit);
  if (attempt.error !== undefined) {
    const exit: Exit = { reason: 'runner_error', code: null, message: attempt.error.message };
    return { exit, failure: attempt.error, concluded: true, refs: {} };
  }
  const { caught } = event.prepared;
  if (step.kind === 'lambda') return { ...classifyCallEnd(caught), concluded: true, refs: {} };
  const task = await findTask(ports.tasks, lease);
  return {
    ...classifyTaskEnd(task, caught),
    concluded: true,
    ...(task === undefined || task.lastStatus === 'STOPPED' ? {} : { runningTask: task.taskArn }),
    refs: {},
  };
}

async function reportedOutcome(
  ports: OutcomePorts,
  step: ActingConfig,
  attempt: AttemptRecord,
  exit: Exit,
): Promise<Outcome> {
  const reported: Outcome = {
    exit,
    ...(step.kind === 'lambda' && exit.reason === 'agent_failed' ? { code: 'function_failed' } : {}),
    concluded: false,
    refs: {},
  };
  if (exit.reason !== 'ok') return reported;
  // The agent ended well, and what it wrote could not be taken.
  if (attempt.error !== undefined) return { ...reported, failure: { ...attempt.error, stepPath: step.path } };
  try {
    return { ...reported, ...(await acceptOutput(ports.blobs, step, attempt)) };
  } catch (error) {
    if (!WfloError.is(error) || error.code === 'internal') throw error;
    return { ...reported, failure: { ...toErrorData(error), stepPath: step.path } };
  }
}

/** Throws `no_output`, `invalid_output`, `not_a_scalar`, `ref_too_large`. */
async function acceptOutput(
  blobs: BlobStore,
  step: ActingConfig,
  attempt: AttemptRecord,
): Promise<Pick<Outcome, 'output' | 'refs'>> {
  const { executionId, path, output } = attempt;
  if (step.outputSchema === undefined) {
    return { ...(output === undefined ? {} : { output }), refs: pickRefs(undefined, step.refs) };
  }
  if (output === undefined) {
    throw new WfloError('no_output', `the step ${path} declares an output, and none was written`, {
      fix:
        step.kind === 'sandbox'
          ? 'write JSON to the file that WFLO_OUTPUT names'
          : 'return the output from the function of the step',
    });
  }
  const value: Json = await blobs.get(executionId, output);
  const verdict = validateJson(step.outputSchema, value);
  if (!verdict.ok) {
    const subject = `the output of the step ${path} does not fit its schema`;
    throw problemsError('invalid_output', subject, verdict.problems, 'correct the named fields, or the schema');
  }
  const refs = pickRefs(verdict.value, step.refs);
  if (canonicalJson(verdict.value) === canonicalJson(value)) return { output, refs };
  // Defaults of the schema were added: what later steps read is a value of its own.
  return { output: await blobs.put(executionId, `output/${path}/${attempt.attempt}/completed`, verdict.value), refs };
}
