import type { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { secretUsageKeys } from '../../../lib/aws/usage-keys.ts';
import type { ReportingProvider } from '../../../lib/model-calls/usage-report/report.ts';

function keysOf(secrets: Record<string, string | Error>, loopback = false) {
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
  return { keys: secretUsageKeys({ client, stage: 'dev', loopback }), asked };
}

describe('admin keys of usage reports', () => {
  it.each<[ReportingProvider, object, object]>([
    ['openai', {}, { baseUrl: 'https://api.openai.com' }],
    ['openai', { projectId: 'proj_abc' }, { baseUrl: 'https://api.openai.com', scope: 'proj_abc' }],
    ['anthropic', { workspaceId: 'wrkspc_01' }, { baseUrl: 'https://api.anthropic.com', scope: 'wrkspc_01' }],
    ['anthropic', { baseUrl: 'https://proxy.example/a/' }, { baseUrl: 'https://proxy.example/a' }],
  ])('%s %j', async (provider, secret, expected) => {
    const { keys, asked } = keysOf({ [`wflo/dev/usage/${provider}`]: JSON.stringify({ adminKey: 'sk-a', ...secret }) });
    expect(await keys(provider)).toEqual({ adminKey: 'sk-a', ...expected });
    expect(asked).toEqual([`wflo/dev/usage/${provider}`]);
  });

  it('are not there where nobody stored one', async () => {
    expect(await keysOf({}).keys('openai')).toBeUndefined();
  });

  it('may be used on this machine by the local AWS alone', async () => {
    const secrets = { 'wflo/dev/usage/openai': '{"adminKey":"k","baseUrl":"http://127.0.0.1:9000"}' };
    expect(await keysOf(secrets, true).keys('openai')).toMatchObject({ baseUrl: 'http://127.0.0.1:9000' });
    await expect(keysOf(secrets).keys('openai')).rejects.toMatchObject({ code: 'provider_not_configured' });
  });

  it.each<[string, ReportingProvider, string | Error]>([
    ['it is no JSON', 'openai', 'sk-very-secret'],
    ['it is no object', 'openai', '"sk-very-secret"'],
    ['it is empty', 'openai', ''],
    ['it has no key', 'openai', '{"projectId":"proj_1"}'],
    ['its key has a line break', 'openai', '{"adminKey":"sk-very-secret\\nx: y"}'],
    ['it names a key of calls', 'openai', '{"apiKey":"sk-very-secret"}'],
    ['it names the id of a key, which is rotated', 'openai', '{"adminKey":"sk-very-secret","apiKeyId":"key_1"}'],
    ['its project is no id', 'openai', '{"adminKey":"sk-very-secret","projectId":"a&b=c"}'],
    ['it has the workspace of another provider', 'openai', '{"adminKey":"sk-very-secret","workspaceId":"w"}'],
    ['it has the project of another provider', 'anthropic', '{"adminKey":"sk-very-secret","projectId":"p"}'],
    ['its base URL is http', 'anthropic', '{"adminKey":"sk-very-secret","baseUrl":"http://example.com"}'],
    ['its base URL is none', 'anthropic', '{"adminKey":"sk-very-secret","baseUrl":7}'],
    ['it cannot be read', 'openai', Object.assign(new Error('sk-very-secret'), { name: 'AccessDeniedException' })],
  ])('cannot be used where %s, and nothing of the secret is said', async (_name, provider, secret) => {
    const error = await keysOf({ [`wflo/dev/usage/${provider}`]: secret })
      .keys(provider)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'provider_not_configured' });
    expect((error as Error).message).toContain(`wflo/dev/usage/${provider}`);
    expect(JSON.stringify([(error as Error).message, error])).not.toContain('very-secret');
  });
});
