import type * as z from 'zod';
import type { LeaseRecord } from '../execution/records.ts';
import type { Completion } from './completion-hash.ts';
import { outcomeBody, signedOutcome } from './completion-schema.ts';
import { isSignedBy } from './sign-outcome.ts';

export type VerifiedOutcome =
  | { readonly ok: true; readonly completion: Completion }
  | { readonly ok: false; readonly why: string };

/**
 * Whether the text of an `outcome.json` is the completion of this lease: written by the runner that claimed it, for
 * this attempt, under the epoch that is still the lease's. Nothing of a text that is not is believed. Never throws.
 */
export function verifyOutcome(text: string, lease: LeaseRecord): VerifiedOutcome {
  if (lease.outcomeKey === undefined) return refused('the lease has no key');
  const signed = parse(signedOutcome, text);
  if (signed === undefined) return refused('it is not a signed outcome');
  if (!isSignedBy(lease.outcomeKey, signed)) return refused('the runner that claimed did not sign it');
  const body = parse(outcomeBody, signed.body);
  if (body === undefined) return refused('its body is not an outcome');
  const { executionId, path, attempt, leaseId, completion } = body;
  if (executionId !== lease.executionId || path !== lease.path || attempt !== lease.attempt) {
    return refused('it is for another attempt');
  }
  if (leaseId !== lease.leaseId) return refused('it is for another lease');
  if (completion.epoch !== lease.epoch) return refused(`it is for epoch ${completion.epoch}, now is ${lease.epoch}`);
  return { ok: true, completion };
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    const result = schema.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

function refused(why: string): VerifiedOutcome {
  return { ok: false, why };
}
