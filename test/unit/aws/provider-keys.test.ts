import type { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { secretProviderKeys } from '../../../lib/aws/provider-keys.ts';
import type { Provider } from '../../../lib/budget/price-book.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';

const REQUEST = {
  method: 'POST',
  url: new URL('https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude%3A0/converse'),
  headers: { 'content-type': 'application/json' },
  body: new TextEncoder().encode('{}'),
} as const;

function keysOf(secrets: Record<string, string | Error>, loopback = false) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const client = {
    async send(command: GetSecretValueCommand) {
      const name = command.input.SecretId ?? '';
      asked.push(name);
      const value = secrets[name];
      if (value === undefined) throw Object.assign(new Error(`no ${name}`), { name: 'ResourceNotFoundException' });
      if (value instanceof Error) throw value;
      return { SecretString: value };
    },
  } as unknown as SecretsManagerClient;
  const credentials = async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' });
  const keys = secretProviderKeys({ client, stage: 'dev', clock, region: 'eu-west-1', credentials, loopback });
  return { keys, clock, asked, secrets };
}

const OPENAI = 'wflo/dev/providers/openai';

describe('keys of providers', () => {
  it.each([
    ['openai', 'https://api.openai.com', { authorization: 'Bearer k' }],
    ['anthropic', 'https://api.anthropic.com', { 'x-api-key': 'k' }],
    ['gemini', 'https://generativelanguage.googleapis.com', { 'x-goog-api-key': 'k' }],
  ] as const)('%s', async (provider, baseUrl, headers) => {
    const { keys } = keysOf({ [`wflo/dev/providers/${provider}`]: '{"apiKey":"k"}' });
    const access = await keys.get(provider);
    expect(access.baseUrl).toBe(baseUrl);
    expect(await access.authorise(REQUEST)).toEqual(headers);
  });

  it('Bedrock is called by the role, whose signature covers the request', async () => {
    const { keys } = keysOf({});
    const access = await keys.get('bedrock');
    expect(access.baseUrl).toBe('https://bedrock-runtime.eu-west-1.amazonaws.com');
    const headers = await access.authorise(REQUEST);
    expect(headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=content-type;host;/,
    );
    expect(headers['x-amz-security-token']).toBe('session');
    expect(headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('are read once for a minute, and once for all who ask at the same time', async () => {
    const { keys, clock, asked } = keysOf({ [OPENAI]: '{"apiKey":"k"}' });
    await Promise.all(Array.from({ length: 20 }, () => keys.get('openai')));
    clock.advance(59);
    await keys.get('openai');
    expect(asked).toHaveLength(1);
    clock.advance(2);
    await keys.get('openai');
    expect(asked).toHaveLength(2);
  });

  it('that were refused are read again, at most every two seconds, and only another one is an answer', async () => {
    const { keys, clock, asked, secrets } = keysOf({ [OPENAI]: '{"apiKey":"old"}' });
    const access = await keys.get('openai');
    clock.advance(10);
    expect(await keys.renewed('openai', access)).toBeUndefined();
    expect(await keys.renewed('openai', access)).toBeUndefined();
    expect(asked).toHaveLength(2);
    secrets[OPENAI] = '{"apiKey":"new"}';
    clock.advance(10);
    const [first, second] = await Promise.all([keys.renewed('openai', access), keys.renewed('openai', access)]);
    expect(await first?.authorise(REQUEST)).toEqual({ authorization: 'Bearer new' });
    expect(second).toBe(first);
    expect(asked).toHaveLength(3);
  });

  it.each<[string, Provider, string | Error | undefined, boolean]>([
    ['there is no secret', 'openai', undefined, false],
    ['it is no JSON', 'openai', 'sk-very-secret', false],
    ['it is empty', 'openai', '', false],
    ['it has no key', 'openai', '{}', false],
    ['its key has a line break', 'openai', '{"apiKey":"sk-very-secret\\nx: y"}', false],
    ['it has another field', 'openai', '{"apiKey":"sk-very-secret","baseURL":"https://x"}', false],
    ['its base URL is http', 'openai', '{"apiKey":"sk-very-secret","baseUrl":"http://example.com"}', false],
    [
      'its base URL is of this machine, on AWS',
      'openai',
      '{"apiKey":"sk-very-secret","baseUrl":"http://127.0.0.1:1"}',
      false,
    ],
    [
      'its base URL is http elsewhere, on the local AWS',
      'openai',
      '{"apiKey":"sk-very-secret","baseUrl":"http://10.0.0.1"}',
      true,
    ],
    ['its base URL has a user', 'openai', '{"apiKey":"sk-very-secret","baseUrl":"https://a:b@example.com"}', false],
    ['Bedrock has a key', 'bedrock', '{"apiKey":"sk-very-secret"}', false],
    ['Bedrock is not on the local AWS', 'bedrock', undefined, true],
    [
      'it may not be read',
      'openai',
      Object.assign(new Error('sk-very-secret'), { name: 'AccessDeniedException' }),
      false,
    ],
  ])('are not there where %s', async (_name, provider, value, loopback) => {
    const { keys } = keysOf(value === undefined ? {} : { [`wflo/dev/providers/${provider}`]: value }, loopback);
    const error = await keys.get(provider).then(
      () => undefined,
      (thrown: Error & { code?: string; fix?: string }) => thrown,
    );
    expect(error?.code).toBe('provider_not_configured');
    expect(`${error?.message} ${error?.fix}`).not.toContain('sk-very-secret');
  });

  it('go to a server of this machine on the local AWS alone', async () => {
    const { keys } = keysOf({ [OPENAI]: '{"apiKey":"k","baseUrl":"http://127.0.0.1:8080/base/"}' }, true);
    expect((await keys.get('openai')).baseUrl).toBe('http://127.0.0.1:8080/base');
  });
});
