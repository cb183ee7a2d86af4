import { buildEvent } from '../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../lib/audit/events.ts';
import type { ErrorData } from '../../lib/errors.ts';
import { WfloError } from '../../lib/errors.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import { type AttemptCost, type AttemptCostPorts, attemptCost } from '../../lib/execution/attempt-cost.ts';
import { wasRefusedByEcs } from '../../lib/execution/classify-task-end.ts';
import { fenceLease, isLeaseLive, wasClaimed } from '../../lib/execution/close-attempt.ts';
import { type CloseComputePorts, closeComputeOf } from '../../lib/execution/close-compute.ts';
import { decideFinish, type FinishDecision } from '../../lib/execution/decide-finish.ts';
import type { FinishEvent, StepConfig } from '../../lib/execution/machine.ts';
import { type OutcomeSignals, recordSignedOutcome } from '../../lib/execution/record-signed-outcome.ts';
import type {
  Actor,
  AttemptRecord,
  Ending,
  ExecutionRecord,
  FinishAnswer,
  LeaseRecord,
} from '../../lib/execution/records.ts';
import { type AttemptStatus, isAttemptOpen, isFinal } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { BlobStore, Change, ExecutionStore } from '../../lib/ports.ts';
import { approvalOutcome } from './approval-outcome.ts';
import { findOutcome, type Outcome } from './outcome.ts';

export interface FinishPorts extends CloseComputePorts, AttemptCostPorts {
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly signals: OutcomeSignals;
  /** From 0 to 1 (exclusive). */
  readonly random: () => number;
}

/** What Finish leaves to do after its commit, which a lost race makes void. */
interface Finished {
  readonly answer: FinishAnswer;
  readonly stopTask?: string;
}

/**
 * Turns the outcome of an attempt into the success, the repeat or the failure of its step. It takes nothing of Run's
 * result: it reads what was reported, else what the sandbox left signed, and where there is neither, looks at the task. A repeated call gives the same answer.
 */
export async function finishStep(ports: FinishPorts, event: FinishEvent): Promise<FinishAnswer> {
  expectSchema(event.schema);
  const step = JSON.parse(event.step) as StepConfig;
  const { executionId, prepared } = event;
  const finished = await untilDecided<Finished>(async () => {
    const execution = await ports.executions.getExecution(executionId);
    if (execution === undefined) throw new WfloError('unknown_execution', `there is no execution ${executionId}`);
    const attempt = await ports.executions.getAttempt(executionId, step.path, prepared.attempt);
    if (attempt?.answer !== undefined) return { answer: attempt.answer };
    if (attempt === undefined || isFinal(execution.status) || !isAttemptOpen(attempt.status)) {
      return { answer: closedAnswer(execution, step.path) };
    }
    const lease = await ports.executions.getLease(executionId, step.path, prepared.attempt);
    if (await foundSigned(ports, execution, attempt, lease)) return undefined;
    return finishAttempt(ports, { event, step, execution, attempt, lease });
  });
  if (finished.stopTask !== undefined) {
    await ports.tasks.stop(finished.stopTask, `the attempt ${prepared.attempt} of ${step.path} is over`);
  }
  return finished.answer;
}

/** True when the attempt may have got its outcome by what its sandbox left signed: to be read again. */
async function foundSigned(
  ports: FinishPorts,
  execution: ExecutionRecord,
  attempt: AttemptRecord,
  lease: LeaseRecord | undefined,
): Promise<boolean> {
  if (attempt.exit !== undefined || attempt.error !== undefined || lease === undefined) return false;
  return (await recordSignedOutcome(ports, { execution, lease })) !== 'none';
}

interface Found {
  readonly event: FinishEvent;
  readonly step: StepConfig;
  readonly execution: ExecutionRecord;
  readonly attempt: AttemptRecord;
  readonly lease: LeaseRecord | undefined;
}

/** Undefined: the attempt was granted since it was read. */
async function outcomeOf(ports: FinishPorts, found: Found): Promise<Outcome | undefined> {
  const { step, attempt } = found;
  const byApproval = await approvalOutcome(ports, attempt);
  if (byApproval !== undefined) return byApproval;
  if (attempt.status === 'waiting_approval') return undefined;
  if (step.kind !== 'approval') return findOutcome(ports, found.event, step, attempt, found.lease);
  const failure = attempt.error ?? { code: 'internal', message: `the gate ${step.path} was not frozen` };
  return { exit: { reason: 'runner_error', code: null, message: failure.message }, failure, concluded: true, refs: {} };
}

