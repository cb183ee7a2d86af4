import { WfloError } from '../../lib/errors.ts';
import { DEFAULT_TENANT } from '../../lib/execution/actors.ts';
import type { Actor } from '../../lib/execution/records.ts';

/** Who calls, as API Gateway's AWS_IAM authorizer proved it. */
export interface Principal {
  readonly actor: Actor;
  readonly tenant: string;
}

/** The part of an API Gateway REST proxy event that the authorizer fills. Nothing of it comes from the caller. */
export interface ProvenIdentity {
  readonly userArn?: string | null;
}

/**
 * The only source of a principal: never a header, a query or a body. A deployment has one tenant, and every IAM
 * principal that may invoke the API may use all of it.
 */
export function principalOf(identity: ProvenIdentity | undefined): Principal {
  const arn = identity?.userArn;
  if (typeof arn !== 'string' || arn === '') {
    throw new WfloError('forbidden', 'the request carries no IAM identity', {
      fix: 'sign the request with SigV4 for the service execute-api',
    });
  }
  return { actor: { type: 'principal', id: arn, via: 'api' }, tenant: DEFAULT_TENANT };
}
