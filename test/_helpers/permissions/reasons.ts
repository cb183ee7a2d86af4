import { like } from './evaluate.ts';
import type { PolicyStatement } from './policies.ts';
import { grantsOf } from './removal.ts';

export interface Reason {
  /** Ids of grants, `*` for any characters. */
  readonly grants: string;
  readonly reason: string;
}

/** Grants that no call of ours is known to need, and why they are there. Nothing else may be. */
export const REASONS: readonly Reason[] = [
  {
    grants: 'EndpointsEcrDocker: ecr:GetAuthorizationToken on \\* (Login)',
    reason:
      'which of the four actions of a pull is asked for at which of the two endpoints of ECR is not documented; both have the same policy, for these repositories only',
  },
  {
    grants: 'AccessLogs: logs:* on \\* (AmazonAPIGatewayPushToCloudWatchLogs)',
    reason:
      'the managed policy is what API Gateway documents for its one role of an account and region, which serves all APIs there, with execution logs too',
  },
];

export function reasonOf(grant: string): Reason | undefined {
  return REASONS.find(({ grants }) => matchesGrant(grants, grant));
}

/** `\*` is a star of the grant itself. */
function matchesGrant(pattern: string, grant: string): boolean {
  const star = '\u0000';
  return like(pattern.replaceAll('\\*', star), grant.replace(/ on \*/, ` on ${star}`));
}

/** Whether every grant of a statement has a reason. */
export function isReasoned(statement: PolicyStatement): boolean {
  return grantsOf([statement]).every(({ id }) => reasonOf(id) !== undefined);
}
