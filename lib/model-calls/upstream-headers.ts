import type { CallRequest } from './wire-format.ts';

/** What an SDK says about itself; it changes neither price nor answer. */
const FORWARDED = ['accept', 'user-agent'] as const;

/**
 * The headers that go to a provider: this allow-list, and what the format itself sets. Never credentials, which the
 * gateway adds, and no compression: the meter reads plain bytes.
 */
export function upstreamHeaders(
  request: CallRequest,
  extra: { readonly [name: string]: string } = {},
): { [name: string]: string } {
  const headers: { [name: string]: string } = {
    'content-type': 'application/json',
    'accept-encoding': 'identity',
  };
  for (const name of FORWARDED) {
    const value = request.headers.get(name);
    if (value !== undefined) headers[name] = value;
  }
  return { ...headers, ...extra };
}
