import { WfloError } from '../../lib/errors.ts';
import type { Actor } from '../../lib/execution/records.ts';
import { type Caller, identityOf, namesItsSessions, provenCaller } from '../../lib/people/identity.ts';
import type { PeopleStore } from '../../lib/people/people-store.ts';
import type { PersonRecord } from '../../lib/people/records.ts';

/** The part of an API Gateway REST proxy event that the authorizer fills. Nothing of it comes from the caller. */
export interface ProvenIdentity {
  readonly userArn?: string | null;
}

/** Who calls, as API Gateway's AWS_IAM authorizer proved it. */
export interface ProvenCaller {
  readonly caller: Caller;
  /** The ARN itself. */
  readonly arn: string;
  /** By which people are found. */
  readonly identity: string;
}

/** Who that is among people. */
export interface Principal {
  readonly person: PersonRecord;
  readonly tenant: string;
  readonly actor: Actor;
}

/** The only source of a caller: never a header, a query or a body. Throws `forbidden`. */
export async function callerFrom(
  identity: ProvenIdentity | undefined,
  people: Pick<PeopleStore, 'isAttested'>,
): Promise<ProvenCaller> {
  const arn = identity?.userArn;
  if (typeof arn !== 'string' || arn === '') {
    throw new WfloError('forbidden', 'the request carries no IAM identity', {
      fix: 'sign the request with SigV4 for the service execute-api',
    });
  }
  const caller = provenCaller(arn);
  const ask = caller.kind === 'session' && !namesItsSessions(caller.roleArn, false);
  return { caller, arn, identity: identityOf(caller, ask && (await people.isAttested(caller.roleArn))) };
}

/** The person that a caller is linked to. Throws `unknown_person`, and `forbidden` for who was removed. */
export async function principalOf(
  { identity }: ProvenCaller,
  people: Pick<PeopleStore, 'findByIdentity'>,
): Promise<Principal> {
  const person = await people.findByIdentity(identity);
  if (person === undefined) {
    throw new WfloError('unknown_person', `${identity} is linked to no person`, {
      fix: `ask an administrator for \`wflo people link <you> ${identity}\`; in a new deployment, run \`wflo people bootstrap\``,
      details: { arn: identity },
    });
  }
  if (!person.active) throw new WfloError('forbidden', `${person.personId} was removed`);
  return { person, tenant: person.tenant, actor: { type: 'person', id: person.personId, via: 'api' } };
}
