/**
 * The answers of the control API as schemas, for `docs/openapi.json`. `api.ts` is the contract; a test holds that each
 * schema is exactly its type. Readers must take fields that they do not know, so none is forbidden.
 */
import * as z from 'zod';
import { EVENT_TYPES } from '../audit/events.ts';
import { ERROR_CODES, type ErrorCode } from '../errors.ts';
import { APPROVAL_STATUSES, ATTEMPT_STATUSES, EXECUTION_STATUSES } from '../execution/status.ts';
import type { Json, JsonObject } from '../json.ts';
import { ROLES } from '../people/roles.ts';
import { EXIT_REASONS } from '../sandbox/exit.ts';

/** Any JSON, without a schema of its own. */
const json = z.custom<Json>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null);
const time = z.string().meta({ format: 'date-time' });
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const stepKind = z.enum(['sandbox', 'lambda', 'approval']);

const errorData = z.object({
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  fix: z.string().exactOptional(),
  stepPath: z.string().exactOptional(),
  details: z.unknown().optional(),
});

const exit = z.object({
  reason: z.enum(EXIT_REASONS),
  code: z.number().int().nullable(),
  signal: z.string().exactOptional(),
  message: z.string().exactOptional(),
});

const actor = z.object({
  type: z.enum(['person', 'principal', 'system', 'runner', 'unverified']),
  id: z.string(),
  via: z.string(),
});

const requester = z.object({ id: z.string(), verified: z.boolean() });

const stepView = z.object({
  path: z.string(),
  kind: stepKind,
  status: z.enum(['pending', ...ATTEMPT_STATUSES]),
  attempt: z.number().int().meta({ description: '0 while pending' }),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  exit: exit.exactOptional(),
  error: errorData.exactOptional(),
  approvalId: z.string().exactOptional(),
  costUsd: z.number().nullable(),
});

const executionView = z.object({
  executionId: z.string(),
  workflow: z.string(),
  status: z.enum(EXECUTION_STATUSES),
  startedAt: time,
  endedAt: time.nullable(),
  costUsd: z.number().nullable().meta({ description: 'spent so far' }),
  budgetUsd: z.number().nullable(),
  requester,
  error: errorData.exactOptional(),
  output: json.exactOptional(),
  outputUrl: z.string().exactOptional().meta({ description: 'instead of an output above 2 MiB; valid for 15 minutes' }),
  steps: z.array(stepView),
  budgetApprovals: z.array(z.string()).exactOptional().meta({ description: 'pending approvals to raise a budget' }),
  eventCount: z.number().int(),
});

const executionSummary = executionView.omit({
  steps: true,
  budgetApprovals: true,
  output: true,
  outputUrl: true,
  eventCount: true,
});

const event = z.object({
  eventId: z.string(),
  eventType: z.enum(EVENT_TYPES),
  timestamp: time,
  service: z.literal('wflo'),
  version: z.number().int(),
  executionId: z.string(),
  workflow: z.string(),
  stepPath: z.string().exactOptional(),
  attempt: z.number().int().exactOptional(),
  correlationId: z.string(),
  traceId: z.string(),
  actor,
  data: jsonObject,
});

const chainRecord = z.object({ seq: z.number().int(), prevHash: hash, hash, event });

const logLine = z.object({
  at: time,
  stream: z.enum(['stdout', 'stderr', 'runner']),
  text: z.string(),
  executionId: z.string(),
  stepPath: z.string(),
  attempt: z.number().int(),
});

const dollars = z.number().meta({ description: 'US dollars, exact with up to nine decimals' });

const raiseView = z.object({
  agent: z.string().exactOptional(),
  limitUsd: dollars,
  spentUsd: dollars,
  heldUsd: dollars,
  neededUsd: dollars,
  byUsd: dollars,
});

const approvalView = z.object({
  approvalId: z.string(),
  executionId: z.string(),
  workflow: z.string(),
  stepPath: z.string(),
  kind: z.enum([...stepKind.options, 'budget']),
  status: z.enum(APPROVAL_STATUSES),
  risk: z.number().nullable().meta({ description: 'null: risk is not assessed' }),
  payloadHash: hash,
  requester,
  requestedAt: time,
  expiresAt: time,
  decidedAt: time.nullable(),
  executeBy: time.nullable(),
  groups: z.array(z.object({ group: z.string(), min: z.number().int() })),
  roles: z.array(z.enum(ROLES)).exactOptional(),
  raise: raiseView.exactOptional(),
  note: z.string().exactOptional(),
  decisions: z.array(
    z.object({
      personId: z.string(),
      decision: z.enum(['approve', 'reject']),
      comment: z.string().exactOptional(),
      at: time,
      via: z.string(),
    }),
  ),
  claimedAt: time.nullable(),
  rendering: z.string(),
  claims: z.array(z.object({ field: z.string(), step: z.string() })),
  payload: json,
});

