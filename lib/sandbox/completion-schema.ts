import * as z from 'zod';
import type { Completion } from './completion-hash.ts';
import {
  INLINE_LIMIT_BYTES,
  OUTPUT_LIMIT_BYTES,
  type OutcomeBody,
  type SignedOutcome,
  WORKSPACE_LIMIT_BYTES,
} from './protocol.ts';

/** Pieces of the protocol that both the sandbox API and the readers of `outcome.json` check. */
export const epoch = z.number().int().min(1);
export const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');
export const outputBytes = z.number().int().min(0).max(OUTPUT_LIMIT_BYTES);
export const workspaceBytes = z.number().int().min(0).max(WORKSPACE_LIMIT_BYTES);
const key = z.string().min(1).max(1024);
const count = z.number().int().min(0);
const message = z.string().max(4_000);

/** `lost` and the like are the control plane's own findings; a runner reports what it saw. */
const exit = z
  .object({
    reason: z.enum(['ok', 'agent_failed', 'timed_out', 'out_of_memory', 'killed', 'runner_error', 'budget_exceeded']),
    code: z.number().int().min(0).max(255).nullable(),
    signal: z.string().max(16).exactOptional(),
    message: message.exactOptional(),
  })
  .refine((value) => (value.reason === 'ok') === (value.code === 0), { error: 'reason "ok" and code 0 go together' });

/** The fields of a completion without its log lines. */
export const completionFields = {
  epoch,
  exit,
  output: z.union([
    z.null(),
    z.object({
      text: z.string().refine((text) => Buffer.byteLength(text) <= INLINE_LIMIT_BYTES, {
        error: `must be at most ${INLINE_LIMIT_BYTES} bytes; larger output is uploaded`,
      }),
    }),
    z.object({ key, sha256: hash, bytes: outputBytes }),
  ]),
  outputError: z.object({ code: z.enum(['output_too_large', 'invalid_output']), message }).exactOptional(),
  workspace: z.object({ key, sha256: hash, bytes: workspaceBytes }).exactOptional(),
  workspaceError: z.object({ code: z.enum(['workspace_too_large', 'invalid_workspace']), message }).exactOptional(),
  usage: z.object({
    wallMs: z.number().min(0),
    cpuMs: z.number().min(0).exactOptional(),
    peakMemoryBytes: count.exactOptional(),
    stdoutBytes: count,
    stderrBytes: count,
    stdoutTruncated: z.boolean(),
    stderrTruncated: z.boolean(),
  }),
} as const;

const completion: z.ZodType<Completion> = z.object(completionFields);

export const signedOutcome: z.ZodType<SignedOutcome> = z.object({ body: z.string(), signature: z.string().max(128) });

export const outcomeBody: z.ZodType<OutcomeBody> = z.object({
  executionId: z.string(),
  path: z.string(),
  attempt: z.number(),
  leaseId: z.string(),
  completion,
});
