import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { Item } from './document-client.ts';
import type { TransactItem } from './tenant-chain-item.ts';

/** An item of a transaction in DynamoDB's own words, as the document client writes it. Throws for what has none. */
export function transactWriteItem({ Put, Update, Delete, ConditionCheck }: TransactItem): TransactWriteItem {
  return {
    ...(Put === undefined ? {} : { Put: { ...Put, Item: attributesOf(Put.Item ?? {}), ...valuesOf(Put) } }),
    ...(Update === undefined
      ? {}
      : { Update: { ...Update, Key: attributesOf(Update.Key ?? {}), ...valuesOf(Update) } }),
    ...(Delete === undefined
      ? {}
      : { Delete: { ...Delete, Key: attributesOf(Delete.Key ?? {}), ...valuesOf(Delete) } }),
    ...(ConditionCheck === undefined
      ? {}
      : {
          ConditionCheck: {
            ...ConditionCheck,
            Key: attributesOf(ConditionCheck.Key ?? {}),
            ...valuesOf(ConditionCheck),
          },
        }),
  };
}

type Attributes = Record<string, AttributeValue>;

function valuesOf(write: { readonly ExpressionAttributeValues?: Item | undefined }): {
  ExpressionAttributeValues: Attributes | undefined;
} {
  const values = write.ExpressionAttributeValues;
  return { ExpressionAttributeValues: values === undefined ? undefined : attributesOf(values) };
}

function attributesOf(item: Item): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(item)) {
    if (value !== undefined) attributes[name] = attributeOf(value);
  }
  return attributes;
}

function attributeOf(value: unknown): AttributeValue {
  switch (typeof value) {
    case 'string':
      return { S: value };
    case 'number':
      if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) break;
      return { N: String(value) };
    case 'boolean':
      return { BOOL: value };
    case 'object':
      if (value === null) return { NULL: true };
      if (Array.isArray(value)) return { L: value.filter((each) => each !== undefined).map(attributeOf) };
      return { M: attributesOf(value as Item) };
    default:
  }
  throw new TypeError(`DynamoDB has no attribute for a ${typeof value} ${String(value)}`);
}
