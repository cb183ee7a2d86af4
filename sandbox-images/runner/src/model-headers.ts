import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** Between two servers only. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** Credentials, whatever an agent took for one, and what a server on the way could take for another request. */
const NOT_FORWARDED = [
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'cookie',
  'cookie2',
  'host',
  'expect',
  'forwarded',
  'via',
  'x-real-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
];

/** Of HTTP/2 itself, of the signatures of AWS, of Wflo and of proxies. `x-amzn-` is none: Bedrock has parameters there. */
const NOT_FORWARDED_PREFIX = /^(:|x-amz-|x-wflo-|x-forwarded-)/;

/** What the gateway gets of the headers of the agent. It decides itself which of them a provider gets. */
export function forwardedHeaders(
  headers: IncomingHttpHeaders,
  session: { readonly token: string; readonly epoch: number },
): OutgoingHttpHeaders {
  const kept = endToEnd(headers).filter(([name]) => !NOT_FORWARDED.includes(name) && !NOT_FORWARDED_PREFIX.test(name));
  return {
    ...Object.fromEntries(kept),
    authorization: `Bearer ${session.token}`,
    'x-wflo-epoch': String(session.epoch),
  };
}

/** What the agent gets of the headers of an answer. */
export function answeredHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(endToEnd(headers));
}

function endToEnd(headers: IncomingHttpHeaders): [string, string | string[]][] {
  const named = String(headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return Object.entries(headers).flatMap(([name, value]): [string, string | string[]][] =>
    value === undefined || HOP_BY_HOP.includes(name) || named.includes(name) ? [] : [[name, value]],
  );
}
