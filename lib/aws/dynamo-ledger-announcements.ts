import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { WfloError } from '../errors.ts';
import { TENANT_WORKFLOW } from '../people/tenant-chain.ts';
import type { Announcements, Clock, Ids } from '../ports.ts';
import { documentClient } from './document-client.ts';
import { FORGET_AT, valueExpiry } from './expiry.ts';
import { markerKey } from './ledger-keys.ts';
import { throughLedger, writeLedger } from './ledger-writes.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import { type TransactItem, tenantChainItem } from './tenant-chain-item.ts';
import { transactionInput, withOutboxItem } from './transaction-items.ts';

export interface DynamoAnnouncementsOptions {
  readonly client: DynamoDBClient;
  readonly ledgerTable: string;
  readonly stateTable: string;
  readonly eventsTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly retentionDays: number;
  readonly retry?: RetryOptions;
}

/** Markers in the Ledger table, each put by the transaction that tells of it. */
export function dynamoAnnouncements(options: DynamoAnnouncementsOptions): Announcements {
  const client = documentClient(options.client);
  return {
    announceOnce: (marker, chainId, events) =>
      throughLedger(async () => {
        if (events.length === 0) throw new WfloError('internal', `${marker} announces nothing`);
        const put: TransactItem = {
          Put: {
            TableName: options.ledgerTable,
            Item: { ...markerKey(marker), [FORGET_AT]: valueExpiry(options) },
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        };
        const told = chainId.startsWith(`${TENANT_WORKFLOW}:`)
          ? withOutboxItem([tenantChainItem(options.stateTable, chainId, events.length)], chainId, events, options)
          : transactionInput({ executionId: chainId, changes: [], events }, options);
        const items = [put, ...(told.TransactItems ?? [])];
        const failed = await writeLedger(client, items, told.ClientRequestToken ?? options.ids.next(), options.retry);
        if (failed === undefined) return true;
        if (failed[0] !== undefined) return false;
        throw new WfloError('unknown_execution', `there is no execution ${chainId} to tell of ${marker}`, {
          fix: 'its records have expired: look into the audit trail',
        });
      }),
  };
}
