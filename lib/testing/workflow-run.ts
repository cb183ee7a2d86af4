import { keyedStepsOf } from '../compiler/steps-of.ts';
import type { ErrorData } from '../errors.ts';
import type { Payload } from '../execution/payload.ts';
import type { ApprovalRecord, AttemptRecord, StepKind, Vote } from '../execution/records.ts';
import type { ApprovalStatus, AttemptStatus, EndingStatus, StepStatus } from '../execution/status.ts';
import type { Json } from '../json.ts';
import type { Quorum } from '../workflow/definition.ts';
import { subjectOfApproval } from './ask-people.ts';
import { listed, WorkflowTestError } from './test-error.ts';
import type { World } from './world.ts';

/** What became of an execution. All times are virtual. */
export interface WorkflowRun {
  readonly status: 'succeeded' | EndingStatus;
  /** Where it succeeded. */
  readonly output?: Json;
  /** Where it did not. */
  readonly error?: ErrorData;
  /** Every sandbox step, lambda step and gate of the definition, in its order. */
  readonly steps: readonly StepRun[];
  /** In the order in which they were asked for. */
  readonly approvals: readonly ApprovalRun[];
  /** The waits that were entered. */
  readonly waits: readonly { readonly path: string; readonly seconds: number }[];
  /** Paths of the steps, gates and waits that began, in the order in which they did. */
  readonly began: readonly string[];
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** From start to end. */
  readonly seconds: number;
  /** Throws where the definition has no such step. */
  step(path: string): StepRun;
  /** The last request of a gate, or for a step. Throws where nobody was asked. */
  approval(path: string): ApprovalRun;
}

export interface StepRun {
  readonly path: string;
  readonly kind: StepKind;
  /** Of the last attempt; `pending` where the step never began. */
  readonly status: StepStatus;
  /** As later steps read it, with the defaults of its schema. */
  readonly output?: Json;
  readonly error?: ErrorData;
  readonly attempts: readonly AttemptRun[];
}

export interface AttemptRun {
  /** From 1. */
  readonly attempt: number;
  readonly status: AttemptStatus;
  /** The `input` of a sandbox, or the `with` of a lambda step. Absent where it could not be resolved. */
  readonly input?: Json;
  /** Of a sandbox. */
  readonly command?: readonly string[];
  readonly env?: { readonly [name: string]: string };
  readonly workspaceFrom?: string;
  /** Of a gate. */
  readonly subject?: Json;
  readonly error?: ErrorData;
  /** Between this attempt and the next. */
  readonly waitSeconds: number;
  /** When it got its work; absent where it never did. */
  readonly startedAt?: Date;
  readonly endedAt?: Date;
}

export interface ApprovalRun {
  /** Of the gate, or of the step that is approved. */
  readonly path: string;
  readonly attempt: number;
  readonly status: ApprovalStatus;
  /** Who is asked. */
  readonly from: readonly Quorum[];
  readonly subject: Json;
  readonly votes: readonly Vote[];
  /** The fields that an agent wrote, with the step that it wrote them in. */
  readonly writtenByAgents: readonly { readonly field: string; readonly step: string }[];
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedAt?: Date;
}

/** What the machine saw on its way. */
export interface Trace {
  readonly startedAt: Date;
  readonly began: readonly string[];
  readonly waits: WorkflowRun['waits'];
}

/** Reads the records of an execution that has ended. */
export async function describeRun(world: World, trace: Trace): Promise<WorkflowRun> {
  const execution = await world.execution();
  const { executions, blobs, executionId } = world;
  const { status, output, error } = execution;
  const steps = await Promise.all(
    keyedStepsOf(world.definition.body).map(({ path, kind }) => stepRun(world, path, kind)),
  );
  const approvals = await Promise.all(
    (await executions.listApprovals(executionId)).map((approval) => approvalRun(world, approval)),
  );
  approvals.sort((a, b) => a.requestedAt.getTime() - b.requestedAt.getTime());
  const endedAt = new Date(execution.endedAt ?? world.time.now());
  return {
    status: status as WorkflowRun['status'],
    ...(output === undefined ? {} : { output: await blobs.get(executionId, output) }),
    ...(error === undefined ? {} : { error }),
    steps,
    approvals,
    ...trace,
    endedAt,
    seconds: (endedAt.getTime() - trace.startedAt.getTime()) / 1000,
    step(path) {
      const step = steps.find((other) => other.path === path);
      if (step !== undefined) return step;
      throw new WorkflowTestError(
        `the workflow has no step "${path}"`,
        `use one of ${listed(steps.map((other) => other.path))}`,
      );
    },
    approval(path) {
      const approval = approvals.findLast((other) => other.path === path);
      if (approval !== undefined) return approval;
      throw new WorkflowTestError(
        `nobody was asked to approve "${path}"`,
        `asked was for ${listed([...new Set(approvals.map((other) => other.path))])}`,
      );
    },
  };
}

async function stepRun(world: World, path: string, kind: StepKind): Promise<StepRun> {
  const records = await world.executions.listAttempts(world.executionId, path);
  const attempts = await Promise.all(records.map((record) => attemptRun(world, record)));
  const last = records.at(-1);
  const output = last?.status === 'succeeded' ? (last.answer?.ref ?? undefined) : undefined;
  return {
    path,
    kind,
    status: last?.status ?? 'pending',
    ...(output === undefined ? {} : { output: await world.blobs.get(world.executionId, output) }),
    ...(last?.error === undefined ? {} : { error: last.error }),
    attempts,
  };
}

async function attemptRun(world: World, record: AttemptRecord): Promise<AttemptRun> {
  const { attempt, status, error, answer, claimedAt, endedAt, path } = record;
  const from = world.workspaceFrom(path);
  return {
    attempt,
    status,
    ...(await frozenIn(world, record)),
    ...(from === undefined ? {} : { workspaceFrom: from }),
    ...(error === undefined ? {} : { error }),
    waitSeconds: answer?.waitSeconds ?? 0,
    ...(claimedAt === undefined ? {} : { startedAt: new Date(claimedAt) }),
    ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt) }),
  };
}

async function frozenIn(world: World, { payload }: AttemptRecord): Promise<Partial<AttemptRun>> {
  if (payload === undefined) return {};
  const frozen = (await world.blobs.get(world.executionId, payload)) as unknown as Payload;
  if (frozen.kind === 'approval') return { subject: frozen.subject };
  if (frozen.kind === 'lambda') return { input: frozen.with };
  return { input: frozen.input, command: frozen.command, env: frozen.env };
}

async function approvalRun(world: World, approval: ApprovalRecord): Promise<ApprovalRun> {
  const { path, attempt, status, groups, votes, claims, requestedAt, expiresAt, decidedAt } = approval;
  return {
    path,
    attempt,
    status,
    from: groups,
    subject: await subjectOfApproval(world, approval),
    votes,
    writtenByAgents: claims,
    requestedAt: new Date(requestedAt),
    expiresAt: new Date(expiresAt),
    ...(decidedAt === undefined ? {} : { decidedAt: new Date(decidedAt) }),
  };
}
