import { timingSafeEqual } from 'node:crypto';
import { PROVIDERS, type Provider } from '../../../lib/sandbox/model-providers.ts';

export interface ModelTarget {
  readonly provider: Provider;
  /** Path and query below the gateway's base URL, percent-encoding as it came: `/openai/v1/chat/completions`. */
  readonly path: string;
}

/**
 * Where a request of the agent leads; undefined: nowhere. Only a path as it is meant: what a server on the way could
 * resolve, decode or read differently is none, so that nothing but model calls can be reached. `secret`: the first
 * segment, known to the agent alone.
 */
export function modelTarget(target: string, secret: string): ModelTarget | undefined {
  if (!/^\/[!-~]*$/.test(target) || /[\\#]/.test(target)) return undefined;
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  const [, shown = '', name = '', ...rest] = path.split('/');
  const provider = PROVIDERS.find((one) => one === name);
  if (!isEqual(shown, secret) || provider === undefined || rest.length === 0 || !rest.every(isPlain)) return undefined;
  return { provider, path: `/${provider}/${rest.join('/')}${query}` };
}

/** A name of a model may hold an encoded `/` or `:`, but no segment may become another path once it is decoded. */
function isPlain(segment: string): boolean {
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch {
    return false;
  }
  // Decoded once more it would be something else again.
  if (/[%\\\p{Cc}]/u.test(decoded)) return false;
  return decoded.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
