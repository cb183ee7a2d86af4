import { WfloError } from '../errors.ts';

/** Of people, groups and tenants. */
export const PLAIN_NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
export const LONGEST_PLAIN_NAME = 64;
/** What people are called. */
export const LONGEST_PERSON_NAME = 200;

/** Throws `invalid_request`. `what`: such as `the id of a person`. */
export function checkPlainName(what: string, name: string): void {
  if (name.length <= LONGEST_PLAIN_NAME && PLAIN_NAME.test(name)) return;
  throw new WfloError('invalid_request', `"${name}" cannot be ${what}`, {
    fix: `use lower-case words with hyphens, such as data-owners, of at most ${LONGEST_PLAIN_NAME} characters`,
  });
}

/** Throws `invalid_request` for what is empty, too long or would not show as one line. */
export function checkPersonName(name: string): void {
  if (
    name.trim() !== '' &&
    name.length <= LONGEST_PERSON_NAME &&
    !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(name)
  )
    return;
  throw new WfloError('invalid_request', `${JSON.stringify(name)} cannot be the name of a person`, {
    fix: `use 1 to ${LONGEST_PERSON_NAME} characters without control characters`,
  });
}
