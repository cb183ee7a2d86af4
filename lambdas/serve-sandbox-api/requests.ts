import * as z from 'zod';
import { WfloError } from '../../lib/errors.ts';
import {
  type ClaimRequest,
  type CompleteRequest,
  type EventsRequest,
  type HeartbeatRequest,
  INLINE_LIMIT_BYTES,
  LOG_CHUNK_BYTES,
  type LogLine,
  OUTPUT_LIMIT_BYTES,
  PROTOCOL_VERSION,
  type UrlsRequest,
} from '../../lib/sandbox/protocol.ts';

const epoch = z.number().int().min(1);
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');
const secret = z.string().regex(/^[A-Za-z0-9_-]{20,128}$/, 'must be 20 to 128 characters of base64url');
const bytes = z.number().int().min(0).max(OUTPUT_LIMIT_BYTES);
const count = z.number().int().min(0);

const logs = z
  .array(z.object({ at: z.iso.datetime(), stream: z.enum(['stdout', 'stderr', 'runner']), text: z.string() }))
  .refine((lines: readonly LogLine[]) => Buffer.byteLength(JSON.stringify(lines)) <= LOG_CHUNK_BYTES, {
    error: `must be at most ${LOG_CHUNK_BYTES} bytes of JSON`,
  });

/** `lost` and the like are the control plane's own findings; a runner reports what it saw. */
const exit = z
  .object({
    reason: z.enum(['ok', 'agent_failed', 'timed_out', 'out_of_memory', 'killed', 'runner_error']),
    code: z.number().int().min(0).max(255).nullable(),
    signal: z.string().max(16).exactOptional(),
    message: z.string().max(4_000).exactOptional(),
  })
  .refine((value) => (value.reason === 'ok') === (value.code === 0), { error: 'reason "ok" and code 0 go together' });

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
});

export const heartbeatRequest: z.ZodType<HeartbeatRequest> = z.object({ epoch, logs });
export const eventsRequest: z.ZodType<EventsRequest> = z.object({ epoch, logs });
export const urlsRequest: z.ZodType<UrlsRequest> = z.object({
  epoch,
  purpose: z.literal('output'),
  bytes,
  sha256: hash,
});

export const completeRequest: z.ZodType<CompleteRequest> = z.object({
  epoch,
  exit,
  output: z.union([
    z.null(),
    z.object({
      text: z.string().refine((text) => Buffer.byteLength(text) <= INLINE_LIMIT_BYTES, {
        error: `must be at most ${INLINE_LIMIT_BYTES} bytes; larger output is uploaded`,
      }),
    }),
    z.object({ key: z.string().min(1).max(1024), sha256: hash, bytes }),
  ]),
  outputError: z
    .object({ code: z.enum(['output_too_large', 'invalid_output']), message: z.string().max(4_000) })
    .exactOptional(),
  usage: z.object({
    wallMs: z.number().min(0),
    cpuMs: z.number().min(0).exactOptional(),
    peakMemoryBytes: count.exactOptional(),
    stdoutBytes: count,
    stderrBytes: count,
    stdoutTruncated: z.boolean(),
    stderrTruncated: z.boolean(),
  }),
  logs,
});

/** Throws `invalid_request`, naming each field that is wrong but no value: a body holds secrets. */
export function parseRequest<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new WfloError('invalid_request', `the request is malformed: ${issues.join('; ')}`, {
    fix: 'send what version 1 of the runner protocol says',
  });
}
