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

const quorums = z.array(z.object({ group: z.string(), min: z.number().int().positive() }));
const scope = z.object({ all: z.boolean(), workflows: z.array(z.string()), tenants: z.array(z.string()) });

/** Whole nano-USD. */
const money = z.number().int();
/** As the ledger names it: `execution`, `agent`, `workflow` or `tenant`, with what makes it this one. */
const budgetScope = z.object({
  kind: z.enum(['execution', 'agent', 'workflow', 'tenant']),
  agent: z.string().optional(),
  workflow: z.string().optional(),
  tenant: z.string().optional(),
  window: z.enum(['day', 'month']).optional(),
  period: z.string().optional(),
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
  'workflow.rejected': {
    description: 'An execution ended because an approval that it needed was rejected or expired.',
    data: z.object({ error }),
  },
  'workflow.budget_exceeded': {
    description: 'An execution was stopped because a budget did not suffice for what it asked.',
    data: z.object({ error }),
  },
  'step.prepared': {
    description: 'An attempt of a step was allotted, and what it will run was frozen.',
    data: z.object({ kind: z.enum(['sandbox', 'lambda', 'approval']), payloadHash: hash }),
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
  'approval.requested': {
    description:
      'Somebody has to approve what was frozen before it may be done: people of `groups`, or, where a budget is to be raised by `raise.byNanoUsd`, a person with one of `roles`.',
    data: z.object({
      approvalId: z.string(),
      payloadHash: hash,
      groups: quorums,
      roles: z.array(z.string()).optional(),
      raise: z
        .object({
          scope: budgetScope,
          limitNanoUsd: money,
          spentNanoUsd: money,
          heldNanoUsd: money,
          neededNanoUsd: money,
          byNanoUsd: money,
        })
        .optional(),
      requester: actor,
      expiresAt: z.string(),
      note: z.string().optional(),
    }),
  },
  'approval.voted': {
    description: 'A person approved, and more have to. The actor is the person.',
    data: z.object({ approvalId: z.string(), decision: z.enum(['approve', 'reject']), comment: z.string().optional() }),
  },
  'approval.granted': {
    description:
      'All groups have approved, or a budget is to be raised, which `budget.raised` tells. No approvers: nobody decided in time, and the gate lets that pass.',
    data: z.object({
      approvalId: z.string(),
      payloadHash: hash,
      approvers: z.array(z.string()),
      executeBy: z.string(),
      comment: z.string().optional(),
    }),
  },
  'approval.rejected': {
    description: 'A person said no. The actor is the person.',
    data: z.object({ approvalId: z.string(), reason: z.string() }),
  },
  'approval.expired': {
    description: 'Nobody decided in time, and that means no.',
    data: z.object({ approvalId: z.string() }),
  },
  'approval.cancelled': {
    description: 'The execution ended while somebody was being asked, or the budget was raised in another way.',
    data: z.object({ approvalId: z.string(), reason: z.string() }),
  },
  'approval.claimed': {
    description: 'An attempt got its work under this approval, which no other attempt can use.',
    data: z.object({ approvalId: z.string(), payloadHash: hash }),
  },
  'approval.refused': {
    description: 'A claim was refused because its approval does not cover it.',
    data: z.object({ approvalId: z.string().optional(), code: z.string(), message: z.string() }),
  },
  'cost.settled': {
    description:
      'An attempt of a step is over, and this is what it cost so far: the sum over its ledger entries, with the SHA-256 over their canonical JSON in the order of their ids. Money is whole nano-USD.',
    data: z.object({ costNanoUsd: money, calls: z.number().int(), entriesSha256: hash }),
  },
  'cost.alert': {
    description: 'What was spent of a budget has reached a share of it that was asked to be told of. Once for each.',
    data: z.object({ scope: budgetScope, threshold: z.number(), spentNanoUsd: money, limitNanoUsd: money }),
  },
  'cost.exceeded': {
    description: 'A model call or a sandbox was refused, because a budget had too little left for its worst case.',
    data: z.object({
      scope: budgetScope,
      limitNanoUsd: money,
      spentNanoUsd: money,
      heldNanoUsd: money,
      neededNanoUsd: money,
      onExceeded: z.enum(['deny', 'stop', 'ask']),
    }),
  },
  'cost.unsettled': {
    description: 'What a call cost is not known; all that was reserved for it stays held until somebody settles it.',
    data: z.object({ holdId: z.string(), heldNanoUsd: money, reason: z.string() }),
  },
  'budget.set': {
    description: 'The limits of a tenant were set. An absent limit: any amount.',
    data: z.object({
      tenant: z.string(),
      dailyNanoUsd: money.optional(),
      monthlyNanoUsd: money.optional(),
      alertsAt: z.array(z.number()).optional(),
    }),
  },
  'budget.raised': {
    description:
      'The budget of an execution, or of one agent in it, was raised; with `approvalId` because that was asked for.',
    data: z.object({
      agent: z.string().optional(),
      byNanoUsd: money,
      limitNanoUsd: money,
      approvalId: z.string().optional(),
    }),
  },
  'people.bootstrapped': {
    description: 'The first administrator of the deployment was made.',
    data: z.object({ personId: z.string(), identity: z.string() }),
  },
  'people.added': {
    description: 'A person was added to a tenant.',
    data: z.object({ personId: z.string(), name: z.string(), roles: z.array(z.string()) }),
  },
  'people.changed': {
    description: 'Name or roles of a person were changed.',
    data: z.object({ personId: z.string(), name: z.string(), roles: z.array(z.string()) }),
  },
  'people.removed': {
    description: 'A person can do nothing any more: identities and groups are gone, the record stays.',
    data: z.object({ personId: z.string() }),
  },
  'people.linked': {
    description: 'An identity was linked to a person.',
    data: z.object({ personId: z.string(), identity: z.string() }),
  },
  'people.unlinked': {
    description: 'An identity is no longer that of a person.',
    data: z.object({ personId: z.string(), identity: z.string() }),
  },
  'people.group_changed': {
    description: 'A group has these members from now on.',
    data: z.object({ group: z.string(), members: z.array(z.string()) }),
  },
  'people.role_attested': {
    description:
      'An administrator says that the trust policy of an IAM role enforces session names, so that each is one person.',
    data: z.object({ roleArn: z.string() }),
  },
  'tenant.created': {
    description: 'A tenant was made, with its first administrator.',
    data: z.object({ tenant: z.string(), personId: z.string() }),
  },
  'freeze.set': {
    description: 'An emergency stop: nothing of this begins, and what acts loses its right.',
    data: z.object({ scope, reason: z.string() }),
  },
  'freeze.lifted': {
    description: 'An emergency stop ended for this.',
    data: z.object({ scope }),
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
