import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Hold } from '../budget/ledger.ts';
import type { Ledger, Page } from '../ports.ts';
import { decodeHoldPosition, encodePosition } from './cursor.ts';
import { queryItems, takeItems } from './document-client.ts';
import { holdOfItem } from './ledger-items.ts';
import { HOLD_PREFIX, holdPosition, OPEN_HOLD_LISTS, RECORD_LIST, unsettledList } from './ledger-keys.ts';
import { throughLedger } from './ledger-writes.ts';
import { partitionOf } from './state-keys.ts';

/** Holds by what is to be done with them. */
export function holdLists(
  client: DynamoDBDocumentClient,
  TableName: string,
): Pick<Ledger, 'listHolds' | 'expiredHolds' | 'holdsToLookUp' | 'unsettledHolds'> {
  return {
    listHolds: (executionId) =>
      throughLedger(async () => {
        const holds: Hold[] = [];
        const items = queryItems(client, {
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          FilterExpression: '#state IN (:open, :unsettled)',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: {
            ':pk': partitionOf(executionId),
            ':prefix': HOLD_PREFIX,
            ':open': 'open',
            ':unsettled': 'unsettled',
          },
        });
        for await (const item of items) holds.push(holdOfItem(item));
        return holds;
      }),

    expiredHolds: (now, limit) =>
      throughLedger(async () => {
        const lists = await Promise.all(
          OPEN_HOLD_LISTS.map((list) =>
            takeItems(
              queryItems(client, {
                TableName,
                IndexName: 'byHold',
                KeyConditionExpression: 'holdList = :list AND holdOrder < :now',
                ExpressionAttributeValues: { ':list': list, ':now': now.toISOString() },
                Limit: limit,
              }),
              limit,
            ),
          ),
        );
        return lists
          .flat()
          .map(holdOfItem)
          .sort((a, b) => ((a.expiresAt ?? '') < (b.expiresAt ?? '') ? -1 : 1))
          .slice(0, limit);
      }),

    holdsToLookUp: (now, limit) =>
      throughLedger(async () => {
        const items = queryItems(client, {
          TableName,
          IndexName: 'byRecord',
          KeyConditionExpression: 'recordList = :list AND recordAt < :now',
          ExpressionAttributeValues: { ':list': RECORD_LIST, ':now': now.toISOString() },
          Limit: limit,
        });
        return (await takeItems(items, limit)).map(holdOfItem);
      }),

    unsettledHolds: (tenant, query) =>
      throughLedger(async (): Promise<Page<Hold>> => {
        const after = query.cursor === undefined ? undefined : decodeHoldPosition(query.cursor);
        const items = await takeItems(
          queryItems(client, {
            TableName,
            IndexName: 'byHold',
            KeyConditionExpression: `holdList = :list${after === undefined ? '' : ' AND holdOrder > :after'}`,
            ExpressionAttributeValues: {
              ':list': unsettledList(tenant),
              ...(after === undefined ? {} : { ':after': after }),
            },
            Limit: query.limit + 1,
          }),
          query.limit + 1,
        );
        const holds = items.slice(0, query.limit).map(holdOfItem);
        const last = holds.at(-1);
        return items.length > query.limit && last !== undefined
          ? { items: holds, cursor: encodePosition(holdPosition(last)) }
          : { items: holds };
      }),
  };
}
