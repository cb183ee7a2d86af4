/**
 * A copy of a value that DynamoDB takes and gives back as it was: without undefined fields, and with the replacement
 * character for half surrogate pairs, which agents can put into messages and which have no UTF-8 form.
 */
export function storable<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\p{Surrogate}/gu, '\uFFFD');
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [copy(name), copy(field)]),
  );
}
