import { requested } from '../../lib/approvals/transitions.ts';
import { buildEvent } from '../../lib/audit/build-event.ts';
import { type ErrorData, toErrorData, WfloError } from '../../lib/errors.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import { allotAttempt } from '../../lib/execution/allot-attempt.ts';
import { type ComputePrices, computeTerms } from '../../lib/execution/compute-hold.ts';
import { isHarmless } from '../../lib/execution/decide-finish.ts';
import { frozenReason } from '../../lib/execution/freeze.ts';
import { freezeGate, freezePayload, payloadRefs } from '../../lib/execution/freeze-payload.ts';
import { loadValues } from '../../lib/execution/load-values.ts';
import type {
  ActingConfig,
  PrepareAnswer,
  PrepareEvent,
  SandboxTarget,
  StepConfig,
} from '../../lib/execution/machine.ts';
import { type Payload, payloadHash } from '../../lib/execution/payload.ts';
import {
  type AttemptRecord,
  type ComputeTerms,
  type ExecutionRecord,
  type Handle,
  type LeaseRecord,
  SCHEMA,
} from '../../lib/execution/records.ts';
import { ACTIVE, isActive } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import { type Json, sha256 } from '../../lib/json.ts';
import type { BlobStore, ExecutionStore } from '../../lib/ports.ts';
import type { WorkspaceObject } from '../../lib/sandbox/protocol.ts';
import { approvalOf } from './approval.ts';
import { type ReservePorts, releaseCompute, reserveCompute } from './reserve.ts';

export interface PreparePorts extends ReservePorts {
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly prices: ComputePrices;
}

/** Attempt 0: nothing was recorded, because the execution is over or this entry of Prepare is. */
const DENIED: PrepareAnswer = { attempt: 0, route: 'deny', leaseId: '', code: '', approvalId: '' };

/** Only an execution that runs and is not ending gets new work. */
const STILL_OPEN = { item: 'execution', expect: { status: { oneOf: ACTIVE }, ending: { absent: true } } } as const;

/**
 * Allots the attempt of this entry, freezes what it will run, and offers the right to run it. What cannot be frozen is
 * recorded as an attempt with its error, and denied, so that Finish fails the step with that error.
 */
export async function prepareStep(ports: PreparePorts, event: PrepareEvent): Promise<PrepareAnswer> {
  expectSchema(event.schema);
  const step = JSON.parse(event.step) as StepConfig;
  const { executionId, enteredAt } = event;
  // Attempts that this call has allotted: one that was not recorded after all must leave nothing held.
  const tried = new Set<number>();
  return untilDecided(async () => {
    const execution = await ports.executions.getExecution(executionId);
    if (execution === undefined) throw new WfloError('unknown_execution', `there is no execution ${executionId}`);
    const attempts = await ports.executions.listAttempts(executionId, step.path);
    if (!isActive(execution.status) || execution.ending !== undefined) {
      await releaseUnrecorded(ports, executionId, step.path, tried, attempts);
      return DENIED;
    }
    const allotted = allotAttempt(attempts, enteredAt);
    if (allotted.kind === 'late') return DENIED;
    if (allotted.kind === 'same') return offerAgain(ports, allotted.record);
    tried.add(allotted.attempt);
    return offer(ports, event, step, execution, allotted.attempt);
  });
}

/** The execution ended between the hold and its attempt. An attempt that is recorded is closed by whoever ends it. */
async function releaseUnrecorded(
  ports: PreparePorts,
  executionId: string,
  path: string,
  tried: ReadonlySet<number>,
  attempts: readonly AttemptRecord[],
): Promise<void> {
  for (const attempt of tried) {
    if (attempts.some((record) => record.attempt === attempt)) continue;
    await releaseCompute(ports, executionId, { path, attempt });
  }
}

