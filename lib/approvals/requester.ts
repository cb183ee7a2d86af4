import type { Actor } from '../execution/records.ts';
import type { ApprovalPolicy, Quorum } from '../workflow/definition.ts';

export interface Asked {
  readonly groups: readonly Quorum[];
  readonly note?: string;
}

/**
 * Who has to approve. Whoever started the execution past the control API could be anybody in the groups: where the
 * requester may not approve, one more of the first group makes up for that.
 */
export function askedOf(policy: ApprovalPolicy, requester: Actor): Asked {
  const [first, ...others] = policy.from;
  if (!policy.notRequester || isProven(requester) || first === undefined) return { groups: policy.from };
  return {
    groups: [{ ...first, min: first.min + 1 }, ...others],
    note: 'nothing proves who started the execution, so one more of the first group has to approve',
  };
}

/** The person whose approval does not count; undefined where everybody's does. */
export function excludedPerson(policy: ApprovalPolicy, requester: Actor): string | undefined {
  return policy.notRequester && requester.type === 'person' ? requester.id : undefined;
}

/** Something says who started the execution: a person, or the deployment itself. */
export function isProven(requester: Actor): boolean {
  return requester.type === 'person' || requester.type === 'system';
}
