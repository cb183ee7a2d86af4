import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoExecutionStore } from '../../../lib/aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../../../lib/aws/dynamo-ledger.ts';
import { dynamoAnnouncements } from '../../../lib/aws/dynamo-ledger-announcements.ts';
import { dynamoBudgets } from '../../../lib/aws/dynamo-ledger-budgets.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import type { Clock } from '../../../lib/ports.ts';
import { createTables, eventsOfChain } from '../create-tables.ts';
import type { LedgerUnderTest } from './ledger-contract.ts';

/** The ledger on DynamoDB, or on what stands for it. */
export async function ledgerOnDynamo(client: DynamoDBClient, clock: Clock): Promise<LedgerUnderTest> {
  const tables = await createTables(client);
  const options = { client, ...tables, ids: ulidIds(clock), clock, retentionDays: 400 };
  const executions = dynamoExecutionStore(options);
  return {
    ledger: { ...dynamoLedger(options), ...dynamoBudgets(options), ...dynamoAnnouncements(options) },
    elsewhere: dynamoLedger(options),
    async given({ execution, lease }) {
      if (execution !== undefined) {
        const { executionId } = execution;
        await executions.commit({ executionId, changes: [{ item: 'execution', put: execution }], events: [] });
      }
      if (lease !== undefined) {
        const { executionId, path, attempt } = lease;
        await executions.commit({
          executionId,
          changes: [{ item: 'lease', path, attempt, put: lease }],
          events: [],
        });
      }
    },
    async fence({ executionId, path, attempt }) {
      await executions.commit({
        executionId,
        changes: [{ item: 'lease', path, attempt, set: { status: 'fenced' } }],
        events: [],
      });
    },
    eventsOfChain: (chainId) => eventsOfChain(client, tables.stateTable, chainId),
    close: tables.remove,
  };
}
