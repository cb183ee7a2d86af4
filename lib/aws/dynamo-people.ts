import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Link } from '../people/directory.ts';
import type { GroupRecord, PersonRecord } from '../people/records.ts';
import type { People } from '../ports.ts';
import { documentClient, type Item, queryItems } from './document-client.ts';
import { attestedRoleKey, groupKey, identityKey, personKey, tenantPartition } from './people-table.ts';
import type { ItemKey } from './state-keys.ts';

export interface DynamoPeopleOptions {
  readonly client: DynamoDBClient;
  readonly peopleTable: string;
}

/** For whoever only asks who is in a group, and who they are: needs to get items of the People table, and nothing else. */
export function dynamoPeople(options: DynamoPeopleOptions): People {
  const { getPerson, getGroup } = peopleReads(options);
  return { getPerson, getGroup };
}

/** What is read of the People table, strongly consistent. */
export function peopleReads(options: DynamoPeopleOptions) {
  const client = documentClient(options.client);
  const { peopleTable: TableName } = options;

  async function get<R>(Key: ItemKey): Promise<R | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    return Item === undefined ? undefined : recordOf<R>(Item);
  }

  /** By sort key. */
  async function query<R>(tenant: string, prefix: string): Promise<readonly R[]> {
    const found: R[] = [];
    const items = queryItems(client, {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': tenantPartition(tenant), ':prefix': prefix },
    });
    for await (const item of items) found.push(recordOf<R>(item));
    return found;
  }

  return {
    get,
    query,
    getPerson: (tenant: string, personId: string) => get<PersonRecord>(personKey(tenant, personId)),
    getGroup: (tenant: string, group: string) => get<GroupRecord>(groupKey(tenant, group)),
    ownerOf: (identity: string) => get<Link>(identityKey(identity)),
    isAttested: async (roleArn: string) => (await get(attestedRoleKey(roleArn))) !== undefined,
  };
}

function recordOf<R>({ pk, sk, ...record }: Item): R {
  return record as R;
}
