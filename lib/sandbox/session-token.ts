/** Which lease a session token is for. */
export interface LeaseAddress {
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
}

/**
 * `<base64url of JSON [executionId, path, attempt]>.<secret>`: the first part finds the lease, the second proves the
 * right. Only the hash of the whole token is stored.
 */
export function formatSessionToken(address: LeaseAddress, secret: string): string {
  const { executionId, path, attempt } = address;
  return `${Buffer.from(JSON.stringify([executionId, path, attempt])).toString('base64url')}.${secret}`;
}

/** Undefined for anything that is not such a token; says nothing about whether the token is valid. */
export function parseSessionToken(token: string): LeaseAddress | undefined {
  const [, address] = /^([A-Za-z0-9_-]{1,1024})\.[A-Za-z0-9_-]{20,128}$/.exec(token) ?? [];
  if (address === undefined) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(address, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 3) return undefined;
  const [executionId, path, attempt]: unknown[] = parts;
  if (typeof executionId !== 'string' || typeof path !== 'string' || typeof attempt !== 'number') return undefined;
  if (executionId === '' || path === '' || !Number.isInteger(attempt) || attempt < 1) return undefined;
  return { executionId, path, attempt };
}
