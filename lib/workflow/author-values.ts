import type { Json } from '../json.ts';
import type { FindingCollector } from './collector.ts';
import type { AuthoredCondition } from './conditions.ts';
import { COMPARISONS, type Condition } from './definition.ts';
import { HANDED_ON_FIX, handedOnIdentity, handedOnText } from './handed-on.ts';
import { type Leaf, refIdentity, refText } from './references.ts';
import type { RefData, Template } from './template.ts';
import { type Text, textParts } from './text.ts';

/** JSON with references in it, as an author writes it. Objects are plain; `undefined` fields are left out. */
export type TemplateValue =
  | null
  | boolean
  | number
  | string
  | Text
  | Leaf<unknown>
  | readonly TemplateValue[]
  | { readonly [key: string]: TemplateValue | undefined };

/** One text: literal, put together, or a scalar reference. */
export type TextValue = string | number | boolean | Text | Leaf<string> | Leaf<number> | Leaf<boolean>;

const NOTHING: Template = { literal: null };

/** The template of a value. What cannot be one becomes a finding at `place`, and null in the template. */
export function toTemplate(value: unknown, place: string, collector: FindingCollector): Template {
  return toTemplateWithin(value, place, collector, []);
}

function toTemplateWithin(
  value: unknown,
  place: string,
  collector: FindingCollector,
  parents: readonly unknown[],
): Template {
  if (value === null || typeof value === 'boolean') return { literal: value };
  if (typeof value === 'string') {
    collector.sawLiteral(value, place);
    return { literal: value };
  }
  if (typeof value === 'number' && Number.isFinite(value)) return { literal: value };
  if (refIdentity(value) !== undefined) {
    const ref = toRef(value, place, collector);
    return ref === undefined ? NOTHING : { ref };
  }
  const parts = textParts(value);
  if (parts !== undefined) {
    return { text: parts.map((part) => toTemplateWithin(part, place, collector, parents)) };
  }
  const handedOn = handedOnIdentity(value);
  if (handedOn !== undefined) {
    return refuse(describe(value), place, collector, `it is no value: ${HANDED_ON_FIX[handedOn.kind]}`);
  }
  if (parents.includes(value)) return refuse('a value that contains itself', place, collector);
  if (Array.isArray(value)) {
    return joinLiterals({
      list: value.map((item, index) => toTemplateWithin(item, `${place}[${index}]`, collector, [...parents, value])),
    });
  }
  if (isPlainObject(value)) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return joinLiterals({
      object: Object.fromEntries(
        fields.map(([key, field]) => [key, toTemplateWithin(field, `${place}.${key}`, collector, [...parents, value])]),
      ),
    });
  }
  return refuse(describe(value), place, collector);
}

/** A template that resolves to a string: a reference is wrapped, so that numbers become their text. */
export function toTextTemplate(value: unknown, place: string, collector: FindingCollector): Template {
  if (typeof value === 'number' || typeof value === 'boolean') return { literal: String(value) };
  if (typeof value === 'string') return toTemplate(value, place, collector);
  if (refIdentity(value) !== undefined) return { text: [toTemplate(value, place, collector)] };
  if (textParts(value) !== undefined) return toTemplate(value, place, collector);
  return refuse(`${describe(value)} where text is needed`, place, collector);
}

/** The data of a reference of this definition. A reference of another one is a finding. */
export function toRef(value: unknown, place: string, collector: FindingCollector): RefData | undefined {
  const identity = refIdentity(value);
  if (identity === undefined) return undefined;
  if (identity.observer === collector) return identity.data;
  collector.add(
    'unknown_reference',
    place,
    `${refText(identity.data)} is a reference of another workflow`,
    'use only w.input and the outputs of steps of the same workflow',
  );
  return undefined;
}

/** The data of a condition; undefined, with a finding, where it is not one. */
export function toCondition(value: unknown, place: string, collector: FindingCollector): Condition | undefined {
  const authored = asCondition(value);
  if (authored === undefined) {
    refuse(`${describe(value)} where a condition is needed`, place, collector, CONDITION_FIX);
    return undefined;
  }
  if (authored.op === 'not') {
    const condition = toCondition(authored.condition, place, collector);
    return condition && { op: 'not', condition };
  }
  if ('conditions' in authored) {
    if (authored.conditions.length === 0) {
      refuse(`${authored.op}() without conditions`, place, collector, CONDITION_FIX);
      return undefined;
    }
    const conditions = authored.conditions.map((condition) => toCondition(condition, place, collector));
    return conditions.every((condition) => condition !== undefined) ? { op: authored.op, conditions } : undefined;
  }
  const { op, left, right } = authored;
  if (refIdentity(left) === undefined) {
    refuse(`${describe(left)} as the left side of ${op}()`, place, collector, 'put a reference on the left side');
    return undefined;
  }
  const leftRef = toRef(left, place, collector);
  if (leftRef === undefined) return undefined;
  if (refIdentity(right) !== undefined) {
    const rightRef = toRef(right, place, collector);
    return rightRef && { op, left: leftRef, right: rightRef };
  }
  if (typeof right === 'string') collector.sawLiteral(right, place);
  if (
    typeof right === 'string' ||
    typeof right === 'boolean' ||
    (typeof right === 'number' && Number.isFinite(right))
  ) {
    return { op, left: leftRef, right };
  }
  refuse(`${describe(right)} as the right side of ${op}()`, place, collector, CONDITION_FIX);
  return undefined;
}

const CONDITION_FIX = 'write eq, ne, lt, le, gt or ge of a reference and a string, number, boolean or reference';

function asCondition(value: unknown): AuthoredCondition | undefined {
  if (typeof value !== 'object' || value === null || refIdentity(value) !== undefined || !('op' in value)) {
    return undefined;
  }
  const known = [...COMPARISONS, 'and', 'or', 'not'].some((op) => op === value.op);
  return known ? (value as AuthoredCondition) : undefined;
}

/** A list or object without references is one literal. */
function joinLiterals(
  template: { readonly list: readonly Template[] } | { readonly object: { readonly [key: string]: Template } },
): Template {
  const parts = 'list' in template ? template.list : Object.values(template.object);
  if (!parts.every((part) => 'literal' in part)) return template;
  const literalOf = (part: Template): Json => ('literal' in part ? part.literal : null);
  return 'list' in template
    ? { literal: template.list.map(literalOf) }
    : { literal: Object.fromEntries(Object.entries(template.object).map(([key, part]) => [key, literalOf(part)])) };
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refuse(
  what: string,
  place: string,
  collector: FindingCollector,
  fix = 'use strings, finite numbers, booleans, null, references, text`…`, and lists and plain objects of these',
): Template {
  collector.add('invalid_value', place, `${what} cannot be part of a definition`, fix);
  return NOTHING;
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `the text ${JSON.stringify(value)}`;
  const reference = refIdentity(value);
  if (reference !== undefined) return `the reference ${refText(reference.data)}`;
  const handedOn = handedOnIdentity(value);
  if (handedOn !== undefined) return handedOnText(handedOn);
  if (typeof value === 'object' && value !== null) {
    return value instanceof Promise
      ? 'a promise (definitions are built synchronously)'
      : `an object of class ${value.constructor?.name ?? 'unknown'}`;
  }
  return `a ${typeof value}`;
}
