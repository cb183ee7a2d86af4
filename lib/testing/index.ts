/** What a test of a workflow imports: `wflo/testing`. It needs no test framework, no AWS, no network and no time. */
export {
  type ApprovalAnswer,
  type ApprovalRequest,
  type ApprovalStub,
  approvedBy,
  expires,
  type PersonDecision,
  rejectedBy,
} from './approval-answers.ts';
export {
  fails,
  type LambdaFailure,
  type SandboxFailure,
  type StepAnswer,
  type StepCall,
  type StepFailure,
  type StepOutput,
  type StepStub,
} from './step-answers.ts';
export { WorkflowTestError } from './test-error.ts';
export { testWorkflow, type WorkflowTest } from './test-workflow.ts';
export type { ApprovalRun, AttemptRun, StepRun, WorkflowRun } from './workflow-run.ts';
