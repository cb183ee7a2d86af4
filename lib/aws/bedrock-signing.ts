import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { UnsignedRequest } from '../model-calls/provider-access.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What proves to Bedrock who calls: the gateway's own role. The service name in the signature is `bedrock`. */
export function bedrockSigner(settings: {
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
}): (request: UnsignedRequest) => Promise<Record<string, string>> {
  const { region, credentials } = settings;
  const signer = new SignatureV4({
    service: 'bedrock',
    region,
    // Read for each call: those of a role are renewed before they end.
    credentials: async () => ({ ...(await credentials()) }),
    sha256: Sha256,
  });
  return async ({ method, url, headers, body }) => {
    const signed = await signer.sign(
      new HttpRequest({
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        ...(url.port === '' ? {} : { port: Number(url.port) }),
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: { ...headers, host: url.host },
        body,
      }),
    );
    return Object.fromEntries(Object.entries(signed.headers).filter(([name]) => !(name in headers)));
  };
}
