import type { AttemptRecord } from './records.ts';
import { isAttemptOpen } from './status.ts';

/** `same`: this entry of Prepare has its attempt. `late`: it is over, or would act beside an open attempt. */
export type Allotment =
  | { readonly kind: 'new'; readonly attempt: number }
  | { readonly kind: 'same'; readonly record: AttemptRecord }
  | { readonly kind: 'late' };

/**
 * Which attempt an entry of Prepare has. One entry always gets the same one, so that a repeated call starts nothing
 * twice; a later entry gets the next. `attempts` are all of the step, by number.
 */
export function allotAttempt(attempts: readonly AttemptRecord[], enteredAt: string): Allotment {
  const same = attempts.find((record) => record.enteredAt === enteredAt);
  if (same !== undefined) return { kind: 'same', record: same };
  const last = attempts.at(-1);
  if (last === undefined) return { kind: 'new', attempt: 1 };
  const isLater = Date.parse(enteredAt) > Date.parse(last.enteredAt);
  return isLater && !isAttemptOpen(last.status) ? { kind: 'new', attempt: last.attempt + 1 } : { kind: 'late' };
}
