import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';

export type Item = Record<string, unknown>;

export function documentClient(client: DynamoDBClient): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Items of a query, page after page, so that a caller stops reading when it has enough. */
export async function* queryItems(client: DynamoDBDocumentClient, query: QueryCommandInput): AsyncGenerator<Item> {
  let start = query.ExclusiveStartKey;
  do {
    const page = await client.send(
      new QueryCommand({ ...query, ...(start === undefined ? {} : { ExclusiveStartKey: start }) }),
    );
    yield* page.Items ?? [];
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

/** At most `limit` items that fit, in the order of the query. */
export async function takeItems(
  items: AsyncGenerator<Item>,
  limit: number,
  fits: (item: Item) => boolean = () => true,
): Promise<Item[]> {
  const taken: Item[] = [];
  if (limit <= 0) return taken;
  for await (const item of items) {
    if (fits(item)) taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}
