import type { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { DeadLetterQueue } from '../dead-letter-queue/dead-letter-queue.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';
import { StreamConsumer } from '../stream-consumer/stream-consumer.ts';

export interface OutboxConsumerProps {
  readonly handler: PlatformFunction;
  readonly eventsTable: Table;
  /** Over the table and its stream. */
  readonly dataKey: IKey;
  /** Gets the positions of batches that were given up. */
  readonly undelivered: DeadLetterQueue;
  /** Over that queue. */
  readonly telemetryKey: IKey;
  /**
   * After this long a batch that fails is given up, and holds up those after it no more: what is given up is still
   * unpublished in the table, and `reconcile` publishes it later. @default 5 minutes
   */
  readonly maxAge?: Duration;
  /** Only items whose attribute has this value, which the writer of the outbox sets. */
  readonly only?: { readonly attribute: string; readonly value: string };
}

/** Hands new items of the outbox to a function, those of one execution in order. */
export class OutboxConsumer extends StreamConsumer {
  constructor(scope: Construct, id: string, { eventsTable, only, ...props }: OutboxConsumerProps) {
    super(scope, id, {
      ...props,
      table: eventsTable,
      changes: ['INSERT'],
      ...(only === undefined ? {} : { only: { attribute: only.attribute, values: [only.value] } }),
    });
  }
}
