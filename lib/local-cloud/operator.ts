import type { IAMClient } from '@aws-sdk/client-iam';
import { type LocalEndpoint, localClientSettings } from './local-clients.ts';
import type { LocalCredentials } from './local-state.ts';

/** Whoever commands with `--local` run as, unless they say as whom. */
export const OPERATOR_USER = 'wflo-local-operator';
const POLICY = 'wflo';

export interface OperatorScope {
  readonly region: string;
  readonly account: string;
  readonly stage: string;
  readonly controlApiUrl: string;
}

/**
 * What a person needs in order to use Wflo, and nothing more: the control API, and the parameters that lead to it.
 * Commands with `--local` run with these credentials, so that a grant that is missing here is missed on AWS as well.
 */
export function operatorPolicy(scope: OperatorScope): object {
  const { region, account, stage } = scope;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 'execute-api:Invoke',
        Resource: `arn:aws:execute-api:${region}:${account}:${apiIdOf(scope.controlApiUrl)}/*`,
      },
      {
        Effect: 'Allow',
        Action: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
        Resource: [
          `arn:aws:ssm:${region}:${account}:parameter/wflo/${stage}`,
          `arn:aws:ssm:${region}:${account}:parameter/wflo/${stage}/*`,
        ],
      },
    ],
  };
}

/** The API id of `https://<host>/_aws/execute-api/<apiId>/<stage>`, the form of a local API's URL. */
export function apiIdOf(controlApiUrl: string): string {
  const id = /\/_aws\/execute-api\/([A-Za-z0-9]+)(?:\/|$)/.exec(controlApiUrl)?.[1];
  if (id === undefined) throw new Error(`not the URL of a local API: ${controlApiUrl}`);
  return id;
}

/** Makes the user where it is missing, sets its policy, and keeps the access key where it is still valid. */
export async function ensureUser(
  local: LocalEndpoint,
  admin: LocalCredentials,
  scope: OperatorScope,
  { name: UserName, known }: { readonly name: string; readonly known: LocalCredentials | undefined },
): Promise<LocalCredentials> {
  const iam = await import('@aws-sdk/client-iam');
  const client = new iam.IAMClient(localClientSettings(local, admin));
  try {
    await client.send(new iam.CreateUserCommand({ UserName })).catch((error: Error) => {
      if (error.name !== 'EntityAlreadyExistsException' && error.name !== 'EntityAlreadyExists') throw error;
    });
    await client.send(
      new iam.PutUserPolicyCommand({
        UserName,
        PolicyName: POLICY,
        PolicyDocument: JSON.stringify(operatorPolicy(scope)),
      }),
    );
    const keys = await accessKeyIds(client, UserName);
    if (known !== undefined && keys.includes(known.accessKeyId)) return known;
    // A user has two keys at most, and the secrets of these are lost.
    for (const AccessKeyId of keys) await client.send(new iam.DeleteAccessKeyCommand({ UserName, AccessKeyId }));
    const { AccessKey } = await client.send(new iam.CreateAccessKeyCommand({ UserName }));
    if (AccessKey?.AccessKeyId === undefined || AccessKey.SecretAccessKey === undefined)
      throw new Error('the emulator made no access key');
    return { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
  } finally {
    client.destroy();
  }
}

async function accessKeyIds(client: IAMClient, UserName: string): Promise<readonly string[]> {
  const { ListAccessKeysCommand } = await import('@aws-sdk/client-iam');
  const answer = await client.send(new ListAccessKeysCommand({ UserName }));
  return (answer.AccessKeyMetadata ?? []).flatMap(({ AccessKeyId }) =>
    AccessKeyId === undefined ? [] : [AccessKeyId],
  );
}
