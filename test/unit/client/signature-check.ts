import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Verifies a SigV4 signature of the service `execute-api` from what stands on the wire, written from the AWS
 * documentation ("Create a signed AWS API request") and independent of the signer under test.
 */
export function signatureProblem(request: IncomingMessage, body: Buffer, secretAccessKey: string): string | undefined {
  const authorization = request.headers.authorization ?? '';
  const [, scope = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(authorization) ??
    [];
  if (signature === '') return `no signature in "${authorization}"`;
  const [date = '', region = '', service = '', terminator = ''] = scope.split('/');
  if (service !== 'execute-api' || terminator !== 'aws4_request') return `wrong scope ${scope}`;
  const names = signedHeaders.split(';');
  if (!names.includes('host') || !names.includes('x-amz-date')) return `unsigned host or date: ${signedHeaders}`;

  const [path = '', search = ''] = (request.url ?? '').split('?');
  // Every service but S3 encodes the segments of the path as sent once more.
  const canonicalPath = path.split('/').map(uriEncode).join('/');
  const canonicalQuery = search
    .split('&')
    .filter((part) => part !== '')
    .map((part) =>
      part
        .split('=')
        .map((half) => uriEncode(decodeURIComponent(half)))
        .join('='),
    )
    .sort()
    .join('&');
  const canonicalHeaders = names.map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join('');
  const canonical = [request.method, canonicalPath, canonicalQuery, canonicalHeaders, signedHeaders, hash(body)].join(
    '\n',
  );
  const stringToSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, hash(canonical)].join('\n');
  const key = [date, region, service, terminator].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const expected = hmac(key, stringToSign).toString('hex');
  return expected === signature ? undefined : `signature does not match; canonical request:\n${canonical}`;
}

function uriEncode(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9\-_.~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
