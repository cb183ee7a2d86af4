import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Provider } from '../budget/price-book.ts';
import { WfloError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { ProviderAccess, ProviderKeys } from '../model-calls/provider-access.ts';
import type { Clock } from '../ports.ts';
import { type AwsCredentials, bedrockSigner } from './bedrock-signing.ts';

/** How long what was read counts, so that a rotated key needs no deployment. */
const REMEMBERED_SECONDS = 60;
/** The same for what could not be read: it may be put there at any moment. */
const MISSING_SECONDS = 10;
/** After a provider refused a key, it is read again at most this often. */
const AGAIN_SECONDS = 2;

/** Longer than any provider's key, and short enough for a header. */
export const KEY = /^[\x21-\x7e]{1,4096}$/;

export interface SecretProviderKeysOptions {
  readonly client: SecretsManagerClient;
  readonly stage: string;
  readonly clock: Clock;
  /** Where Bedrock is called. */
  readonly region: string;
  /** The gateway's own role. */
  readonly credentials: () => Promise<AwsCredentials>;
  /** The local target: a base URL may be one of this machine, and Bedrock is called at no other. */
  readonly loopback: boolean;
}

/** `wflo/<stage>/providers/<provider>`: `{ "apiKey": "…", "baseUrl"?: "https://…" }`; for Bedrock the base URL alone, and optional. */
export function providerSecretName(stage: string, provider: Provider): string {
  return `wflo/${stage}/providers/${provider}`;
}

interface Read {
  readonly at: number;
  /** As it is stored; undefined where there is none. */
  readonly text: string | undefined;
  readonly result: { readonly access: ProviderAccess } | { readonly error: WfloError };
}

/** The keys of providers in Secrets Manager. Each is read once for all calls that want it at the same time. */
export function secretProviderKeys(options: SecretProviderKeysOptions): ProviderKeys {
  const { clock, client, stage } = options;
  const remembered = new Map<Provider, Read>();
  const reading = new Map<Provider, Promise<Read>>();

  function read(provider: Provider): Promise<Read> {
    const running = reading.get(provider);
    if (running !== undefined) return running;
    const begun = readOnce(provider).finally(() => reading.delete(provider));
    reading.set(provider, begun);
    return begun;
  }

  async function readOnce(provider: Provider): Promise<Read> {
    const SecretId = providerSecretName(stage, provider);
    let text: string | undefined;
    let result: Read['result'];
    try {
      text = await secretText(client, SecretId);
      const known = remembered.get(provider);
      // The same secret is the same right: whoever was refused with it has no other one now.
      result =
        known !== undefined && known.text === text && 'access' in known.result
          ? known.result
          : { access: accessOf(provider, text, SecretId, options) };
    } catch (error) {
      result = { error: WfloError.is(error) ? error : unreadable(SecretId, error) };
    }
    const found = { at: clock.now().getTime(), text, result };
    remembered.set(provider, found);
    return found;
  }

  return {
    async get(provider) {
      const known = remembered.get(provider);
      const seconds = known !== undefined && 'access' in known.result ? REMEMBERED_SECONDS : MISSING_SECONDS;
      const fresh = known !== undefined && clock.now().getTime() < known.at + seconds * 1000;
      const { result } = fresh ? known : await read(provider);
      if ('error' in result) throw result.error;
      return result.access;
    },

    async renewed(provider, refused) {
      const known = remembered.get(provider);
      const isOther = (each: Read | undefined): ProviderAccess | undefined =>
        each !== undefined && 'access' in each.result && each.result.access !== refused
          ? each.result.access
          : undefined;
      // Another call has read it meanwhile.
      const meanwhile = isOther(known);
      if (meanwhile !== undefined) return meanwhile;
      if (known !== undefined && clock.now().getTime() < known.at + AGAIN_SECONDS * 1000) return undefined;
      return isOther(await read(provider));
    },
  };
}

/** Undefined where there is no such secret. */
export async function secretText(client: SecretsManagerClient, SecretId: string): Promise<string | undefined> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId }));
    return SecretString ?? '';
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