function decisionOf(ports: FinishPorts, { step, execution, attempt }: Found, outcome: Outcome): FinishDecision {
  const claimed = wasClaimed(attempt);
  const acting = step.kind === 'approval' ? GATE : step;
  return decideFinish({
    exit: outcome.exit,
    ...(outcome.failure === undefined ? {} : { failure: outcome.failure }),
    ...(outcome.code === undefined ? {} : { code: outcome.code }),
    reported: !outcome.concluded,
    claimed,
    usedUp: claimed && step.kind !== 'approval' && step.requires !== undefined,
    effects: acting.effects,
    idempotent: acting.idempotent,
    retry: acting.retry,
    attempt: attempt.attempt,
    ending: execution.ending !== undefined,
    random: ports.random(),
  });
}

/** A gate changes nothing, and is asked for once. */
const GATE = {
  effects: 'none',
  idempotent: true,
  retry: { maxRetries: 0, initialDelaySeconds: 1, maxDelaySeconds: 1 },
} as const;

async function finishAttempt(ports: FinishPorts, found: Found): Promise<Finished | undefined> {
  const { step, execution } = found;
  const outcome = await outcomeOf(ports, found);
  // Decided in between.
  if (outcome === undefined) return undefined;
  const decision = decisionOf(ports, found, outcome);
  const answer = answerOf(decision, outcome);
  const status = statusAfter(decision, execution);
  const cost = await closeCost(ports, found);
  const written = await ports.executions.commit({
    executionId: execution.executionId,
    changes: [
      executionChange(ports, decision, execution, step.path, outcome.actor ?? GRAPH),
      attemptChange(ports, found, { outcome, decision, status, answer, cost }),
      ...(found.lease !== undefined && isLeaseLive(found.lease) ? [fenceLease(found.lease)] : []),
    ],
    events: [...eventsOf(ports, found, outcome, decision, status), ...(cost === undefined ? [] : [cost.event])],
  });
  if (!written) return undefined;
  return { answer, ...(outcome.runningTask === undefined ? {} : { stopTask: outcome.runningTask }) };
}

/**
 * What the attempt has cost, with its sandbox, which has stopped by now. Where it has not, `reconcile` settles it and
 * tells the cost.
 */
async function closeCost(
  ports: FinishPorts,
  { execution, attempt, lease, event }: Found,
): Promise<AttemptCost | undefined> {
  if (attempt.kind !== 'sandbox' || execution.budget === undefined) return undefined;
  const { route, caught } = event.prepared;
  // Prepare or Reserve denied it, or ECS refused to start a task.
  const neverStarted = !wasClaimed(attempt) && (route === 'deny' || wasRefusedByEcs(caught));
  const closed = await closeComputeOf(ports, { attempt, lease, neverStarted });
  return closed ? attemptCost(ports, execution, attempt, GRAPH) : undefined;
}

/** What cannot be known stays unknown also in an execution that was cancelled: whoever looks after it needs to see it. */
function statusAfter(decision: FinishDecision, { ending }: ExecutionRecord): AttemptStatus {
  if (decision.next === 'ok') return 'succeeded';
  if (decision.next === 'again') return 'retried';
  if (decision.error.code === 'outcome_unknown') return 'outcome_unknown';
  if (isRefused(decision.error)) return 'rejected';
  if (isOverBudget(decision.error)) return 'failed';
  return ending !== undefined && ending.status !== 'failed' ? 'cancelled' : 'failed';
}

/** People said no, or nothing in time. */
function isRefused({ code }: Pick<ErrorData, 'code'>): boolean {
  return code === 'approval_rejected' || code === 'approval_expired';
}

/** What the step asked for does not fit a budget, or its runner was told so. */
function isOverBudget({ code }: Pick<ErrorData, 'code'>): boolean {
  return code === 'budget_exhausted' || code === 'budget_held' || code === 'budget_exceeded';
}

/** The first failure of a step ends the execution, before the graph fails. */
function executionChange(
  ports: FinishPorts,
  decision: FinishDecision,
  execution: ExecutionRecord,
  stepPath: string,
  actor: Actor,
): Change {
  if (decision.next === 'ok') return { item: 'execution', expect: { status: execution.status } };
  if (execution.ending !== undefined) return { item: 'execution', expect: { status: execution.status } };
  const expect = { status: execution.status, ending: { absent: true } } as const;
  if (decision.next === 'again') return { item: 'execution', expect };
  const error: ErrorData = { ...decision.error, stepPath };
  const reason = `step ${stepPath} failed: ${error.message}`;
  const ending: Ending = isOverBudget(decision.error)
    ? {
        status: 'budget_exceeded',
        actor,
        reason,
        error: { ...error, code: 'budget_exceeded' },
        at: ports.clock.now().toISOString(),
      }
    : { status: isRefused(decision.error) ? 'rejected' : 'failed', actor, reason, error };
  return { item: 'execution', set: { ending }, expect };
}

