import { WfloError } from '../errors.ts';

/** What an ARN stands for. Role ARNs are without their path, which the ARN of a session does not have either. */
export type Caller =
  | { readonly kind: 'user'; readonly arn: string }
  | { readonly kind: 'role'; readonly roleArn: string }
  | {
      readonly kind: 'session';
      readonly roleArn: string;
      /** Of the session. */
      readonly arn: string;
    };

const NAME = String.raw`[\w+=,.@-]`;
const PARTITION = 'aws(?:-[a-z]+)*';
const USER = new RegExp(String.raw`^arn:${PARTITION}:iam::\d{12}:user/(?:[!-.0-~]+/)*${NAME}{1,64}$`);
const ROLE = new RegExp(String.raw`^arn:(${PARTITION}):iam::(\d{12}):role/(?:[!-.0-~]+/)*(${NAME}{1,64})$`);
const SESSION = new RegExp(String.raw`^arn:(${PARTITION}):sts::(\d{12}):assumed-role/(${NAME}{1,64})/${NAME}{2,64}$`);
/** Longest user or role ARN: paths have 512 characters at most. */
const LONGEST_ARN = 1024;

/** As IAM Identity Center names the roles of its permission sets. */
const IDENTITY_CENTER_ROLE = /:role\/AWSReservedSSO_[\w+=,.@-]+_[0-9a-f]{16}$/;

/**
 * The user, role or session of an ARN. Undefined for what is no person: the root user, whose password is whoever's, and
 * federated users, whose name their caller chose while their ARN does not tell who that was.
 */
export function callerOf(arn: string): Caller | undefined {
  if (arn.length > LONGEST_ARN) return undefined;
  if (USER.test(arn)) return { kind: 'user', arn };
  const [, rolePartition, roleAccount, roleName] = ROLE.exec(arn) ?? [];
  if (roleName !== undefined) return { kind: 'role', roleArn: roleArnOf(rolePartition, roleAccount, roleName) };
  const [, partition, account, name] = SESSION.exec(arn) ?? [];
  if (name !== undefined) return { kind: 'session', roleArn: roleArnOf(partition, account, name), arn };
  return undefined;
}

function roleArnOf(partition: string | undefined, account: string | undefined, name: string): string {
  return `arn:${partition}:iam::${account}:role/${name}`;
}

/**
 * Whether the sessions of a role are named by somebody other than their caller: by IAM Identity Center, which alone
 * may change its roles, or by a trust policy that an administrator attests.
 */
export function namesItsSessions(roleArn: string, attested: boolean): boolean {
  return attested || IDENTITY_CENTER_ROLE.test(roleArn);
}

/**
 * The text by which a caller is found among people. A caller chooses the name of its own session, so that all sessions
 * of a role that does not enforce names are one and the same.
 */
export function identityOf(caller: Caller, attested: boolean): string {
  if (caller.kind === 'user') return caller.arn;
  return caller.kind === 'session' && namesItsSessions(caller.roleArn, attested) ? caller.arn : caller.roleArn;
}

/** Throws `forbidden` for a proven ARN that is nobody's. */
export function provenCaller(arn: string): Caller {
  const caller = callerOf(arn);
  if (caller !== undefined && caller.kind !== 'role') return caller;
  throw new WfloError('forbidden', `${arn} cannot be a person`, {
    fix: 'sign the request as an IAM user or in a session of a role; root and federated users are nobody',
  });
}

/** What is linked for an ARN that an administrator names. Throws `invalid_request` for what would never be found. */
export function identityToLink(arn: string, attested: boolean): string {
  const caller = callerOf(arn);
  if (caller === undefined) {
    throw new WfloError('invalid_request', `"${arn}" is not the ARN of an IAM user, a role or a session`, {
      fix: 'write it as `aws sts get-caller-identity` prints it, such as arn:aws:iam::123456789012:user/ada',
    });
  }
  if (caller.kind === 'user') return caller.arn;
  const named = namesItsSessions(caller.roleArn, attested);
  if (caller.kind === 'session' && !named) {
    throw new WfloError('invalid_request', `whoever assumes ${caller.roleArn} chooses the name of the session`, {
      fix: `link ${caller.roleArn}, which makes all its sessions this person, or attest that its trust policy enforces session names`,
    });
  }
  if (caller.kind === 'role' && named) {
    throw new WfloError('invalid_request', `the sessions of ${caller.roleArn} are a person each`, {
      fix: `link sessions of it: ${caller.roleArn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/<session name>`,
    });
  }
  return identityOf(caller, attested);
}
