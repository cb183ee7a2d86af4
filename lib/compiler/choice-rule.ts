import type { JsonObject } from '../json.ts';
import type { Condition, WorkflowDefinition } from '../workflow/definition.ts';
import type { RefAliases } from './ref-aliases.ts';
import { scalarTypeOf } from './ref-types.ts';

const OPERATORS = {
  eq: 'Equals',
  ne: 'Equals',
  lt: 'LessThan',
  le: 'LessThanEquals',
  gt: 'GreaterThan',
  ge: 'GreaterThanEquals',
} as const;

const TYPES = { string: 'String', number: 'Numeric', integer: 'Numeric', boolean: 'Boolean' } as const;

/** The part of a Choice rule that tests; the scalars it reads are in the state under their aliases. */
export function choiceRule(condition: Condition, definition: WorkflowDefinition, aliases: RefAliases): JsonObject {
  const rule = (part: Condition) => choiceRule(part, definition, aliases);
  if ('condition' in condition) return { Not: rule(condition.condition) };
  if ('conditions' in condition) {
    return { [condition.op === 'and' ? 'And' : 'Or']: condition.conditions.map(rule) };
  }
  const { op, left, right } = condition;
  const type = TYPES[scalarTypeOf(left, definition) ?? 'string'];
  const isRef = typeof right === 'object';
  const comparison = {
    Variable: aliases.jsonPath(left),
    [`${type}${OPERATORS[op]}${isRef ? 'Path' : ''}`]: isRef ? aliases.jsonPath(right) : right,
  };
  return op === 'ne' ? { Not: comparison } : comparison;
}
