import { PROVIDERS } from '../../sandbox/model-providers.ts';
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
  return ownAddress(task.environment.WFLO_API ?? '', 'WFLO_API of the task');
}

/** Base URL of the model gateway. Throws an `Error` where it is not one of this machine. */
export function modelsOf(modelsUrl: string): URL {
  return ownAddress(modelsUrl, 'the URL of the model gateway');
}

function ownAddress(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['localhost', '127.0.0.1'].includes(url.hostname) || url.port === '')
    throw new Error(`${what} is not an address of this machine`);
  return url;
}

export function relayPolicy(api: URL, isObject: RelayPolicy['isObject'] = isPresigned): RelayPolicy {
  return { apiPath: api.pathname.replace(/\/+$/, ''), isObject };
}

/** Of one request, by its line alone. */
export function admits(policy: RelayPolicy, method: string, target: string): boolean {
  if (!isPlain(target) || /%2f/i.test(pathOf(target))) return false;
  if (method === 'POST') return VERBS.some((verb) => target === `${policy.apiPath}/v1/${verb}`);
  if (method !== 'GET' && method !== 'PUT') return false;
  return policy.isObject(new URL(target, 'http://localhost'));
}

/**
 * Of one request to the model gateway, by its line alone: `modelsPath` is that of its base URL. An encoded slash is part
 * of a name, as in the ARN of a model.
 */
export function admitsModelCall(modelsPath: string, method: string, target: string): boolean {
  if (method !== 'GET' && method !== 'POST') return false;
  const decoded = pathOf(target).replaceAll(/%2f/gi, '/');
  if (!isPlain(target) || !isPlain(decoded) || /\/\/|%25/.test(decoded)) return false;
  return PROVIDERS.some((provider) => {
    const below = `${modelsPath}/${provider}/`;
    return target.startsWith(below) && pathOf(target).length > below.length;
  });
}

/** Only a path as it is meant: a segment that a server resolves could lead elsewhere. */
function isPlain(target: string): boolean {
  if (!target.startsWith('/') || target.startsWith('//') || /[\\\s]/.test(target)) return false;
  return !/(^|\/)(\.|%2e){1,2}(\/|$)|%5c/i.test(pathOf(target));
}

function pathOf(target: string): string {
  return target.split('?')[0] ?? '';
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
