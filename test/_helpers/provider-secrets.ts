import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PROVIDERS } from '../../lib/budget/price-book.ts';

interface Account {
  readonly endpoint: string;
  readonly region: string;
  readonly stage: string;
  /** Of somebody who may write secrets. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Puts keys and base URLs where the gateway of the local AWS reads them, so that it calls a scripted provider. */
export async function useScriptedProvider(account: Account, url: string): Promise<void> {
  const { endpoint, region, credentials, stage } = account;
  const client = new SecretsManagerClient({ endpoint, region, credentials });
  try {
    for (const provider of PROVIDERS) {
      const Name = `wflo/${stage}/providers/${provider}`;
      const access = provider === 'bedrock' ? { baseUrl: url } : { apiKey: `k-${provider}`, baseUrl: url };
      const SecretString = JSON.stringify(access);
      await client.send(new CreateSecretCommand({ Name, SecretString })).catch(async (error: Error) => {
        if (error.name !== 'ResourceExistsException') throw error;
        await client.send(new PutSecretValueCommand({ SecretId: Name, SecretString }));
      });
    }
  } finally {
    client.destroy();
  }
}
