import * as z from 'zod';
import { WfloError } from '../../lib/errors.ts';
import { EXECUTION_STATUSES } from '../../lib/execution/status.ts';
import type { Json } from '../../lib/json.ts';
import { LONGEST_PERSON_NAME, LONGEST_PLAIN_NAME, PLAIN_NAME } from '../../lib/people/names.ts';
import { ROLES } from '../../lib/people/roles.ts';
import { MAX_MEMBERS } from '../../lib/people/rules.ts';

export const StartBody = z.strictObject({
  workflow: z.string().min(1),
  input: z.custom<Json>((value) => value !== undefined, 'is missing'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,80}$/, 'must be 1 to 80 of A-Z a-z 0-9 - _')
    .optional(),
});

export const CancelBody = z.strictObject({ reason: z.string().min(1).max(500).optional() });

/** A count in a query string: digits only, 1 to `most`. */
const count = (most: number, otherwise: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= 1 && value <= most, `must be from 1 to ${most}`)
    .default(otherwise);

export const ListParameters = z.strictObject({
  workflow: z.string().min(1).optional(),
  status: z.enum(EXECUTION_STATUSES).optional(),
  limit: count(100, 20),
  cursor: z.string().min(1).optional(),
});

export const EventsParameters = z.strictObject({
  after: z
    .string()
    .regex(/^\d{1,10}$/, 'must be a sequence number')
    .transform(Number)
    .default(0),
  limit: count(500, 200),
});

export const LogsParameters = z.strictObject({
  step: z.string().min(1).optional(),
  limit: count(1000, 500),
  // Empty as the API answers it before the first line.
  cursor: z.string().optional(),
});

/** `all`: decided ones too. */
export const ApprovalsParameters = z.strictObject({
  all: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .default(false),
  limit: count(100, 20),
  cursor: z.string().min(1).optional(),
});

export const DecisionBody = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  comment: z.string().min(1).max(2000).optional(),
  payloadHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a hex SHA-256')
    .optional(),
});

/** Of a freeze and of lifting it; the reason that a freeze needs is the matter of its handler. */
export const FreezeBody = z
  .strictObject({
    all: z.literal(true).optional(),
    workflow: z.string().min(1).max(64).optional(),
    tenant: z.string().min(1).max(64).optional(),
    reason: z.string().min(1).max(500).optional(),
  })
  .refine(
    ({ all, workflow, tenant }) => [all, workflow, tenant].filter((one) => one !== undefined).length === 1,
    'must have exactly one of all, workflow and tenant',
  );

const usdText = z.string().regex(/^\d{1,7}(\.\d{1,9})?$/, 'must be dollars such as 5 or 0.25');
const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day such as 2026-11-26')
  .refine(isDay, 'is no day');

/** Of the calendar: February has no 30th. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00.000Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

export const EntriesParameters = z.strictObject({ limit: count(500, 200), cursor: z.string().min(1).optional() });
export const HoldsParameters = z.strictObject({ limit: count(100, 50), cursor: z.string().min(1).optional() });
export const CostsParameters = z.strictObject({ from: day.optional(), to: day.optional() });
export const SettleBody = z.strictObject({ costUsd: usdText, reason: z.string().min(1).max(500) });
export const RaiseBody = z.strictObject({
  byUsd: usdText,
  agent: z.string().min(1).max(256).optional(),
  raiseId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 - _'),
});
export const TenantBudgetBody = z.strictObject({
  dailyUsd: usdText.optional(),
  monthlyUsd: usdText.optional(),
  alertsAt: z.array(z.number().gt(0).max(1)).max(10).optional(),
});

const plainName = z.string().max(LONGEST_PLAIN_NAME).regex(PLAIN_NAME, 'must be lower-case words with hyphens');
const personName = z.string().min(1).max(LONGEST_PERSON_NAME);
const roles = z.array(z.enum(ROLES)).max(ROLES.length);
const arn = z.string().min(1).max(1024);

export const BootstrapBody = z.strictObject({ personId: plainName, name: personName });
export const PersonBody = z.strictObject({ personId: plainName, name: personName, roles });
export const ChangePersonBody = z.strictObject({ name: personName, roles });
export const IdentityBody = z.strictObject({ arn });
export const GroupBody = z.strictObject({ members: z.array(plainName).max(MAX_MEMBERS) });
export const AttestBody = z.strictObject({ roleArn: arn });
export const TenantBody = z.strictObject({ tenant: plainName, personId: plainName, name: personName, arn });

/** Throws `invalid_request` with all problems; `where` is `body` or `query`. */
export function checked<S extends z.ZodType>(schema: S, where: string, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => [where, ...issue.path].join('.').concat(': ', issue.message));
  throw new WfloError('invalid_request', problems.join('; '), { details: { problems } });
}

export function parsedBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WfloError('malformed_json', `the body is not JSON: ${(cause as Error).message}`, { cause });
  }
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Zod's optional keys may hold undefined, those of the contract may not. */
export function withoutUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as WithoutUndefined<T>;
}
