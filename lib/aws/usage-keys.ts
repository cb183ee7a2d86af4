import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { WfloError } from '../errors.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { ReportingProvider } from '../model-calls/usage-report/report.ts';
import type { UsageReportAccess } from '../model-calls/usage-report/usage-records.ts';
import { BASE_URLS, baseUrlOf, KEY, secretText } from './provider-keys.ts';

export interface UsageKeysOptions {
  readonly client: SecretsManagerClient;
  readonly stage: string;
  /** The local target: a base URL may be one of this machine. */
  readonly loopback: boolean;
}

/** `wflo/<stage>/usage/<provider>`: `{ "adminKey": "…", "projectId"?: "…", "baseUrl"?: "https://…" }`; for Anthropic `workspaceId`. */
export function usageSecretName(stage: string, provider: ReportingProvider): string {
  return `wflo/${stage}/usage/${provider}`;
}

/**
 * No id of a key: keys are rotated, and a report of the new one alone would tell of too little. A project stays.
 */
const SCOPES: { readonly [P in ReportingProvider]: string } = { openai: 'projectId', anthropic: 'workspaceId' };

/** Of ids that providers make, such as `proj_abc`. */
const SCOPE = /^[\w-]{1,200}$/;

/**
 * The admin keys by which usage reports are read, in Secrets Manager. Undefined where there is no secret. Throws
 * `provider_not_configured`, which never quotes the secret.
 */
export function secretUsageKeys(
  options: UsageKeysOptions,
): (provider: ReportingProvider) => Promise<UsageReportAccess | undefined> {
  return async (provider) => {
    const name = usageSecretName(options.stage, provider);
    let text: string | undefined;
    try {
      text = await secretText(options.client, name);
    } catch (error) {
      // The name of AWS's error says why; its message may say more.
      throw wrong(name, SCOPES[provider], `could not be read (${error instanceof Error ? error.name : 'unknown'})`);
    }
    return text === undefined ? undefined : accessOf(provider, text, name, options.loopback);
  };
}

function accessOf(provider: ReportingProvider, text: string, name: string, loopback: boolean): UsageReportAccess {
  const scopeName = SCOPES[provider];
  const value = parsed(text);
  if (!isJsonObject(value)) throw wrong(name, scopeName, 'is not a JSON object');
  const allowed = ['adminKey', 'baseUrl', scopeName];
  if (Object.keys(value).some((key) => !allowed.includes(key))) {
    throw wrong(name, scopeName, 'has fields that it may not have');
  }
  const { adminKey, baseUrl = BASE_URLS[provider], [scopeName]: scope } = value;
  if (typeof adminKey !== 'string' || !KEY.test(adminKey))
    throw wrong(name, scopeName, 'has no adminKey that is a key');
  if (scope !== undefined && (typeof scope !== 'string' || !SCOPE.test(scope))) {
    throw wrong(name, scopeName, `has a ${scopeName} that is no id`);
  }
  const url = baseUrlOf(baseUrl, loopback);
  if (url === undefined) throw wrong(name, scopeName, 'has a baseUrl that is not an https URL without query');
  return { baseUrl: url, adminKey, ...(scope === undefined ? {} : { scope }) };
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function wrong(name: string, scope: string, what: string): WfloError {
  return new WfloError('provider_not_configured', `the secret ${name} ${what}`, {
    fix: `store {"adminKey":"…","${scope}":"…"} in Secrets Manager under ${name}, or delete it`,
  });
}
