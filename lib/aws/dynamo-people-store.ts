import { GetCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { WfloEvent } from '../audit/events.ts';
import { SCHEMA } from '../execution/records.ts';
import type { DirectoryChange, Link, PeopleRecords, TenantRecord } from '../people/directory.ts';
import { type PeopleStore, peopleStore } from '../people/people-store.ts';
import type { GroupRecord, PersonRecord } from '../people/records.ts';
import { tenantChain } from '../people/tenant-chain.ts';
import type { Clock, Ids } from '../ports.ts';
import { documentClient } from './document-client.ts';
import { type DynamoPeopleOptions, peopleReads } from './dynamo-people.ts';
import { newOutboxRow } from './outbox-items.ts';
import {
  attestedRoleKey,
  BOOTSTRAP_KEY,
  GROUP_PREFIX,
  groupKey,
  identityKey,
  PERSON_PREFIX,
  personKey,
  tenantKey,
} from './people-table.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import { type ItemKey, metaKey } from './state-keys.ts';
import { storable } from './storable.ts';
import { type TransactItem, tenantChainItem } from './tenant-chain-item.ts';
import { writeTransaction } from './write-transaction.ts';

export interface DynamoPeopleStoreOptions extends DynamoPeopleOptions {
  readonly stateTable: string;
  readonly eventsTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly retry?: RetryOptions;
}

/** People, groups and tenants in the People table; every change puts an item into the Events table for each chain. */
export function dynamoPeopleStore(options: DynamoPeopleStoreOptions): PeopleStore {
  const client = documentClient(options.client);
  const reads = peopleReads(options);
  const { query } = reads;

  const records: PeopleRecords = {
    ...reads,

    async directory(tenant) {
      // First: what is read after it is as new or newer, and a change that is newer has counted the version up.
      const record = await reads.get<TenantRecord>(tenantKey(tenant));
      if (record === undefined) return undefined;
      const [people, groups] = await Promise.all([
        query<PersonRecord>(tenant, PERSON_PREFIX),
        query<GroupRecord>(tenant, GROUP_PREFIX),
      ]);
      return { tenant: record, people, groups };
    },

    listPeople: (tenant) => query<PersonRecord>(tenant, PERSON_PREFIX),
    listGroups: (tenant) => query<GroupRecord>(tenant, GROUP_PREFIX),
    isBootstrapped: async () => (await reads.get(BOOTSTRAP_KEY)) !== undefined,

    async eventCount(tenant) {
      const { Item } = await client.send(
        new GetCommand({
          TableName: options.stateTable,
          Key: metaKey(tenantChain(tenant).executionId),
          ConsistentRead: true,
        }),
      );
      return Number(Item?.eventCount ?? 0);
    },

    async commit(tenant, change) {
      const input = transactionInput(tenant, change, options);
      return writeTransaction(client, input, options.retry);
    },
  };
  return peopleStore(records, options);
}

function transactionInput(
  tenant: TenantRecord,
  change: DirectoryChange,
  options: DynamoPeopleStoreOptions,
): TransactWriteCommandInput {
  const { peopleTable: TableName } = options;
  const isNew = 'attribute_not_exists(pk)';
  const put = (key: ItemKey, record: object): TransactItem => ({
    Put: { TableName, Item: { ...storable(record), ...key }, ConditionExpression: isNew },
  });
  const versioned = (key: ItemKey, record: { readonly version: number }): TransactItem =>
    record.version === 1
      ? put(key, record)
      : {
          Put: {
            TableName,
            Item: { ...storable(record), ...key },
            ConditionExpression: '#version = :before',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':before': record.version - 1 },
          },
        };
  const remove = ({ identity, tenant: owner, personId }: Link): TransactItem => ({
    Delete: {
      TableName,
      Key: identityKey(identity),
      ConditionExpression: '#tenant = :tenant AND #personId = :personId',
      ExpressionAttributeNames: { '#tenant': 'tenant', '#personId': 'personId' },
      ExpressionAttributeValues: { ':tenant': owner, ':personId': personId },
    },
  });
  const createdAt = options.clock.now().toISOString();
  return {
    TransactItems: [
      versioned(tenantKey(tenant.tenant), tenant),
      ...(change.people ?? []).map((person) => versioned(personKey(person.tenant, person.personId), person)),
      ...(change.groups ?? []).map((group) => versioned(groupKey(group.tenant, group.group), group)),
      ...(change.link ?? []).map((link) => put(identityKey(link.identity), link)),
      ...(change.unlink ?? []).map(remove),
      ...(change.bootstrap ? [put(BOOTSTRAP_KEY, { createdAt })] : []),
      ...(change.attest === undefined
        ? []
        : [put(attestedRoleKey(change.attest), { roleArn: change.attest, createdAt })]),
      ...eventItems(storable(change.events), createdAt, options),
    ],
    // A repeat after a lost answer is recognised by DynamoDB for 10 minutes, and does not count the events twice.
    ClientRequestToken: options.ids.next(),
  };
}

/** Of each chain the outbox item with its events, and their count. */
function eventItems(
  events: readonly WfloEvent[],
  createdAt: string,
  { stateTable, eventsTable, ids }: DynamoPeopleStoreOptions,
): TransactItem[] {
  const chains = [...new Set(events.map((event) => event.executionId))];
  return chains.flatMap((executionId): TransactItem[] => {
    const own = events.filter((event) => event.executionId === executionId);
    const row = newOutboxRow({ schema: SCHEMA, executionId, outboxId: ids.next(), events: own, createdAt });
    return [{ Put: { TableName: eventsTable, Item: row } }, tenantChainItem(stateTable, executionId, own.length)];
  });
}
