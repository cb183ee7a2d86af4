import type { AwsCredentials } from '../aws/bedrock-signing.ts';
import { type LocalEndpoint, localClientSettings } from './local-clients.ts';
import type { LocalCredentials } from './local-state.ts';

/** What the deployed function has: its role, and where its tables are. */
export interface DeployedGateway {
  readonly roleArn: string;
  readonly variables: { readonly [name: string]: string };
}

/** Reads it of the function that is never called here. Throws an `Error` where there is none. */
export async function deployedGateway(
  local: LocalEndpoint & { readonly stage: string },
  admin: LocalCredentials,
): Promise<DeployedGateway> {
  const lambda = await import('@aws-sdk/client-lambda');
  const client = new lambda.LambdaClient(localClientSettings(local, admin));
  try {
    const found = await client.send(
      new lambda.GetFunctionConfigurationCommand({ FunctionName: `wflo-${local.stage}-serve-gateway` }),
    );
    if (found.Role === undefined) throw new Error('the deployed gateway has no role');
    return { roleArn: found.Role, variables: found.Environment?.Variables ?? {} };
  } finally {
    client.destroy();
  }
}

const SESSION_SECONDS = 3600;
/** Before they end, so that no call finds them ended. */
const RENEWED_BEFORE_MS = 5 * 60 * 1000;

/** Credentials of the gateway's own role, taken anew before they end: what the role may not do fails here as on AWS. */
export function roleCredentials(
  local: LocalEndpoint,
  admin: LocalCredentials,
  roleArn: string,
): () => Promise<AwsCredentials & { readonly expiration: Date }> {
  let current: Promise<AwsCredentials & { readonly expiration: Date }> | undefined;
  let renewAt = 0;

  async function assume(): Promise<AwsCredentials & { readonly expiration: Date }> {
    const sts = await import('@aws-sdk/client-sts');
    const client = new sts.STSClient(localClientSettings(local, admin));
    try {
      const { Credentials: found } = await client.send(
        new sts.AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: 'wflo-local-gateway',
          DurationSeconds: SESSION_SECONDS,
        }),
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found ?? {};
      if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
        throw new Error('the emulator gave no credentials of the gateway');
      }
      const expiration = Expiration ?? new Date(Date.now() + SESSION_SECONDS * 1000);
      renewAt = expiration.getTime() - RENEWED_BEFORE_MS;
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration,
      };
    } finally {
      client.destroy();
    }
  }

  return () => {
    if (current === undefined || Date.now() >= renewAt) {
      // Until it is answered, all who ask wait for this one.
      renewAt = Number.POSITIVE_INFINITY;
      current = assume().catch((error: unknown) => {
        current = undefined;
        throw error;
      });
    }
    return current;
  };
}
