import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { OutboxItem } from '../../lib/audit/events.ts';
import type { ApprovalRecord, ExecutionRecord, LeaseRecord } from '../../lib/execution/records.ts';
import { isFinal } from '../../lib/execution/status.ts';

type Keyed<R> = R & { readonly pk: string; readonly sk: string; readonly checkAt?: string };

/** The tables themselves, past every port. */
export class Tables {
  readonly #client: DynamoDBDocumentClient;
  readonly #stateTable: string;
  readonly #eventsTable: string;

  constructor(client: DynamoDBClient, names: { readonly stateTable: string; readonly eventsTable: string }) {
    this.#client = DynamoDBDocumentClient.from(client);
    this.#stateTable = names.stateTable;
    this.#eventsTable = names.eventsTable;
  }

  async executions(): Promise<readonly Keyed<ExecutionRecord>[]> {
    const all = await this.#state<ExecutionRecord>((sk) => sk === 'META');
    // What counts the events of a tenant stands in the same place.
    return all.filter(({ executionId }) => executionId !== undefined);
  }

  leases(): Promise<readonly Keyed<LeaseRecord>[]> {
    return this.#state<LeaseRecord>((sk) => sk.startsWith('LEASE#'));
  }

  approvals(): Promise<readonly Keyed<ApprovalRecord>[]> {
    return this.#state<ApprovalRecord>((sk) => sk.startsWith('APPROVAL#'));
  }

  openCounts(): Promise<readonly Keyed<{ readonly open: number }>[]> {
    return this.#state<{ readonly open: number }>((sk) => sk === 'OPEN');
  }

  outbox(): Promise<readonly OutboxItem[]> {
    return this.#scan<OutboxItem>(this.#eventsTable);
  }

  /** What `reconcile` would look at minutes later, it looks at with its next run: in place of the time that passes. */
  async bringLooksForward(): Promise<void> {
    for (const { pk, sk, status, checkAt } of await this.executions()) {
      if (isFinal(status) || checkAt === undefined) continue;
      await this.#client
        .send(
          new UpdateCommand({
            TableName: this.#stateTable,
            Key: { pk, sk },
            UpdateExpression: 'SET checkAt = :now',
            ConditionExpression: 'checkAt = :seen',
            ExpressionAttributeValues: { ':now': new Date(Date.now() - 1000).toISOString(), ':seen': checkAt },
          }),
        )
        .catch((error: unknown) => {
          // It has changed in between: then somebody is at it.
          if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
        });
    }
  }

  async #state<R>(wanted: (sk: string) => boolean): Promise<readonly Keyed<R>[]> {
    return (await this.#scan<Keyed<R>>(this.#stateTable)).filter(({ sk }) => wanted(sk));
  }

  async #scan<R>(TableName: string): Promise<R[]> {
    const items: R[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const page = await this.#client.send(
        new ScanCommand({
          TableName,
          ConsistentRead: true,
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        }),
      );
      items.push(...((page.Items ?? []) as R[]));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  }
}
