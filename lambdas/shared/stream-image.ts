import type { AttributeValue } from 'aws-lambda';

/** An item image of a DynamoDB stream as plain data. Sets and binary values are not used by the Events table and throw. */
export function plainImage(image: { readonly [name: string]: AttributeValue }): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.L !== undefined) return value.L.map(plainValue);
  if (value.M !== undefined) return plainImage(value.M);
  throw new TypeError(`an attribute has the type ${Object.keys(value).join(', ')}`);
}