async function offer(
  ports: PreparePorts,
  event: PrepareEvent,
  step: StepConfig,
  execution: ExecutionRecord,
  attempt: number,
): Promise<PrepareAnswer | undefined> {
  const record: AttemptRecord = {
    schema: SCHEMA,
    executionId: execution.executionId,
    path: step.path,
    kind: step.kind,
    attempt,
    enteredAt: event.enteredAt,
    status: 'prepared',
    harmless: step.kind === 'approval' || isHarmless(step),
    preparedAt: ports.clock.now().toISOString(),
  };
  const frozen = await freeze(ports, event, step, execution);
  if (!frozen.ok) return deny(ports, { ...record, error: frozen.error });

  const asked = await approvalOf(ports, { execution, step, record, frozen });
  if (!asked.ok) return deny(ports, { ...record, error: asked.error });
  const { approval, isNew } = asked;
  const compute = computeOf(ports, step, execution);
  // What waits for people is reserved for when they agreed.
  if (compute !== undefined && !isNew) {
    const reserved = await reserveCompute(ports, execution, record, compute);
    if (reserved.kind === 'closed') return undefined;
    if (reserved.kind === 'refused') return deny(ports, { ...record, error: reserved.error });
  }
  const offered =
    step.kind === 'approval' ? undefined : newLease(ports, event, step, execution, attempt, frozen.payload);
  const put: AttemptRecord = {
    ...record,
    ...(compute === undefined ? {} : { compute }),
    status: isNew ? 'waiting_approval' : 'prepared',
    payload: frozen.handle,
    payloadHash: frozen.hash,
    ...(approval === undefined ? {} : { approvalId: approval.approvalId }),
  };
  const request =
    approval !== undefined && isNew
      ? requested(ports, execution, approval, GRAPH)
      : { changes: [STILL_OPEN], events: [] };
  const written = await ports.executions.commit({
    executionId: execution.executionId,
    changes: [
      ...request.changes,
      { item: 'attempt', path: step.path, attempt, put },
      ...(offered === undefined ? [] : [{ item: 'lease', path: step.path, attempt, put: offered.lease } as const]),
    ],
    events: [
      buildEvent(ports, execution, {
        type: 'step.prepared',
        actor: GRAPH,
        stepPath: step.path,
        attempt,
        data: { kind: step.kind, payloadHash: frozen.hash },
      }),
      ...request.events,
    ],
  });
  return written ? answerOf(put, offered) : undefined;
}

interface Offered {
  readonly lease: LeaseRecord;
  readonly code: string;
}

function newLease(
  ports: PreparePorts,
  event: PrepareEvent,
  step: ActingConfig,
  execution: ExecutionRecord,
  attempt: number,
  payload: Payload,
): Offered {
  const code = ports.ids.secret();
  const lease: LeaseRecord = {
    schema: SCHEMA,
    executionId: execution.executionId,
    path: step.path,
    attempt,
    leaseId: ports.ids.next(),
    kind: step.kind,
    status: 'offered',
    epoch: 1,
    codeHash: sha256(code),
    ...(step.kind === 'sandbox' ? { taskDefinition: (event.target as SandboxTarget).taskDefinition } : {}),
    ...modelAccess(execution, step, payload),
  };
  return { lease, code };
}

/** From the frozen payload: what was approved is what may be called. Of before there were budgets: nothing may be. */
function modelAccess(
  { tenant, workflow, budget }: ExecutionRecord,
  step: ActingConfig,
  payload: Payload,
): Pick<LeaseRecord, 'modelAccess'> {
  if (step.kind !== 'sandbox' || payload.kind !== 'sandbox' || budget === undefined) return {};
  const { models = [], rate } = payload;
  const agent = step.agent ?? step.path;
  const { onExceeded } = budget;
  return { modelAccess: { tenant, workflow, agent, models, ...(rate === undefined ? {} : { rate }), onExceeded } };
}

/** Nothing is reserved for executions of before there were budgets: the ledger does not know them. */
function computeOf(ports: PreparePorts, step: StepConfig, { budget }: ExecutionRecord): ComputeTerms | undefined {
  return step.kind === 'sandbox' && budget !== undefined ? computeTerms(ports.prices, step) : undefined;
}

function answerOf(record: AttemptRecord, offered: { lease: LeaseRecord; code: string } | undefined): PrepareAnswer {
  const waits = record.status === 'waiting_approval';
  return {
    attempt: record.attempt,
    // A gate acts on nothing: once it is granted there is nothing to run.
    route: waits ? 'ask' : record.kind === 'approval' ? 'deny' : 'run',
    leaseId: offered?.lease.leaseId ?? '',
    code: offered?.code ?? '',
    approvalId: waits ? (record.approvalId ?? '') : '',
  };
}

