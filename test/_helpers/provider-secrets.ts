import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { PROVIDERS } from '../../lib/budget/price-book.ts';

/** Puts keys and base URLs where the gateway of the local AWS reads them, so that it calls a scripted provider. */
export async function useScriptedProvider(
  /** Of somebody who may write secrets. */
  settings: SecretsManagerClientConfig,
  stage: string,
  url: string,
): Promise<void> {
  const client = new SecretsManagerClient(settings);
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
