import { bedrockSigner } from '../../lib/aws/bedrock-signing.ts';
import type { ProviderKeys } from '../../lib/model-calls/provider-access.ts';

/** Made up, for the scripted provider alone. */
export const TEST_CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };
export const TEST_REGION = 'us-east-1';

/** All providers at one address, each with a key as it wants one; Bedrock's calls are signed. */
export function providerKeysAt(baseUrl: string): ProviderKeys {
  const sign = bedrockSigner({ region: TEST_REGION, credentials: async () => TEST_CREDENTIALS });
  const headers = {
    openai: { authorization: 'Bearer key-openai' },
    anthropic: { 'x-api-key': 'key-anthropic' },
    gemini: { 'x-goog-api-key': 'key-gemini' },
  };
  return {
    get: async (provider) => ({
      baseUrl,
      authorise: provider === 'bedrock' ? sign : async () => headers[provider],
    }),
    renewed: async () => undefined,
  };
}
