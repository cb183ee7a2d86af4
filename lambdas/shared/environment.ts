import { WfloError } from '../../lib/errors.ts';

/** Every variable that a function of the platform may need; each is set only where it is needed. */
export const VARIABLES = [
  'WFLO_STAGE',
  'STATE_TABLE',
  'EVENTS_TABLE',
  'AUDIT_TABLE',
  'ARTEFACT_BUCKET',
  'EVENT_BUS',
  'SANDBOX_CLUSTER',
  'SANDBOX_LOG_GROUP',
  'MODELS_URL',
  'PEOPLE_TABLE',
  'TOKENS_TABLE',
  'LEDGER_TABLE',
  'SANDBOX_ARCHITECTURE',
  'RESUME_FUNCTION',
  'RECONCILE_FUNCTION',
  'RETENTION_DAYS',
  'BUDGET_TOPIC',
] as const;
export type Variable = (typeof VARIABLES)[number];

/** The value of a variable. Throws `internal` with its name where the deployment did not set it. */
export function environment(name: Variable): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new WfloError('internal', `the environment variable ${name} is not set`, {
    fix: 'set it on the function, in the stack that deploys it',
  });
}

/** Base URL that presigned URLs carry, where it is not the SDK's own (the local AWS). */
export function presignEndpoint(): string | undefined {
  return process.env.PRESIGN_ENDPOINT || undefined;
}
