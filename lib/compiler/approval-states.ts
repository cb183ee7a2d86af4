import type { ExpireApprovalEvent, RequestApprovalEvent } from '../execution/machine.ts';
import { SCHEMA } from '../execution/records.ts';
import type { ApprovalPolicy } from '../workflow/definition.ts';
import { choice, handler, invoke, type Payload, type States, WAITING_RETRY } from './state-parts.ts';

/** Expire decides by the record, whose time began earlier; this wakes it after that is over. */
const APPROVE_TIMEOUT_EXTRA_SECONDS = 1;

/**
 * From the rule `ask` of Route to the state `granted` or to Finish. What they leave in the state only routes: the claim
 * asks the record. The error of a wait is kept where Expire writes its answer, not under `caught`, which Finish reads
 * as what Run was caught with.
 */
export function approvalStates(path: string, policy: ApprovalPolicy, granted: string): States {
  const request: Payload<RequestApprovalEvent> = {
    schema: SCHEMA,
    'approvalId.$': '$.step.approvalId',
    'taskToken.$': '$$.Task.Token',
  };
  const expire: Payload<ExpireApprovalEvent> = { schema: SCHEMA, 'approvalId.$': '$.step.approvalId' };
  return {
    [`${path}.Approve`]: {
      ...invoke('RequestApprovalFn', request, '.waitForTaskToken'),
      TimeoutSeconds: policy.withinSeconds + APPROVE_TIMEOUT_EXTRA_SECONDS,
      ResultSelector: { 'decision.$': '$.decision' },
      Retry: WAITING_RETRY,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.step.approved', Next: `${path}.Expire` }],
      ResultPath: '$.step.approved',
      Next: `${path}.Approved`,
    },
    [`${path}.Expire`]: handler('ExpireApprovalFn', expire, ['decision'], {
      ResultPath: '$.step.approved',
      Next: `${path}.Approved`,
    }),
    [`${path}.Approved`]: choice(
      [{ Variable: '$.step.approved.decision', StringEquals: 'granted', Next: granted }],
      `${path}.Finish`,
    ),
  };
}
