/**
 * Every error that a user can meet has a code from this table, and a page `docs/errors/<code>.md`
 * (held by `test/unit/errors.test.ts`). The text after a code is its one-line meaning.
 */
export const ERROR_CODES = {
  // Definition findings (lib/workflow, lib/compiler)
  invalid_name: 'a workflow, step or agent name has the wrong shape or length',
  duplicate_step: 'two steps of one workflow have the same name',
  unknown_reference: 'a reference names an input or output field that the schema does not have',
  reference_may_not_have_run: 'a reference names a step that may not have run at this point',
  reference_in_text: 'a reference was put into a template literal, where it becomes text at build time',
  workspace_not_kept: 'a step begins with the workspace of a step that keeps none',
  not_a_scalar: 'a condition or a wait needs a string, number or boolean field',
  invalid_duration: 'a duration is zero, negative, or beyond its limit',
  invalid_sandbox_size: 'CPU and memory are not a combination that Fargate offers',
  invalid_function_size: 'the memory of a lambda step is not an amount that Lambda offers',
  effects_not_declared: 'a step that can change the world does not say what its effects are',
  irreversible_without_approval: 'a step with irreversible effects has no approval',
  invalid_approval: 'an approval has no group, no time limit, or an outcome that its step may not have',
  approval_not_bound: 'a step requires a gate that does not come before it, or that another step requires',
  invalid_retry: 'a retry policy is out of bounds',
  invalid_command: 'a command is empty or not a list of strings',
  invalid_env: 'an environment name is malformed or reserved',
  invalid_value: 'a value of a definition is not JSON, a reference, or a list or object of these',
  code_not_found: 'the code folder or function file of a step does not exist',
  invalid_code: 'the code of a step holds something that cannot go into its archive, or cannot be bundled',
  unknown_image: 'a sandbox step names an image that the deployment does not have',
  invalid_image: 'an image of the deployment has a name that cannot be used, or no folder with a Dockerfile',
  empty_workflow: 'a workflow, branch or block has no steps',
  schema_not_representable: 'a Zod schema cannot be written as JSON Schema',
  definition_too_large: 'the compiled definition passes the 1 MB limit of Step Functions',
  state_too_large: 'the state of an execution could pass 200 KiB',
  history_too_long: 'an execution could write more than 15,000 history events',
  invalid_definition: 'a workflow definition has findings',
  definition_not_loadable: 'a workflow file could not be loaded',
  // Starting and running
  unknown_workflow: 'no workflow of this name is deployed',
  unknown_execution: 'no execution of this id exists',
  invalid_input: 'the input does not fit the workflow schema',
  unknown_option: 'the `wflo` key of the input has an option that does not exist',
  name_conflict: 'an execution of this name exists with another input',
  name_reused: 'an execution of this name has already ended',
  execution_closed: 'the execution has ended, or is ending',
  execution_failed: 'the execution ended, and not in success',
  ref_too_large: 'the fields of an output that the graph itself reads pass 4 KiB',
  reference_not_resolved: 'a field that a step needs is missing in the stored input or output',
  workspace_missing: 'the workspace that a step begins with is not there',
  payload_too_large: 'a step payload is larger than the limit',
  payload_changed: 'a frozen payload no longer has its recorded hash',
  too_many_executions: 'as many executions of the workflow are open as it allows',
  frozen: 'an emergency stop holds the workflow, the tenant or the whole deployment',
  // Budgets and model calls
  invalid_money: 'a text or number is not an amount of dollars',
  invalid_budget: 'a budget of a definition, an option or a command is not one that can be kept',
  budget_exhausted: 'a budget has too little left for what was asked',
  budget_held: 'a budget would suffice, but calls in flight hold the rest of it',
  budget_pending: 'a model call waits for a person to raise its budget',
  budget_exceeded: 'an execution was stopped because a budget did not suffice',
  requester_may_not_raise: 'whoever started the execution may not raise its budget',
  unknown_hold: 'no reserved money of this id exists, or it was settled before',
  ledger_busy: 'too many calls change the same budget at the same time',
  ledger_unreachable: 'the budget ledger could not be reached, so nothing was called',
  unknown_model: 'the price book has no model of exactly this name',
  unpriced_feature: 'a model call asks for something that has no price',
  model_not_allowed: 'the step does not declare the model that it calls',
  rate_limited: 'an agent calls more often, or with more tokens, than its step allows',
  provider_not_configured: 'the gateway has no key for the provider of the model',
  provider_failed: 'the provider of a model did not answer, or not as it should',
  invalid_prices: 'an override of the price book is not complete, or not a price',
  // Approvals and people
  approvers_missing: 'the groups of a gate have too few people who may approve',
  approval_rejected: 'somebody who may approve rejected it',
  approval_expired: 'nobody decided in time',
  approval_stale: 'the step came too long after its approval',
  not_approved: 'the step has no approval that covers what it would do',
  already_decided: 'the approval was decided before, and differently',
  approval_mismatch: 'a decision is about another payload than the approval asks about',
  not_an_approver: 'the person is in none of the groups that are asked',
  requester_may_not_decide: 'whoever started the execution may not approve it',
  unknown_approval: 'no approval of this id exists',
  unknown_person: 'the caller is linked to no person, or no person of this id exists',
  unknown_group: 'no group of this name exists',
  person_exists: 'a person, identity, group or tenant of this name exists',
  already_bootstrapped: 'the first administrator was made before',
  last_administrator: 'the last administrator of a tenant cannot be removed',
  // Step outcomes
  agent_failed: 'the agent ended with a non-zero exit code',
  timed_out: 'the agent ran into its time limit',
  out_of_memory: 'the sandbox ran out of memory',
  killed: 'the agent was killed by a signal',
  sandbox_lost: 'the sandbox ended without reporting an outcome',
  runner_error: 'the runner itself failed',
  image_error: 'the sandbox image could not be pulled or started',
  sandbox_not_started: 'the sandbox task could not be started',
  outcome_unknown: 'a step was lost after it began, and its effects cannot be known',
  no_output: 'the step declares an output, and the agent wrote none',
  invalid_output: 'the output is not JSON, or does not fit the declared schema',
  output_too_large: 'the output is larger than the limit',
  workspace_too_large: 'the workspace that a step keeps is larger than the limit',
  invalid_workspace: 'the workspace that a step keeps holds something that cannot be carried on',
  function_failed: 'the function of a lambda step failed',
  // Sandbox API
  claim_refused: 'a claim was refused',
  claim_conflict: 'a lease was claimed twice by different runners',
  stale_epoch: 'the lease was fenced; this runner no longer acts for the step',
  invalid_session: 'the session token is unknown or expired',
  late_result: 'a completion arrived after the execution had ended',
  invalid_request: 'a request is malformed',
  unknown_route: 'the control API has no such method and path',
  unreachable: 'the control API could not be reached, or did not answer',
  forbidden: 'the caller may not do this',
  internal: 'an unexpected failure',
  // CLI and local AWS
  usage: 'the command line is wrong',
  malformed_json: 'a text that should be JSON is not',
  no_target: 'no deployment was found for this command',
  check_failed: 'a check of `wflo doctor` failed',
  python_missing: 'no Python of the needed version was found',
  port_in_use: 'the port that was asked for is taken',
  local_not_running: 'the local AWS is not running',
  local_died: 'the local AWS ended unexpectedly',
  local_locked: 'another command is changing the local AWS',
  local_state_corrupt: '`.wflo/local.json` cannot be read',
  local_setup_failed: 'the local AWS could not be installed or started',
  invalid_settings: 'a `wflo:*` context value of the deployment has a value that is not allowed',
  deploy_failed: 'the deployment did not succeed',
  destroy_failed: 'a stage could not be destroyed, or not wholly',
  workflow_in_use: 'a deployment would delete a workflow that has open executions',
  workflow_retained: 'a workflow comes back while executions of the one that was removed are open',
  stage_in_use: 'a stage that is to be destroyed has open executions',
  audit_broken: 'the event chain does not verify',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorOptionsWithFix {
  /** What to do instead, as an instruction. */
  readonly fix?: string;
  /** Machine-readable context; never holds a secret. */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** An error with a stable code. `message` says what is wrong and names the value. */
export class WfloError extends Error {
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: ErrorOptionsWithFix = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WfloError';
    this.code = code;
    this.fix = options.fix;
    this.details = options.details;
  }

  /** True for errors of any copy of this class, so that bundles do not break `instanceof`. */
  static is(error: unknown): error is WfloError {
    return error instanceof Error && error.name === 'WfloError' && 'code' in error;
  }
}

/** How an error travels as data: in records, API answers and `--json` output. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix?: string;
  readonly stepPath?: string;
  readonly details?: unknown;
}

export function toErrorData(error: unknown): ErrorData {
  if (!WfloError.is(error))
    return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
  return {
    code: error.code,
    message: error.message,
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    ...(error.details === undefined ? {} : { details: error.details }),
  };
}
