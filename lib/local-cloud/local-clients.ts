import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import type { LocalCredentials } from './local-state.ts';

export interface LocalEndpoint {
  readonly endpoint: string;
  readonly region: string;
  readonly caFile: string;
}

/**
 * Settings of an SDK client for the local AWS. They are complete: nothing of the user's AWS configuration is read,
 * so that no local command can reach a real account.
 */
export function localClientSettings(local: LocalEndpoint, credentials: LocalCredentials) {
  // The SDK's remark on the Node version is nothing that a user of the CLI can act on here.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return {
    endpoint: local.endpoint,
    region: local.region,
    credentials: { ...credentials },
    maxAttempts: 3,
    requestHandler: { httpsAgent: new Agent({ ca: readFileSync(local.caFile), keepAlive: false }) },
  };
}
