import * as z from 'zod';
import { EVENT_TYPES, type EventType } from './events.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const actor = z.object({
  type: z.enum(['person', 'principal', 'system', 'runner', 'unverified']),
  id: z.string(),
  via: z.string(),
});
/** `details` of an error stay in the record: they have no bound. */
const error = z.object({
  code: z.string(),
  message: z.string(),
  fix: z.string().optional(),
  stepPath: z.string().optional(),
});
const exit = z.object({
  reason: z.string(),
  code: z.number().int().nullable(),
  signal: z.string().optional(),
  message: z.string().optional(),
});
const usage = z.object({
  wallMs: z.number(),
  cpuMs: z.number().optional(),
  peakMemoryBytes: z.number().optional(),
  stdoutBytes: z.number(),
  stderrBytes: z.number(),
  stdoutTruncated: z.boolean(),
  stderrTruncated: z.boolean(),
});

interface CatalogueEntry {
  readonly description: string;
  readonly data: z.ZodObject;
}

/** What each event says and carries in `data`. Fields are added, never removed or given another meaning. */
export const EVENT_CATALOGUE = {
  'workflow.started': {
    description:
      'An execution was opened and recorded. Where its input is refused, `workflow.failed` follows and no step runs.',
    data: z.object({ inputHash: hash, definitionHash: hash, requester: actor }),
  },
  'workflow.succeeded': {
    description: 'An execution reached its end; its output is stored.',
    data: z.object({ outputSha256: hash }),
  },
  'workflow.failed': {
    description: 'An execution ended because of an error.',
    data: z.object({ error }),
  },
  'workflow.cancelled': {
    description: 'An execution was ended by somebody. The actor is who asked for it.',
    data: z.object({ reason: z.string() }),
  },
  'workflow.timed_out': {
    description: 'An execution passed the time limit of its workflow.',
    data: z.object({ timeoutSeconds: z.number() }),
  },
  'step.prepared': {
    description: 'An attempt of a step was allotted, and what it will run was frozen.',
    data: z.object({ kind: z.enum(['sandbox', 'lambda']), payloadHash: hash }),
  },
  'step.started': {
    description: 'An attempt was claimed: from here on it may have acted.',
    data: z.object({}),
  },
  'step.succeeded': {
    description: 'A step ended well. Absent `outputSha256`: it declares no output.',
    data: z.object({ outputSha256: hash.optional() }),
  },
  'step.failed': {
    description: 'A step ended in an error and will not be repeated.',
    data: z.object({ error }),
  },
  'step.retried': {
    description: 'An attempt failed, and the step will be repeated after a wait.',
    data: z.object({ reason: z.string(), waitSeconds: z.number() }),
  },
  'step.cancelled': {
    description: 'An open attempt was ended because its execution ends.',
    data: z.object({ reason: z.string() }),
  },
  'sandbox.claimed': {
    description: 'A sandbox or function call took the lease of an attempt. `taskArn` for sandboxes.',
    data: z.object({ leaseId: z.string(), epoch: z.number().int(), taskArn: z.string().optional() }),
  },
  'sandbox.exited': {
    description: 'The outcome of an attempt was reported and accepted.',
    data: z.object({ exit, usage: usage.optional(), outputSha256: hash.optional() }),
  },
  'sandbox.lost': {
    description: 'A sandbox ended, or fell silent, without an outcome. Its lease was fenced.',
    data: z.object({ reason: z.string(), leaseId: z.string().optional() }),
  },
  'sandbox.claim_conflict': {
    description: 'Two runners claimed one lease. The second was refused, and the lease fenced.',
    data: z.object({ leaseId: z.string() }),
  },
  'audit.gap': {
    description: 'An outbox item could not be read; this stands for its events in the chain.',
    data: z.object({ outboxId: z.string(), itemSha256: hash, reason: z.string() }),
  },
} as const satisfies Record<EventType, CatalogueEntry>;

export type EventData<T extends EventType> = z.input<(typeof EVENT_CATALOGUE)[T]['data']>;

/** Shape of an event without its `data`, which depends on `eventType`. */
export const eventEnvelope = z.object({
  eventId: z.string().length(26),
  eventType: z.enum(EVENT_TYPES),
  timestamp: z.iso.datetime(),
  service: z.literal('wflo'),
  version: z.number().int().positive(),
  executionId: z.string().min(1),
  workflow: z.string().min(1),
  stepPath: z.string().optional(),
  attempt: z.number().int().positive().optional(),
  correlationId: z.string().min(1),
  traceId: z.string(),
  actor,
  data: z.record(z.string(), z.unknown()),
});
