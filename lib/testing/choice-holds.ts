import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { readJsonPath } from './json-path.ts';

/** Whether a rule of a Choice holds, as Step Functions decides it: a value of another type than the rule's is no match. */
export function choiceHolds(rule: JsonObject, data: Json): boolean {
  if (isJsonObject(rule.Not)) return !choiceHolds(rule.Not, data);
  if (Array.isArray(rule.And)) return rules(rule.And).every((part) => choiceHolds(part, data));
  if (Array.isArray(rule.Or)) return rules(rule.Or).some((part) => choiceHolds(part, data));
  const [name, given] = Object.entries(rule).find(([key]) => OPERATOR.test(key)) ?? [];
  const [, type = '', comparison = '', isPath] = OPERATOR.exec(name ?? '') ?? [];
  if (typeof rule.Variable !== 'string' || given === undefined) {
    throw new Error(`${JSON.stringify(rule)} is no rule that the compiler writes`);
  }
  const left = readJsonPath(rule.Variable, data);
  const right = isPath === undefined ? given : readJsonPath(String(given), data);
  if (typeof left !== TYPES[type] || typeof right !== TYPES[type]) return false;
  const order = compare(left, right);
  return COMPARISONS[comparison]?.(order) ?? false;
}

const OPERATOR = /^(String|Numeric|Boolean)(Equals|LessThanEquals|LessThan|GreaterThanEquals|GreaterThan)(Path)?$/;

const TYPES: { readonly [type: string]: string } = { String: 'string', Numeric: 'number', Boolean: 'boolean' };

const COMPARISONS: { readonly [comparison: string]: (order: number) => boolean } = {
  Equals: (order) => order === 0,
  LessThan: (order) => order < 0,
  LessThanEquals: (order) => order <= 0,
  GreaterThan: (order) => order > 0,
  GreaterThanEquals: (order) => order >= 0,
};

/** Text by Unicode code point, whose order is that of its UTF-8 bytes. */
function compare(left: Json, right: Json): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return Number(left) - Number(right);
}

function rules(list: readonly Json[]): readonly JsonObject[] {
  return list.filter(isJsonObject);
}
