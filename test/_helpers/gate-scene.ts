import { requestApproval } from '../../lambdas/request-approval/request.ts';
import { resumeDecided } from '../../lambdas/resume-approval/resume-decided.ts';
import { approvalIdOf } from '../../lib/approvals/approval-id.ts';
import { decideApproval } from '../../lib/approvals/decide-approval.ts';
import { inputHash } from '../../lib/execution/input-hash.ts';
import type { GateConfig, LambdaStepConfig, PrepareAnswer, WorkflowConfig } from '../../lib/execution/machine.ts';
import type { ApprovalRecord } from '../../lib/execution/records.ts';
import type { Json } from '../../lib/json.ts';
import type { ApprovalPolicy } from '../../lib/workflow/definition.ts';
import { APPLY, EXECUTION_ID, ExecutionScene, WORKFLOW } from './execution-scene.ts';
import { aGroup, aPerson } from './fakes/fake-people-store.ts';
import { FakeTaskTokens } from './fakes/fake-task-tokens.ts';
import { FakeWaitingStates } from './fakes/fake-waiting-states.ts';
import { anExecution } from './fakes/records.ts';

export const POLICY: ApprovalPolicy = {
  from: [{ group: 'owners', min: 1 }],
  notRequester: true,
  withinSeconds: 4 * 3600,
  executeWithinSeconds: 30 * 60,
  otherwise: 'reject',
};

/** A function that may only act on approval. It reads the input of the workflow, so that it can run first. */
export const GATED: LambdaStepConfig = {
  ...APPLY,
  with: { object: { table: { ref: { source: { from: 'input' }, path: ['table'] } } } },
  approval: POLICY,
};

/** A gate of its own, and the step that acts on its subject. */
export const CONFIRM: GateConfig = { kind: 'approval', path: 'confirm', subject: GATED.with, approval: POLICY };
const { approval: _, ...ungated } = GATED;
export const REQUIRING: LambdaStepConfig = { ...ungated, requires: 'confirm' };

export const GATED_WORKFLOW: WorkflowConfig = { ...WORKFLOW, gates: [{ path: 'apply', policy: POLICY }] };

/** An execution with a gate, its people, and the state that waits. `owners`: Ada, Bob, Cyd. */
export class GateScene extends ExecutionScene {
  readonly tokens = new FakeTaskTokens();
  readonly waiting = new FakeWaitingStates();

  constructor() {
    super();
    const people = ['ada', 'bob', 'cyd', 'eve'].map((personId) => aPerson({ personId }));
    this.people.seed({ people, groups: [aGroup('owners', ['ada', 'bob', 'cyd'])] });
  }

  /** The control API has recorded who starts it. */
  async openedBy(personId: string, input: Json = { table: 'orders' }, workflow: WorkflowConfig = GATED_WORKFLOW) {
    this.executions.seed({
      executions: [
        anExecution({
          executionId: EXECUTION_ID,
          status: 'starting',
          requester: { type: 'person', id: personId, via: 'api' },
          inputHash: inputHash(input),
          startedAt: '2025-12-31T23:59:59.000Z',
        }),
      ],
    });
    return this.open(input, { workflow: JSON.stringify(workflow) });
  }

  /** Approve is entered. */
  ask({ approvalId }: Pick<PrepareAnswer, 'approvalId'>, taskToken = 'token-1') {
    return requestApproval(this, { schema: 1, approvalId, taskToken });
  }

  decide(personId: string, decision: 'approve' | 'reject' = 'approve', approvalId = this.approvalId()) {
    const comment = decision === 'reject' ? { comment: 'no' } : {};
    return decideApproval(this, 'default', approvalId, { personId, decision, via: 'api', ...comment });
  }

  /** The stream of the outbox brings the decision. */
  resume(approvalId = this.approvalId()) {
    return resumeDecided(this, { approvalIds: [approvalId] });
  }

  approvalId(path = 'apply', number = 1): string {
    return approvalIdOf(EXECUTION_ID, path, number);
  }

  async approval(approvalId = this.approvalId()): Promise<ApprovalRecord> {
    const approval = await this.executions.getApproval(approvalId);
    if (approval === undefined) throw new Error(`there is no ${approvalId}`);
    return approval;
  }
}
