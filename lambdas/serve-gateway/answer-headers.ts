/** What of a provider's answer an agent's SDK reads. Lengths, cookies and hops are ours, or nobody's. */
const PASSED = new Set([
  'content-type',
  'content-encoding',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-request-id',
  'request-id',
]);
const PASSED_PREFIXES = ['openai-', 'anthropic-', 'x-ratelimit-', 'x-amzn-', 'x-goog-'];
/** Name the account that pays. */
const KEPT_BACK = new Set(['openai-organization', 'openai-project', 'anthropic-organization-id']);

export function passedHeaders(headers: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(
      ([name]) =>
        !KEPT_BACK.has(name) && (PASSED.has(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix))),
    ),
  );
}
