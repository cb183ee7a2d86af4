import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { LocalAws } from './local-aws.ts';

const PROVIDERS = ['openai', 'anthropic', 'gemini', 'bedrock'] as const;

/** Puts keys and base URLs where the gateway of the local AWS reads them, so that it calls a scripted provider. */
export async function useScriptedProvider(local: LocalAws, url: string): Promise<void> {
  for (const provider of PROVIDERS) {
    const Name = `wflo/${local.stage}/providers/${provider}`;
    const access = provider === 'bedrock' ? { baseUrl: url } : { apiKey: `k-${provider}`, baseUrl: url };
    const SecretString = JSON.stringify(access);
    const made = await callSecretsManager(local, 'CreateSecret', { Name, SecretString });
    if (made.ok) continue;
    const put = await callSecretsManager(local, 'PutSecretValue', { SecretId: Name, SecretString });
    if (!put.ok) throw new Error(`the secret ${Name} could not be written: ${await put.text()}`);
  }
}

async function callSecretsManager(local: LocalAws, action: string, input: object): Promise<Response> {
  const { hostname, port, protocol } = new URL(local.endpoint);
  const signer = new SignatureV4({
    service: 'secretsmanager',
    region: local.region,
    credentials: local.credentials,
    sha256: Sha256,
  });
  const body = JSON.stringify(input);
  const request = await signer.sign(
    new HttpRequest({
      method: 'POST',
      protocol,
      hostname,
      port: Number(port),
      path: '/',
      headers: {
        host: `${hostname}:${port}`,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `secretsmanager.${action}`,
      },
      body,
    }),
  );
  return fetch(local.endpoint, { method: 'POST', headers: request.headers, body });
}
