import * as z from 'zod';
import { WfloError } from '../../lib/errors.ts';
import { completionFields, epoch, hash, outputBytes, workspaceBytes } from '../../lib/sandbox/completion-schema.ts';
import {
  type ClaimRequest,
  type CompleteRequest,
  type EventsRequest,
  type HeartbeatRequest,
  LOG_CHUNK_BYTES,
  type LogLine,
  PROTOCOL_VERSION,
  type UrlsRequest,
} from '../../lib/sandbox/protocol.ts';

const secret = z.string().regex(/^[A-Za-z0-9_-]{20,128}$/, 'must be 20 to 128 characters of base64url');

const logs = z
  .array(z.object({ at: z.iso.datetime(), stream: z.enum(['stdout', 'stderr', 'runner']), text: z.string() }))
  .refine((lines: readonly LogLine[]) => Buffer.byteLength(JSON.stringify(lines)) <= LOG_CHUNK_BYTES, {
    error: `must be at most ${LOG_CHUNK_BYTES} bytes of JSON`,
  });

export const claimRequest: z.ZodType<ClaimRequest> = z.object({
  protocol: z.literal(PROTOCOL_VERSION),
  executionId: z.string().min(1).max(200),
  path: z.string().min(1).max(256),
  attempt: z.number().int().min(1).max(9999),
  leaseId: z.string().min(1).max(128),
  code: secret,
  nonce: secret,
  taskArn: z
    .string()
    .regex(/^arn:[^:]+:ecs:[^:]+:[^:]*:task\/.+$/, 'must be the ARN of an ECS task')
    .max(2048),
  outcomeKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes of base64url'),
});

export const heartbeatRequest: z.ZodType<HeartbeatRequest> = z.object({ epoch, logs });
export const eventsRequest: z.ZodType<EventsRequest> = z.object({ epoch, logs });
export const urlsRequest: z.ZodType<UrlsRequest> = z.union([
  z.object({ epoch, purpose: z.literal('output'), bytes: outputBytes, sha256: hash }),
  z.object({ epoch, purpose: z.literal('workspace'), bytes: workspaceBytes, sha256: hash }),
]);

export const completeRequest: z.ZodType<CompleteRequest> = z.object({ ...completionFields, logs });

/** Throws `invalid_request`, naming each field that is wrong but no value: a body holds secrets. */
export function parseRequest<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new WfloError('invalid_request', `the request is malformed: ${issues.join('; ')}`, {
    fix: 'send what version 1 of the runner protocol says',
  });
}
