import type { Json } from '../json.ts';

/** Where a reference reads from: the workflow's input, or the output of a step. */
export type RefSource = { readonly from: 'input' } | { readonly from: 'step'; readonly step: string };

/** A reference as data: a source and the property names below it (`[]` is the whole value). */
export interface RefData {
  readonly source: RefSource;
  readonly path: readonly string[];
}

/**
 * A JSON value with references in it. Literals are wrapped, so that no text of a user can look like a reference.
 * `text` is the concatenation of its parts, which must resolve to strings, numbers or booleans.
 */
export type Template =
  | { readonly literal: Json }
  | { readonly ref: RefData }
  | { readonly text: readonly Template[] }
  | { readonly list: readonly Template[] }
  | { readonly object: { readonly [key: string]: Template } };

/** All references of a template, in order of appearance. */
export function refsOf(template: Template): RefData[] {
  if ('literal' in template) return [];
  if ('ref' in template) return [template.ref];
  if ('text' in template) return template.text.flatMap(refsOf);
  if ('list' in template) return template.list.flatMap(refsOf);
  return Object.values(template.object).flatMap(refsOf);
}