export const BASE_URLS: Readonly<Record<Exclude<Provider, 'bedrock'>, string>> = {
  openai: 'https://api.openai.com',
  anthropic: 'https://api.anthropic.com',
  gemini: 'https://generativelanguage.googleapis.com',
};

/** Throws `provider_not_configured`, which never quotes the secret. */
function accessOf(
  provider: Provider,
  text: string | undefined,
  name: string,
  options: SecretProviderKeysOptions,
): ProviderAccess {
  if (provider === 'bedrock') {
    const { apiKey, baseUrl } = text === undefined ? {} : parsed(text, name, options.loopback);
    if (apiKey !== undefined) {
      throw notConfigured(`the secret ${name} has an apiKey, and Bedrock is called by the role of the gateway`, name);
    }
    if (baseUrl === undefined && options.loopback) {
      throw notConfigured(`the local AWS has no Bedrock, and the secret ${name} names no other`, name);
    }
    return {
      baseUrl: baseUrl ?? `https://bedrock-runtime.${options.region}.amazonaws.com`,
      authorise: bedrockSigner(options),
    };
  }
  if (text === undefined) throw notConfigured(`there is no secret ${name}`, name);
  const { apiKey, baseUrl = BASE_URLS[provider] } = parsed(text, name, options.loopback);
  if (apiKey === undefined) throw notConfigured(`the secret ${name} has no apiKey`, name);
  const headers = keyHeaders(provider, apiKey);
  return { baseUrl, authorise: async () => headers };
}

function keyHeaders(provider: Exclude<Provider, 'bedrock'>, apiKey: string): Readonly<Record<string, string>> {
  switch (provider) {
    case 'openai':
      return { authorization: `Bearer ${apiKey}` };
    case 'anthropic':
      return { 'x-api-key': apiKey };
    case 'gemini':
      return { 'x-goog-api-key': apiKey };
  }
}

function parsed(
  text: string,
  name: string,
  loopback: boolean,
): { readonly apiKey?: string; readonly baseUrl?: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isJsonObject(value)) throw notConfigured(`the secret ${name} is not a JSON object`, name);
  const unknown = Object.keys(value).filter((key) => key !== 'apiKey' && key !== 'baseUrl');
  if (unknown.length > 0) throw notConfigured(`the secret ${name} has fields that it may not have`, name);
  const { apiKey, baseUrl } = value;
  if (apiKey !== undefined && (typeof apiKey !== 'string' || !KEY.test(apiKey))) {
    throw notConfigured(`the apiKey of the secret ${name} is not a key`, name);
  }
  const url = baseUrl === undefined ? undefined : baseUrlOf(baseUrl, loopback);
  if (baseUrl !== undefined && url === undefined) {
    throw notConfigured(`the baseUrl of the secret ${name} is not an https URL without query`, name);
  }
  return { ...(apiKey === undefined ? {} : { apiKey }), ...(url === undefined ? {} : { baseUrl: url }) };
}

/** Undefined for what a key must not be sent to. */
export function baseUrlOf(value: unknown, loopback: boolean): string | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return undefined;
  }
  const here = url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(here && loopback)) return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function notConfigured(message: string, name: string): WfloError {
  return new WfloError('provider_not_configured', message, {
    fix: `store {"apiKey":"…"} in Secrets Manager under ${name}; it counts within a minute, without a deployment`,
  });
}

/** The name of AWS's error says why; its message may say more than an agent should know. */
function unreadable(name: string, error: unknown): WfloError {
  const why = error instanceof Error ? error.name : 'unknown';
  return new WfloError('provider_not_configured', `the secret ${name} could not be read (${why})`, {
    fix: 'see the log of the gateway, and the policies of the secret and of its key',
    cause: error,
  });
}