function attemptChange(
  ports: FinishPorts,
  { attempt, step }: Found,
  {
    outcome,
    decision,
    status,
    answer,
    cost,
  }: {
    readonly outcome: Outcome;
    readonly decision: FinishDecision;
    readonly status: AttemptStatus;
    readonly answer: FinishAnswer;
    readonly cost: AttemptCost | undefined;
  },
): Change {
  return {
    item: 'attempt',
    path: attempt.path,
    attempt: attempt.attempt,
    set: {
      status,
      answer,
      exit: outcome.exit,
      ...(outcome.output === undefined ? {} : { output: outcome.output }),
      ...(decision.next === 'ok' ? {} : { error: { ...decision.error, stepPath: step.path } }),
      ...(cost === undefined ? {} : { costNanoUsd: cost.costNanoUsd }),
      endedAt: ports.clock.now().toISOString(),
    },
    // A completion, or a fence, that came since the read must be looked at first.
    expect: { status: attempt.status, answer: { absent: true } },
  };
}

function eventsOf(
  ports: FinishPorts,
  { execution, attempt, lease }: Found,
  outcome: Outcome,
  decision: FinishDecision,
  status: AttemptStatus,
): WfloEvent[] {
  const about = { actor: GRAPH, stepPath: attempt.path, attempt: attempt.attempt };
  const events: WfloEvent[] = [];
  // A lease that was silent or frozen was told as lost when it was fenced, and left an exit or an error; an attempt that
  // was never claimed has no sandbox to lose.
  const untold = attempt.exit === undefined && attempt.error === undefined;
  if (outcome.concluded && attempt.kind === 'sandbox' && untold && wasClaimed(attempt)) {
    events.push(
      buildEvent(ports, execution, {
        ...about,
        type: 'sandbox.lost',
        data: {
          reason: outcome.exit.message ?? outcome.exit.reason,
          ...(lease === undefined ? {} : { leaseId: lease.leaseId }),
        },
      }),
    );
  }
  if (decision.next === 'ok') {
    const data = outcome.output === undefined ? {} : { outputSha256: outcome.output.sha256 };
    events.push(buildEvent(ports, execution, { ...about, type: 'step.succeeded', data }));
  } else if (decision.next === 'again') {
    const data = { reason: `${decision.error.code}: ${decision.error.message}`, waitSeconds: decision.waitSeconds };
    events.push(buildEvent(ports, execution, { ...about, type: 'step.retried', data }));
  } else if (status === 'cancelled') {
    const data = { reason: execution.ending?.reason ?? 'the execution is ending' };
    events.push(buildEvent(ports, execution, { ...about, type: 'step.cancelled', data }));
  } else {
    const data = { error: { ...decision.error, stepPath: attempt.path } };
    events.push(buildEvent(ports, execution, { ...about, type: 'step.failed', data }));
  }
  return events;
}

/** The state of the machine has room for this much of a message (characters); the record has all of it. */
const STATE_MESSAGE_CHARACTERS = 1000;
const NO_ERROR = { code: '', message: '' } as const;

function answerOf(decision: FinishDecision, outcome: Outcome): FinishAnswer {
  if (decision.next === 'ok') {
    return { next: 'ok', waitSeconds: 0, ref: outcome.output ?? null, refs: outcome.refs, error: NO_ERROR };
  }
  const { code, message } = decision.error;
  const waitSeconds = decision.next === 'again' ? decision.waitSeconds : 0;
  return {
    next: decision.next,
    waitSeconds,
    ref: null,
    refs: {},
    error: { code, message: message.slice(0, STATE_MESSAGE_CHARACTERS) },
  };
}

/** Nothing is written: the execution was closed, or Prepare denied its entry without a record. */
function closedAnswer({ executionId, status, ending }: ExecutionRecord, path: string): FinishAnswer {
  const state = isFinal(status) ? `has ended as ${status}` : ending && `is ending as ${ending.status}`;
  const message =
    state === undefined ? `an entry of step ${path} came late, and started nothing` : `${executionId} ${state}`;
  const code = state === undefined ? 'internal' : 'execution_closed';
  return { next: 'failed', waitSeconds: 0, ref: null, refs: {}, error: { code, message } };
}