const approvalSummary = approvalView.omit({ rendering: true, claims: true, payload: true });

const personView = z.object({
  tenant: z.string(),
  personId: z.string(),
  name: z.string(),
  roles: z.array(z.enum(ROLES)),
  groups: z.array(z.string()),
  identities: z.array(z.string()),
  active: z.boolean(),
});

const budgetView = z.object({
  kind: z.enum(['execution', 'agent', 'workflow', 'tenant']),
  name: z.string().exactOptional(),
  period: z.string().exactOptional(),
  limitUsd: dollars.nullable(),
  spentUsd: dollars,
  heldUsd: dollars,
  remainingUsd: dollars.nullable(),
});
const spentOn = {
  stepPath: z.string(),
  attempt: z.number().int(),
  agent: z.string(),
  provider: z.string(),
  model: z.string(),
};
const costEntryView = z.object({
  holdId: z.string(),
  kind: z.enum(['call', 'compute']),
  ...spentOn,
  costUsd: dollars,
  reservedUsd: dollars,
  source: z.enum(['reported', 'estimated', 'reconciled', 'person']),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  priceBook: z.string(),
  settledAt: time,
});
const holdView = z.object({
  executionId: z.string(),
  holdId: z.string(),
  ...spentOn,
  heldUsd: dollars,
  since: time,
  reason: z.string(),
});
const costRowView = z.object({
  day: z.string(),
  workflow: z.string(),
  agent: z.string(),
  provider: z.string(),
  model: z.string(),
  calls: z.number().int(),
  costUsd: dollars,
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
});

const groupView = z.object({ group: z.string(), members: z.array(z.string()) });
const cursor = z.string().exactOptional();

/** By the name of the type in `api.ts`; `AttestedRole` answers the request as it was. */
export const ANSWERS = {
  ExecutionView: executionView,
  ListAnswer: z.object({ executions: z.array(executionSummary), cursor }),
  EventsAnswer: z.object({
    records: z.array(chainRecord),
    cursor,
    eventCount: z.number().int(),
    status: z.enum(EXECUTION_STATUSES),
  }),
  LogsAnswer: z.object({ lines: z.array(logLine), cursor: z.string(), done: z.boolean() }),
  WorkflowsAnswer: z.object({ workflows: z.array(z.object({ name: z.string(), inputSchema: jsonObject })) }),
  ExecutionCostsAnswer: z.object({
    executionId: z.string(),
    workflow: z.string(),
    status: z.enum(EXECUTION_STATUSES),
    budgets: z.array(budgetView),
    entries: z.array(costEntryView),
    unsettled: z.array(holdView),
    cursor,
  }),
  BudgetView: budgetView,
  CostEntryView: costEntryView,
  HoldsAnswer: z.object({ holds: z.array(holdView), cursor }),
  CostsAnswer: z.object({ from: z.string(), to: z.string(), rows: z.array(costRowView) }),
  TenantBudgetAnswer: z.object({ tenant: z.string(), alertsAt: z.array(z.number()), budgets: z.array(budgetView) }),
  ApprovalView: approvalView,
  ApprovalsAnswer: z.object({ approvals: z.array(approvalSummary), cursor }),
  PersonView: personView,
  PeopleAnswer: z.object({ people: z.array(personView) }),
  GroupView: groupView,
  GroupsAnswer: z.object({ groups: z.array(groupView) }),
  AttestedRole: z.object({ roleArn: z.string() }),
  TenantEventsAnswer: z.object({ records: z.array(chainRecord), cursor, eventCount: z.number().int() }),
  FreezeView: z.object({
    version: z.number().int(),
    all: z.boolean(),
    workflows: z.array(z.string()),
    tenants: z.array(z.string()),
    reason: z.string(),
    by: actor.exactOptional(),
    at: time.exactOptional(),
  }),
} as const;
export type AnswerName = keyof typeof ANSWERS;

/** Parts of answers that have a name of their own. */
export const PARTS = {
  ErrorData: errorData,
  Exit: exit,
  Actor: actor,
  StepView: stepView,
  ExecutionSummary: executionSummary,
  WfloEvent: event,
  ChainRecord: chainRecord,
  StepLogLine: logLine,
  ApprovalSummary: approvalSummary,
  RaiseView: raiseView,
  HoldView: holdView,
  CostRowView: costRowView,
} as const;

export const ErrorAnswer = z.object({ error: errorData });
