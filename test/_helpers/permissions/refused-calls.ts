import type { Call } from './evaluate.ts';

/** The same calls over plain HTTP, and to a bucket over TLS before 1.2: what the denying statements are there for. */
export function refusedCalls(calls: readonly Call[]): Call[] {
  const guarded = calls.filter(({ action }) => /^(s3:(Get|Put)Object|sqs:SendMessage|sns:Publish)$/.test(action));
  const ours = guarded.filter(({ resource }) => !/starport|cdk-/.test(resource));
  return ours.flatMap((call) => [
    { ...call, context: { ...call.context, 'aws:SecureTransport': 'false' } },
    ...(call.action.startsWith('s3:') ? [{ ...call, context: { ...call.context, 's3:TlsVersion': '1.1' } }] : []),
  ]);
}
