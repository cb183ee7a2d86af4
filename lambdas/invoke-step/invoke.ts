import type { Written } from '../../lib/approvals/transitions.ts';
import { buildEvent } from '../../lib/audit/build-event.ts';
import type { ErrorCode, ErrorData } from '../../lib/errors.ts';
import { toErrorData, WfloError } from '../../lib/errors.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import { claimChanges, decideClaim } from '../../lib/execution/claim.ts';
import { permitClaim, refusalEvents } from '../../lib/execution/claim-permission.ts';
import { fenceLease } from '../../lib/execution/close-attempt.ts';
import type { InvokeEvent } from '../../lib/execution/machine.ts';
import { type LambdaPayload, type Payload, payloadHash } from '../../lib/execution/payload.ts';
import type { AttemptRecord, ExecutionRecord, Handle, LeaseRecord } from '../../lib/execution/records.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import { sha256 } from '../../lib/json.ts';
import type { BlobStore, Clock, ExecutionStore, Ids, People, StepFunctionInvoker } from '../../lib/ports.ts';
import { EXIT_CODE_TIMED_OUT, type Exit } from '../../lib/sandbox/exit.ts';

export interface InvokePorts {
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly people: People;
  readonly invoker: StepFunctionInvoker;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** For logs only: the graph discards it, and Finish reads the records. */
export type InvokeAnswer =
  | { readonly invoked: true; readonly exit: Exit['reason'] }
  | { readonly invoked: false; readonly code: ErrorCode };

interface Claimed {
  readonly execution: ExecutionRecord;
  readonly attempt: AttemptRecord;
  readonly lease: LeaseRecord;
  readonly payload: LambdaPayload;
}

/**
 * Makes the claim of a `lambda` step, invokes the frozen function version with the frozen bytes, and records what came
 * of it. It invokes at most once per attempt: a call that is repeated after the claim is refused, and what became of
 * an attempt without a recorded result is for Finish to decide.
 */
export async function invokeStep(ports: InvokePorts, event: InvokeEvent): Promise<InvokeAnswer> {
  expectSchema(event.schema);
  const claim = await untilDecided(() => claimAttempt(ports, event));
  if (!claim.ok) return { invoked: false, code: claim.code };
  const { payload, attempt } = claim.claimed;

  const result = await invoke(ports, attempt, payload);
  if (result.ok) {
    const name = `output/${attempt.path}/${attempt.attempt}`;
    const output = await ports.blobs.put(attempt.executionId, name, result.output);
    return record(ports, claim.claimed, { reason: 'ok', code: 0 }, output);
  }
  const exit: Exit = result.timedOut
    ? { reason: 'timed_out', code: EXIT_CODE_TIMED_OUT, message: result.message }
    : { reason: 'agent_failed', code: 1, message: result.message };
  return record(ports, claim.claimed, exit);
}

async function invoke(ports: InvokePorts, attempt: AttemptRecord, payload: LambdaPayload) {
  const { executionId, path: stepPath, attempt: number } = attempt;
  const idempotencyKey = `${executionId}/${stepPath}/${payloadHash(payload)}`;
  const context = { idempotencyKey, executionId, stepPath, attempt: number };
  try {
    return await ports.invoker.invoke(payload.functionArn, payload.with, context, payload.timeoutSeconds);
  } catch (error) {
    if (!wasRefused(error)) throw error;
    const message = `the function was not invoked: ${error.name}: ${error.message}`;
    return { ok: false, timedOut: false, message } as const;
  }
}

/** AWS answered that it did not begin (no permission, throttled, no such version). After any other failure it may have. */
function wasRefused(error: unknown): error is Error {
  return error instanceof Error && '$fault' in error && error.$fault === 'client';
}

type Claim = { readonly ok: true; readonly claimed: Claimed } | { readonly ok: false; readonly code: ErrorCode };

async function claimAttempt(ports: InvokePorts, event: InvokeEvent): Promise<Claim | undefined> {
  const { executionId, path, attempt: number } = event;
  const [execution, attempt, lease] = await Promise.all([
    ports.executions.getExecution(executionId),
    ports.executions.getAttempt(executionId, path, number),
    ports.executions.getLease(executionId, path, number),
  ]);
  const now = ports.clock.now();
  const facts = { leaseId: event.leaseId, codeHash: sha256(event.code), now };
  const decision = decideClaim({ execution, attempt, lease }, facts);
  // `repeat` is for runners with a nonce: a function call may not act twice under one lease.
  if (decision.kind === 'repeat') return { ok: false, code: 'claim_refused' };
  if (decision.kind !== 'claimed') return { ok: false, code: decision.code };

  const loaded = await loadWork(ports, decision);
  if (!loaded.ok) {
    const denied = await denyAttempt(ports, decision, loaded.error);
    return denied ? { ok: false, code: loaded.error.code } : undefined;
  }
  const { payload, permission } = loaded;
  const about = { actor: GRAPH, stepPath: path, attempt: number };
  const { leaseId, epoch } = decision.lease;
  const written = await ports.executions.commit({
    executionId,
    changes: [...claimChanges(decision.attempt, decision.lease, now, {}), ...permission.changes],
    events: [
      ...permission.events,
      buildEvent(ports, decision.execution, { ...about, type: 'sandbox.claimed', data: { leaseId, epoch } }),
      buildEvent(ports, decision.execution, { ...about, type: 'step.started', data: {} }),
    ],
  });
  if (!written) return undefined;
  const { execution: open, attempt: taken, lease: offered } = decision;
  return { ok: true, claimed: { execution: open, attempt: taken, lease: offered, payload } };
}

type Loaded =
  | { readonly ok: true; readonly payload: LambdaPayload; readonly permission: Written }
  | { readonly ok: false; readonly error: ErrorData };

/** What was frozen is what runs, if it may: the hash is made again from the stored bytes. */
async function loadWork(
  ports: InvokePorts,
  { execution, attempt }: { readonly execution: ExecutionRecord; readonly attempt: AttemptRecord },
): Promise<Loaded> {
  try {
    if (attempt.payload === undefined) throw changed(attempt);
    const payload = (await ports.blobs.get(attempt.executionId, attempt.payload)) as unknown as Payload;
    if (payload.kind !== 'lambda' || payloadHash(payload) !== attempt.payloadHash) throw changed(attempt);
    return { ok: true, payload, permission: await permitClaim(ports, execution, attempt, payload, GRAPH) };
  } catch (error) {
    if (!WfloError.is(error) || error.code === 'internal') throw error;
    return { ok: false, error: { ...toErrorData(error), stepPath: attempt.path } };
  }
}

function changed({ path, attempt }: AttemptRecord): WfloError {
  return new WfloError(
    'payload_changed',
    `the frozen payload of attempt ${attempt} of ${path} is not what was recorded`,
    {
      fix: 'find out who can write to the stores of the deployment',
    },
  );
}

/** Nothing was invoked and nothing will be: Finish fails the step with the recorded error, and writes `step.failed`. */
function denyAttempt(
  ports: InvokePorts,
  { execution, attempt, lease }: Omit<Claimed, 'payload'>,
  error: ErrorData,
): Promise<boolean> {
  const { path, attempt: number } = attempt;
  return ports.executions.commit({
    executionId: execution.executionId,
    changes: [
      { item: 'attempt', path, attempt: number, set: { error }, expect: { status: 'prepared' } },
      fenceLease(lease),
    ],
    events: refusalEvents(ports, execution, attempt, error, GRAPH),
  });
}

async function record(ports: InvokePorts, claimed: Claimed, exit: Exit, output?: Handle): Promise<InvokeAnswer> {
  const { execution, attempt, lease } = claimed;
  const { path, attempt: number } = attempt;
  const written = await ports.executions.commit({
    executionId: execution.executionId,
    changes: [
      {
        item: 'attempt',
        path,
        attempt: number,
        set: {
          status: 'exited',
          exit,
          exitedAt: ports.clock.now().toISOString(),
          ...(output === undefined ? {} : { output }),
        },
        expect: { status: 'running' },
      },
      {
        item: 'lease',
        path,
        attempt: number,
        set: { status: 'completed' },
        expect: { status: 'claimed', epoch: lease.epoch },
      },
    ],
    events: [exitedEvent(ports, execution, attempt, exit, output)],
  });
  // Fenced meanwhile: the execution has ended, or Finish gave the attempt up. The result comes too late to count.
  return written ? { invoked: true, exit: exit.reason } : { invoked: false, code: 'late_result' };
}

function exitedEvent(
  ports: InvokePorts,
  execution: ExecutionRecord,
  attempt: AttemptRecord,
  exit: Exit,
  output?: Handle,
) {
  return buildEvent(ports, execution, {
    type: 'sandbox.exited',
    actor: GRAPH,
    stepPath: attempt.path,
    attempt: attempt.attempt,
    data: { exit, ...(output === undefined ? {} : { outputSha256: output.sha256 }) },
  });
}