type Frozen =
  | { readonly ok: true; readonly payload: Payload; readonly handle: Handle; readonly hash: string }
  | { readonly ok: false; readonly error: ErrorData };

async function freeze(
  ports: PreparePorts,
  event: PrepareEvent,
  step: StepConfig,
  execution: ExecutionRecord,
): Promise<Frozen> {
  try {
    const held = frozenReason(await ports.executions.getFreeze(), execution);
    if (held !== undefined) throw new WfloError('frozen', held, { fix: 'start it again when the stop is lifted' });
    const stored = { input: execution.input, steps: event.steps };
    const values = await loadValues(ports.blobs, execution.executionId, payloadRefs(step), stored);
    const payload =
      step.kind === 'approval'
        ? freezeGate(execution, step, values)
        : freezePayload(
            execution,
            step,
            event.target,
            values,
            await keptWorkspace(ports.executions, execution.executionId, step),
          );
    const hash = payloadHash(payload);
    // Named by its hash: a repeat of the same work shares it, and no call can find another value under its name.
    const name = `payload/${step.path}/${hash}`;
    const handle = await ports.blobs.put(execution.executionId, name, payload as unknown as Json);
    return { ok: true, payload, handle, hash };
  } catch (error) {
    if (!WfloError.is(error) || error.code === 'internal') throw error;
    return { ok: false, error: { ...toErrorData(error), stepPath: step.path } };
  }
}

/**
 * The workspace that the step begins with: that of the attempt with which its earlier step succeeded. The State table
 * says so and not the state of the machine, which carries nothing of it.
 */
async function keptWorkspace(
  executions: ExecutionStore,
  executionId: string,
  step: StepConfig,
): Promise<WorkspaceObject | undefined> {
  if (step.kind !== 'sandbox' || step.workspaceFrom === undefined) return undefined;
  const attempts = await executions.listAttempts(executionId, step.workspaceFrom);
  const kept = attempts.findLast(({ status }) => status === 'succeeded')?.workspace;
  if (kept !== undefined) return kept;
  throw new WfloError('workspace_missing', `step ${step.workspaceFrom} has left no workspace`, {
    fix: 'deploy the workflow again: the step that ran was deployed without keepWorkspace',
  });
}

/** No event: nothing was frozen, and `step.failed` follows from Finish. */
async function deny(ports: PreparePorts, record: AttemptRecord): Promise<PrepareAnswer | undefined> {
  const written = await ports.executions.commit({
    executionId: record.executionId,
    changes: [STILL_OPEN, { item: 'attempt', path: record.path, attempt: record.attempt, put: record }],
    events: [],
  });
  return written ? { ...DENIED, attempt: record.attempt } : undefined;
}

/**
 * This entry was answered before, but the answer may have been lost. Codes are stored as hashes only, so a new one is
 * made; it is the one that counts while nobody has claimed the lease. Afterwards this call is a late duplicate.
 */
async function offerAgain(ports: PreparePorts, record: AttemptRecord): Promise<PrepareAnswer | undefined> {
  const { executionId, path, attempt, status } = record;
  if (record.kind === 'approval') return status === 'waiting_approval' ? answerOf(record, undefined) : denied(record);
  const lease = await ports.executions.getLease(executionId, path, attempt);
  const open = status === 'prepared' || status === 'waiting_approval';
  if (lease === undefined || lease.status !== 'offered' || !open) return denied(record);
  const code = ports.ids.secret();
  const rotated = await ports.executions.commit({
    executionId,
    changes: [
      STILL_OPEN,
      {
        item: 'lease',
        path,
        attempt,
        set: { codeHash: sha256(code) },
        expect: { status: 'offered', epoch: lease.epoch, codeHash: lease.codeHash },
      },
    ],
    events: [],
  });
  return rotated ? answerOf(record, { lease, code }) : undefined;
}

function denied({ attempt }: AttemptRecord): PrepareAnswer {
  return { ...DENIED, attempt };
}
