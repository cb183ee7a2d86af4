import type { Comparison } from './definition.ts';
import type { Leaf } from './references.ts';

type Scalar = string | number | boolean;

/** What a `when` decides on. Made by the functions below. */
export type AuthoredCondition =
  | { readonly op: Comparison; readonly left: unknown; readonly right: unknown }
  | { readonly op: 'and' | 'or'; readonly conditions: readonly AuthoredCondition[] }
  | { readonly op: 'not'; readonly condition: AuthoredCondition };

type Right<T> = NoInfer<T> | Leaf<NoInfer<T>>;

const compare =
  (op: Comparison) =>
  <T extends Scalar>(left: Leaf<T>, right: Right<T>): AuthoredCondition => ({ op, left, right });

const order =
  (op: Comparison) =>
  <T extends string | number>(left: Leaf<T>, right: Right<T>): AuthoredCondition => ({ op, left, right });

/** Equal. Text is compared exactly. */
export const eq: <T extends Scalar>(left: Leaf<T>, right: Right<T>) => AuthoredCondition = compare('eq');
/** Not equal. */
export const ne: <T extends Scalar>(left: Leaf<T>, right: Right<T>) => AuthoredCondition = compare('ne');
/** Less than; text by Unicode code point. */
export const lt: <T extends string | number>(left: Leaf<T>, right: Right<T>) => AuthoredCondition = order('lt');
/** Less than or equal. */
export const le: <T extends string | number>(left: Leaf<T>, right: Right<T>) => AuthoredCondition = order('le');
/** Greater than. */
export const gt: <T extends string | number>(left: Leaf<T>, right: Right<T>) => AuthoredCondition = order('gt');
/** Greater than or equal. */
export const ge: <T extends string | number>(left: Leaf<T>, right: Right<T>) => AuthoredCondition = order('ge');

/** All of these. */
export function and(...conditions: readonly AuthoredCondition[]): AuthoredCondition {
  return { op: 'and', conditions };
}

/** At least one of these. */
export function or(...conditions: readonly AuthoredCondition[]): AuthoredCondition {
  return { op: 'or', conditions };
}

export function not(condition: AuthoredCondition): AuthoredCondition {
  return { op: 'not', condition };
}
