import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from './call.ts';
import type { WireError } from './wire.ts';

/** Keys that are taken; of a provider without one here, any is. */
export type Keys = { readonly [P in Provider]?: string };

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[A-Z0-9]+\/\d{8}\/[a-z0-9-]+\/bedrock\/aws4_request, ?SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, ?Signature=[0-9a-f]{64}$/;

/** Undefined where the request carries a key as this provider wants it. */
export function refusalOfKey(
  provider: Provider,
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
  keys: Keys,
): WireError | undefined {
  switch (provider) {
    case 'openai': {
      const key = bearerOf(headers);
      if (key === undefined) {
        return {
          status: 401,
          message:
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        };
      }
      return fits(key, keys.openai) ? undefined : { status: 401, message: 'Incorrect API key provided.' };
    }
    case 'anthropic': {
      if (headers['anthropic-version'] === undefined) {
        return { status: 400, message: 'anthropic-version: header is required' };
      }
      // Its SDKs sent the first until version 1 (JavaScript) and 2 (Python), and send the second since.
      const key = oneOf(headers['x-api-key']) ?? bearerOf(headers);
      if (key === undefined) return { status: 401, message: 'x-api-key header is required' };
      return fits(key, keys.anthropic) ? undefined : { status: 401, message: 'invalid x-api-key' };
    }
    case 'gemini': {
      const key = oneOf(headers['x-goog-api-key']) ?? query.get('key') ?? undefined;
      if (key === undefined) {
        return {
          status: 403,
          message:
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
        };
      }
      return fits(key, keys.gemini)
        ? undefined
        : { status: 400, message: 'API key not valid. Please pass a valid API key.' };
    }
    case 'bedrock': {
      const key = bearerOf(headers);
      if (key !== undefined) {
        return fits(key, keys.bedrock) ? undefined : { status: 403, message: 'Authentication failed' };
      }
      if (headers.authorization === undefined) return { status: 403, message: 'Missing Authentication Token' };
      const signed = SIGNATURE.test(headers.authorization) && headers['x-amz-date'] !== undefined;
      return signed ? undefined : { status: 403, message: 'The request signature we calculated does not match' };
    }
  }
}

function fits(key: string, wanted: string | undefined): boolean {
  return wanted === undefined || key === wanted;
}

function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
}

function oneOf(value: string | string[] | undefined): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return first === '' ? undefined : first;
}
