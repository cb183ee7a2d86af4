import type { SandboxTask } from './sandbox-driver.ts';

/** What a sandbox may ask of the local AWS. Everything else is refused. */
export interface RelayPolicy {
  /** Path of the sandbox API, without a slash at its end. */
  readonly apiPath: string;
  /** True for an object that the sandbox may read or write. */
  readonly isObject: (url: URL) => boolean;
}

const VERBS = ['claim', 'heartbeat', 'events', 'urls', 'complete'];

/** Base URL of the sandbox API of a task. Throws an `Error` where it is not one of this machine. */
export function apiOf(task: SandboxTask): URL {
  const text = task.environment.WFLO_API ?? '';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['localhost', '127.0.0.1'].includes(url.hostname) || url.port === '')
    throw new Error('WFLO_API of the task is not an address of this machine');
  return url;
}

export function relayPolicy(api: URL, isObject: RelayPolicy['isObject'] = isPresigned): RelayPolicy {
  return { apiPath: api.pathname.replace(/\/+$/, ''), isObject };
}

/** Of one request, by its line alone. */
export function admits(policy: RelayPolicy, method: string, target: string): boolean {
  // Only a path as it is meant: a segment that a server resolves could lead elsewhere.
  if (!target.startsWith('/') || target.startsWith('//') || /[\\\s]/.test(target)) return false;
  const [path = ''] = target.split('?');
  if (/(^|\/)(\.|%2e){1,2}(\/|$)|%2f|%5c/i.test(path)) return false;
  if (method === 'POST') return VERBS.some((verb) => target === `${policy.apiPath}/v1/${verb}`);
  if (method !== 'GET' && method !== 'PUT') return false;
  return policy.isObject(new URL(target, 'http://localhost'));
}

/** An object of the artefact bucket, with a signature, and no query that asks for something else than the object. */
export function isPresigned(url: URL): boolean {
  const [, bucket = '', ...key] = url.pathname.split('/');
  const names = [...url.searchParams.keys()];
  return (
    bucket.includes('artefacts') &&
    key.join('/') !== '' &&
    url.searchParams.has('X-Amz-Signature') &&
    names.every((name) => /^x-amz-/i.test(name) || name === 'x-id' || name === 'versionId')
  );
}
