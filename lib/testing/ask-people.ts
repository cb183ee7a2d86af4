import { requestApproval } from '../../lambdas/request-approval/request.ts';
import { decideApproval } from '../approvals/decide-approval.ts';
import { expireApproval } from '../approvals/expire.ts';
import { answerOf } from '../approvals/resume.ts';
import { RECONCILER } from '../execution/actors.ts';
import type { ApprovedAnswer, RequestApprovalEvent } from '../execution/machine.ts';
import { type Payload, subjectOf } from '../execution/payload.ts';
import type { ApprovalRecord } from '../execution/records.ts';
import type { Json } from '../json.ts';
import type { ApprovalAnswer, ApprovalStub, PersonDecision } from './approval-answers.ts';
import { WorkflowTestError } from './test-error.ts';
import type { World } from './world.ts';

/**
 * Approve: the request goes out, people decide by the stub as they would through the control API, and the state goes on
 * when it is decided or has expired. What a person may not do is thrown, as the API would refuse it.
 */
export async function askPeople(world: World, event: RequestApprovalEvent): Promise<ApprovedAnswer> {
  const { executions, clock } = world;
  const tokens = { put: async () => {} };
  const waiting = { resume: async () => 'gone' as const };
  await requestApproval({ executions, tokens, waiting, clock }, event);

  const request = await approvalOf(world, event.approvalId);
  for (const { at, person, decision, comment } of await decisionsOn(world, request)) {
    if (at >= Date.parse(request.expiresAt)) break;
    await world.time.sleepUntil(at);
    world.people.meet(person);
    await decideApproval(world, request.tenant, request.approvalId, {
      personId: person,
      decision,
      via: 'api',
      ...(comment === undefined ? {} : { comment }),
    });
    const now = await approvalOf(world, event.approvalId);
    if (now.status !== 'pending') return answerOf(now);
  }
  await world.time.sleepUntil(Date.parse(request.expiresAt));
  const expired = await expireApproval(world, event.approvalId, RECONCILER, 'keep');
  return answerOf(expired ?? request);
}

async function approvalOf(world: World, approvalId: string): Promise<ApprovalRecord> {
  const approval = await world.executions.getApproval(approvalId);
  if (approval === undefined) throw new Error(`there is no approval ${approvalId}`);
  return approval;
}

interface Timed extends PersonDecision {
  readonly at: number;
}

async function decisionsOn(world: World, approval: ApprovalRecord): Promise<readonly Timed[]> {
  const { path } = approval;
  const stub = world.stubs.approvals[path];
  if (stub === undefined) {
    throw new WorkflowTestError(
      `approval of "${path}" was asked for, and the test says nothing about it`,
      `add to approvals: '${path}': approvedBy('ada'), rejectedBy('ada', 'why') or expires()`,
    );
  }
  const requestedAt = Date.parse(approval.requestedAt);
  return (await answersOf(world, approval, stub))
    .flatMap(({ decisions, afterSeconds }) =>
      decisions.map((decision) => ({ ...decision, at: requestedAt + afterSeconds * 1000 })),
    )
    .sort((a, b) => a.at - b.at);
}

async function answersOf(
  world: World,
  approval: ApprovalRecord,
  stub: ApprovalStub,
): Promise<readonly ApprovalAnswer[]> {
  const { path, attempt, groups } = approval;
  const answer =
    typeof stub === 'function'
      ? stub({ path, attempt, from: groups, subject: await subjectOfApproval(world, approval), now: world.time.now() })
      : stub;
  const answers: readonly unknown[] = Array.isArray(answer) ? answer : [answer];
  if (answers.every(isAnswer)) return answers;
  throw new WorkflowTestError(
    `the stub of the approval of "${path}" is no answer`,
    "write approvedBy('ada'), rejectedBy('ada', 'why') or expires()",
  );
}

function isAnswer(value: unknown): value is ApprovalAnswer {
  return typeof value === 'object' && value !== null && 'decisions' in value && 'afterSeconds' in value;
}

/** What is asked about: the value of a gate, else what the step gets. */
export async function subjectOfApproval(world: World, { payload }: ApprovalRecord): Promise<Json> {
  if (payload === undefined) throw new Error('what is tested raises no budget');
  const frozen = (await world.blobs.get(world.executionId, payload)) as unknown as Payload;
  return frozen.kind === 'approval' ? frozen.subject : subjectOf(frozen);
}
