import type { JsonObject } from '../../lib/json.ts';

/** A record as Bedrock writes it into its log of model invocations (schema version 1.0), without bodies. */
export function anInvocation(holdId: string, more: JsonObject = {}): JsonObject {
  return {
    schemaType: 'ModelInvocationLog',
    schemaVersion: '1.0',
    timestamp: '2026-01-01T00:00:05Z',
    accountId: '123456789012',
    identity: { arn: 'arn:aws:sts::123456789012:assumed-role/gateway/session' },
    region: 'us-east-1',
    requestId: `request-of-${holdId}`,
    operation: 'ConverseStream',
    modelId: 'amazon.nova-lite-v1:0',
    input: {
      inputContentType: 'application/json',
      inputTokenCount: 1000,
      cacheReadInputTokenCount: 0,
      cacheWriteInputTokenCount: 0,
    },
    output: { outputContentType: 'application/json', outputTokenCount: 200 },
    requestMetadata: { team: 'research', 'wflo-call': holdId },
    ...more,
  };
}
