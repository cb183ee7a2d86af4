/**
 * Builds update and condition expressions. Every name is an alias, because many fields (`status`, `path`, `error`) are
 * reserved words. No arithmetic in conditions: DynamoDB refuses it, the local AWS does not.
 */
export interface RecordUpdate {
  readonly set: { readonly [attribute: string]: unknown };
  readonly remove: readonly string[];
  readonly add: { readonly [attribute: string]: number };
  /** Attributes that take the value of another attribute of the item, as it was before. */
  readonly copy?: { readonly [attribute: string]: string };
}

export interface ExpressionParts {
  readonly UpdateExpression?: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, unknown>;
}

/**
 * Expression of a change to an item that must exist and fit `expect` (an `Expect` of `lib/ports.ts`). Without anything
 * to update there is no `UpdateExpression`: it is a condition check.
 */
export function buildExpression(update: RecordUpdate, expect: { readonly [field: string]: unknown }): ExpressionParts {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const name = (attribute: string): string => {
    const known = Object.entries(names).find(([, other]) => other === attribute);
    if (known !== undefined) return known[0];
    const alias = `#n${Object.keys(names).length}`;
    names[alias] = attribute;
    return alias;
  };
  const value = (content: unknown): string => {
    const alias = `:v${Object.keys(values).length}`;
    values[alias] = content;
    return alias;
  };

  const set = [
    ...Object.entries(update.set)
      .filter(([, content]) => content !== undefined)
      .map(([attribute, content]) => `${name(attribute)} = ${value(content)}`),
    ...Object.entries(update.copy ?? {}).map(([attribute, from]) => `${name(attribute)} = ${name(from)}`),
  ];
  const remove = update.remove.map(name);
  const add = Object.entries(update.add).map(([attribute, by]) => `${name(attribute)} ${value(by)}`);
  const clauses = [clause('SET', set), clause('REMOVE', remove), clause('ADD', add)].filter((text) => text !== '');
  const conditions = [
    `attribute_exists(${name('pk')})`,
    ...Object.entries(expect)
      .filter(([, wanted]) => wanted !== undefined)
      .map(([field, wanted]) => condition(name(field), wanted, value)),
  ];
  return {
    ...(clauses.length === 0 ? {} : { UpdateExpression: clauses.join(' ') }),
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: names,
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
}

function clause(word: string, parts: readonly string[]): string {
  return parts.length === 0 ? '' : `${word} ${parts.join(', ')}`;
}

function condition(name: string, wanted: unknown, value: (content: unknown) => string): string {
  if (isOneOf(wanted)) return `${name} IN (${wanted.oneOf.map(value).join(', ')})`;
  if (isAbsent(wanted)) return `attribute_not_exists(${name})`;
  return `${name} = ${value(wanted)}`;
}

export function isOneOf(wanted: unknown): wanted is { readonly oneOf: readonly unknown[] } {
  return typeof wanted === 'object' && wanted !== null && 'oneOf' in wanted && Array.isArray(wanted.oneOf);
}

function isAbsent(wanted: unknown): boolean {
  return typeof wanted === 'object' && wanted !== null && 'absent' in wanted && wanted.absent === true;
}
