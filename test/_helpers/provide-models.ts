import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Provider } from '../../lib/budget/price-book.ts';
import { localAws } from './local-aws.ts';

/** Lets the gateway of the local AWS call these instead of the real providers, as an administrator would. */
export async function provideModels(baseUrls: { readonly [P in Provider]?: string }): Promise<void> {
  const { endpoint, region, credentials, stage } = await localAws();
  const client = new SecretsManagerClient({ endpoint, region, credentials });
  try {
    for (const [provider, baseUrl] of Object.entries(baseUrls)) {
      const Name = `wflo/${stage}/providers/${provider}`;
      const SecretString = JSON.stringify({ apiKey: 'scripted-key', baseUrl });
      await client.send(new CreateSecretCommand({ Name, SecretString })).catch(async (error: Error) => {
        if (error.name !== 'ResourceExistsException') throw error;
        await client.send(new PutSecretValueCommand({ SecretId: Name, SecretString }));
      });
    }
  } finally {
    client.destroy();
  }
}
